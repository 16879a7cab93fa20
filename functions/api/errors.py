"""The HTTP status and the message of each error of the API."""

from glimpse.generations import NoModelChosen
from glimpse.http import Problems
from glimpse.maintenance import QueueUnavailable
from glimpse.records import RecordsContended
from glimpse.search_request import EMPTY_QUERY, EMPTY_TEXT

from functions.api.services import errors
from functions.api.services.accounts import MAX_PASSWORD, MIN_PASSWORD
from functions.api.services.names import MAX_USERNAME, MIN_USERNAME

_USERNAME = f"A username has {MIN_USERNAME} to {MAX_USERNAME} characters; choose another one."
_PASSWORD = f"A password has {MIN_PASSWORD} to {MAX_PASSWORD:,} characters; choose another one."

PROBLEMS = Problems(
    statuses={
        errors.NothingUsable: 400,
        errors.NotAuthenticated: 401,
        errors.AlreadyTaken: 409,
    },
    fields={
        ("username", "string_too_short"): _USERNAME,
        ("username", "string_too_long"): _USERNAME,
        ("password", "string_too_short"): _PASSWORD,
        ("password", "string_too_long"): _PASSWORD,
        ("query", "string_too_short"): EMPTY_QUERY,
        ("text", "string_too_short"): EMPTY_TEXT,
        ("folderName", "missing"): "The folder needs a name; choose one.",
    },
    meanings={
        NoModelChosen: errors.Unavailable(str(NoModelChosen())),
        RecordsContended: errors.Unavailable("Too many changes at once; try again in a moment."),
        QueueUnavailable: errors.Unavailable("Nothing can be deleted right now; try again in a moment."),
    },
)
