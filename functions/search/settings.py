"""What the search function reads from its environment."""

from glimpse.settings import FunctionSettings
from pydantic import Field


class SearchSettings(FunctionSettings):
    """Environment of the search function; each field is the variable GLIMPSE_<FIELD>.

    Attributes
    ----------
    index_bucket : str
        Where the indexes and the models lie.
    embed_function : str
        Name or ARN of the function that embeds images.
    deployment_table, folders_table, other_images_table : str
        Names of tables; read where they are used, and here so that a missing one shows at start.
    embed_images_cap : int
        Images that the embed function surely manages in 25 s: half a second each, at 12 megapixels, after
        a start of 5 s.
    cache_memory_mb, cache_disk_mb : int
        What cached segments may take, of the function's memory and of /tmp.
    """

    index_bucket: str
    embed_function: str
    deployment_table: str
    folders_table: str
    other_images_table: str
    embed_images_cap: int = Field(default=40, ge=1, le=1000)
    cache_memory_mb: int = Field(default=768, ge=0)
    cache_disk_mb: int = Field(default=1536, ge=0)
