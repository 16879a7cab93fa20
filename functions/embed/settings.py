"""What the embed function reads from its environment."""

from pathlib import Path

from glimpse.settings import FunctionSettings
from pydantic import Field

# Bundles lie beside the packages in the image, as they do in the repository.
_MODELS_DIR = Path(__file__).resolve().parents[2] / "models"


class EmbedSettings(FunctionSettings):
    """Environment of the embed function; each field is the variable GLIMPSE_<FIELD>.

    The names of the tables are read where they are used, and are here so that a missing one shows at start.
    """

    images_bucket: str
    index_bucket: str
    folders_table: str
    images_table: str
    jobs_table: str
    shares_table: str
    deployment_table: str
    other_images_table: str
    maintenance_queue_url: str
    upkeep_queue_url: str
    max_receives: int = Field(ge=1)
    models_dir: Path = _MODELS_DIR
    workers: int = Field(default=2, ge=1)
