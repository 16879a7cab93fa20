"""The entry point of the upkeep function: the same code as the embed function's, for another queue.

It is a function of its own because a merge may take minutes, and a killed upload must come again within them;
and it needs no model, no photographs and no tables, so its role has none.
"""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from glimpse.index import IndexMaintenance, S3ObjectStore
from glimpse.logs import get_logger, one_line
from glimpse.maintenance import MaintenanceQueue
from glimpse.messages import CompactIndex, TendIndexes
from glimpse.settings import load

from functions.embed import events
from functions.embed.services.consuming import Consumer
from functions.embed.services.upkeep import IndexUpkeep
from functions.embed.settings import UpkeepSettings
from functions.embed.storage.queues import ConsumedQueues


def _consumer(settings: UpkeepSettings) -> Consumer:
    store = S3ObjectStore(settings.index_bucket)
    upkeep = IndexUpkeep(store, IndexMaintenance(store), MaintenanceQueue(settings.upkeep_queue_url))
    return Consumer({CompactIndex: upkeep.compact, TendIndexes: upkeep.tend}, ConsumedQueues())


_consumer_of_queue = _consumer(load(UpkeepSettings))
_logger = get_logger("upkeep")


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a batch of the upkeep queue, as the embed function does for its own.

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
        report = _consumer_of_queue.consume(
            events.deliveries(event), lambda: context.get_remaining_time_in_millis() / 1000
        )
        line.update(outcomes=dict(report.outcomes), reasons=report.reasons, again=len(report.again))
        return events.failures(report)
