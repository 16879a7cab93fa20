"""What a report and a deployment say after an import."""

from glimpse.records import ImageStatus, ImageStore

from deployment.tables import opened
from migration.notes import ImportOutcome
from migration.report import Report
from tests.integration.migration.deployment import MODELS, Deployment


def reason(report: Report, kind: str, old: str, outcome: ImportOutcome | None = None) -> str:
    """Everything that the report says of something."""
    return "; ".join(
        note.reason
        for note in report.notes
        if (note.kind, note.old) == (kind, old) and outcome in {None, note.outcome}
    )


def statuses(deployment: Deployment, folder_id: int = 3) -> dict[int, ImageStatus]:
    with opened(deployment.target, MODELS):
        return {record.image_id: record.status for record in ImageStore().list_folder(folder_id)}
