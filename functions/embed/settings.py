"""What the embed function reads from its environment."""

from pathlib import Path

from glimpse.settings import FunctionSettings
from pydantic import Field

# The bundle lies beside the packages in every artefact, as it does in the repository.
_BUNDLE_DIR = Path(__file__).resolve().parents[2] / "models" / "demo"


class EmbedSettings(FunctionSettings):
    """Environment of the embed function; each field is the variable GLIMPSE_<FIELD>.

    The names of the tables are read where they are used, and are here so that a missing one shows at start.
    """

    images_bucket: str
    index_bucket: str
    folders_table: str
    images_table: str
    jobs_table: str
    maintenance_queue_url: str
    max_receives: int = Field(ge=1)
    bundle_dir: Path = _BUNDLE_DIR
    threads: int = Field(default=2, ge=1)
