"""From the environment to the service over the real bucket and queue."""

from glimpse.index import IndexMaintenance, S3ObjectStore
from glimpse.maintenance import MaintenanceQueue
from glimpse.messages import CompactIndex, TendIndexes
from glimpse.queues import Consumer, MessageVisibility

from functions.upkeep.services.index_upkeep import IndexUpkeep
from functions.upkeep.settings import UpkeepSettings


def build_consumer(settings: UpkeepSettings) -> Consumer:
    """Return what does the work of the upkeep queue's messages."""
    store = S3ObjectStore(settings.index_bucket)
    upkeep = IndexUpkeep(store, IndexMaintenance(store), MaintenanceQueue(settings.upkeep_queue_url))
    return Consumer({CompactIndex: upkeep.compact, TendIndexes: upkeep.tend}, MessageVisibility())
