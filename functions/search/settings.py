"""What the search function reads from its environment."""

import os
from pathlib import Path

from glimpse.settings import FunctionSettings
from pydantic import Field

_REPOSITORY = Path(__file__).resolve().parents[2]


def _default_bundle() -> Path:
    """Return the bundle that lies in the artefact, or in the repository where there is none."""
    return Path(os.environ.get("LAMBDA_TASK_ROOT") or _REPOSITORY) / "models" / "demo"


class SearchSettings(FunctionSettings):
    """Environment of the search function; each field is the variable GLIMPSE_<FIELD>.

    Attributes
    ----------
    index_bucket : str
        Where the indexes lie.
    embed_function : str
        Name or ARN of the function that embeds images.
    bundle_dir : Path
        The model bundle.
    embed_images_cap : int
        Images that the embed function surely manages in 25 s: half a second each, at 12 megapixels, after
        a start of 5 s.
    cache_memory_mb, cache_disk_mb : int
        What cached segments may take, of the function's memory and of /tmp.
    """

    index_bucket: str
    embed_function: str
    bundle_dir: Path = Field(default_factory=_default_bundle)
    embed_images_cap: int = Field(default=40, ge=1, le=1000)
    cache_memory_mb: int = Field(default=768, ge=0)
    cache_disk_mb: int = Field(default=1536, ge=0)
