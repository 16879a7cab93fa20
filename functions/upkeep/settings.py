"""What the upkeep function reads from its environment."""

from glimpse.settings import FunctionSettings


class UpkeepSettings(FunctionSettings):
    """Environment of the upkeep function; each field is the variable GLIMPSE_<FIELD>."""

    index_bucket: str
    upkeep_queue_url: str
