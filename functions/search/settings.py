"""The search function's settings, read from its environment."""

from glimpse.settings import FunctionSettings
from pydantic import Field


class SearchSettings(FunctionSettings):
    """The search function's environment; each field is the variable GLIMPSE_<FIELD>.

    Attributes
    ----------
    index_bucket : str
        The bucket of the indexes and the models.
    embed_function : str
        Name or ARN of the function that embeds images.
    deployment_table, folders_table, other_images_table : str
        Names of tables. They are read where they are used, and here so that a missing one fails at start.
    embed_images_cap : int
        How many images the embed function can safely embed in 25 s: half a second each at 12 megapixels,
        after a start of 5 s.
    cache_memory_mb, cache_disk_mb : int
        The limits of cached segments in the function's memory and in /tmp.
    """

    index_bucket: str
    embed_function: str
    deployment_table: str
    folders_table: str
    other_images_table: str
    embed_images_cap: int = Field(default=40, ge=1, le=1000)
    cache_memory_mb: int = Field(default=768, ge=0)
    cache_disk_mb: int = Field(default=1536, ge=0)
