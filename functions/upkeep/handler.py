"""The Lambda entry point: batches of the upkeep queue.

Upkeep is a function of its own, in embed's image, because a merge may take minutes, and the message of an
upload whose worker was killed must come again within them; and it needs no model, no photographs and no
tables, so its role has none.
"""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from glimpse.logs import get_logger, one_line
from glimpse.queues import deliveries, failures
from glimpse.settings import load

from functions.upkeep.settings import UpkeepSettings
from functions.upkeep.wiring import build_consumer

_consumer = build_consumer(load(UpkeepSettings))
_logger = get_logger("upkeep")


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a batch of the upkeep queue.

    Parameters
    ----------
    event
        A batch of SQS.
    context
        Lambda's; tells how much time is left.

    Returns
    -------
    dict
        SQS's list of messages that have to come again.
    """
    with one_line(_logger, "batch") as line:
        report = _consumer.consume(deliveries(event), lambda: context.get_remaining_time_in_millis() / 1000)
        line.update(outcomes=dict(report.outcomes), reasons=report.reasons, again=len(report.again))
        return failures(report.again)
