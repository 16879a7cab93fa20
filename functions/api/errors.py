"""How the API answers what goes wrong."""

from glimpse.generations import NoModelChosen
from glimpse.http import Problems
from glimpse.maintenance import QueueUnavailable
from glimpse.records import RecordsContended

from functions.api.services import errors

PROBLEMS = Problems(
    statuses={
        errors.NothingUsable: 400,
        errors.NotAuthenticated: 401,
        errors.AlreadyTaken: 409,
        errors.Conflicting: 409,
    },
    meanings={
        NoModelChosen: errors.Unavailable(str(NoModelChosen())),
        RecordsContended: errors.Unavailable("Too many changes at once; try again in a moment."),
        QueueUnavailable: errors.Unavailable("Nothing can be deleted at the moment; try again shortly."),
    },
)
