"""The HTTP status and the message of each error of the search service."""

import json
from typing import Any

from glimpse.generations import NoModelChosen
from glimpse.http import Problems
from glimpse.search_request import EMPTY_QUERY, EMPTY_TEXT

from functions.search.services import errors

PROBLEMS = Problems(
    statuses={errors.Unreadable: 409},
    meanings={NoModelChosen: errors.Unavailable(str(NoModelChosen()))},
    fields={("query", "string_too_short"): EMPTY_QUERY, ("text", "string_too_short"): EMPTY_TEXT},
    sentences={400: "The body can't be read; send JSON in UTF-8."},
)
NOT_HTTP: dict[str, Any] = {
    "statusCode": 400,
    "headers": {"content-type": "application/json"},
    "body": json.dumps({"detail": "The event is no HTTP request in API Gateway's payload format 2.0."}),
    "isBase64Encoded": False,
}
"""The answer to an invocation whose event is not an HTTP request."""
