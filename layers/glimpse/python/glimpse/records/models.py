"""The DynamoDB tables that several functions share, as pynamodb models.

These classes are internal to this package, except for tests that create tables from them.
"""

from functools import cache
from typing import Any

from pynamodb.attributes import (
    Attribute,
    BooleanAttribute,
    MapAttribute,
    TTLAttribute,
    UnicodeAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.connection import Connection, TableConnection
from pynamodb.constants import NUMBER, PAY_PER_REQUEST_BILLING_MODE
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from glimpse.settings import required

# An API request has 30 s: a stalled connection must be given up and retried well within that.
CONNECT_TIMEOUT_SECONDS = 2
READ_TIMEOUT_SECONDS = 5


IS_NOTE = "is_note"
"""Marks an entry of a job's failures that is a note on an INDEXED image."""


class TableName:
    """A table name that is read from the environment on use, so that imports don't need it."""

    def __init__(self, variable: str) -> None:
        self._variable = variable

    def __get__(self, instance: object, owner: type) -> str:
        return required(self._variable)


class TableMeta:
    """Settings of every table."""

    billing_mode = PAY_PER_REQUEST_BILLING_MODE


class IntegerAttribute(Attribute[int]):
    """An exact integer; pynamodb's own number attribute is typed as float."""

    attr_type = NUMBER

    def serialize(self, value: int) -> str:
        """Return an integer as DynamoDB's decimal text."""
        return str(int(value))

    def deserialize(self, value: str) -> int:
        """Parse DynamoDB's decimal text."""
        return int(value)


@cache
def shared_connection() -> Connection:
    """Return the connection that all models share."""
    return Connection(
        connect_timeout_seconds=CONNECT_TIMEOUT_SECONDS, read_timeout_seconds=READ_TIMEOUT_SECONDS
    )


class Table(Model):
    """Base class of models that share one DynamoDB client.

    By default pynamodb makes a botocore session and a client per model, at 40 to 100 ms each. For a request
    that touches six tables, that would be most of a cold start.
    """

    @classmethod
    def _get_connection(cls) -> TableConnection:
        table = super()._get_connection()
        table.connection._client = shared_connection().client
        return table


class ImageModel(Table):
    """Table ``images``."""

    class Meta(TableMeta):  # noqa: D106
        table_name = TableName("GLIMPSE_IMAGES_TABLE")

    folder_id = IntegerAttribute(hash_key=True)
    image_id = IntegerAttribute(range_key=True)
    owner_id = IntegerAttribute()
    job_id = IntegerAttribute()
    name = UnicodeAttribute()
    key = UnicodeAttribute()
    content_type = UnicodeAttribute()
    size = IntegerAttribute()
    status = UnicodeAttribute()
    created_at = UTCDateTimeAttribute()
    reason = UnicodeAttribute(null=True)
    thumbnail_key = UnicodeAttribute(null=True)
    width = IntegerAttribute(null=True)
    height = IntegerAttribute(null=True)
    taken_at = IntegerAttribute(null=True)
    sequencer = UnicodeAttribute(null=True)
    spaces_revision = IntegerAttribute(default=0)
    taken_local = UnicodeAttribute(null=True)
    taken_guessed = BooleanAttribute(null=True)
    note = UnicodeAttribute(null=True)


class FolderModel(Table):
    """Table ``folders``. Both maps are keyed by embedding space."""

    class Meta(TableMeta):  # noqa: D106
        table_name = TableName("GLIMPSE_FOLDERS_TABLE")

    folder_id = IntegerAttribute(hash_key=True)
    owner_id = IntegerAttribute()
    folder_name = UnicodeAttribute()
    status = UnicodeAttribute()
    created_at = UTCDateTimeAttribute()
    index_versions: MapAttribute[str, Any] = MapAttribute(default=dict)  # type: ignore[no-untyped-call]
    spaces_revision = IntegerAttribute(default=0)
    backfills: MapAttribute[str, Any] = MapAttribute(default=dict)  # type: ignore[no-untyped-call]
    image_count = IntegerAttribute(default=0)
    is_public = BooleanAttribute(default=False)
    description = UnicodeAttribute(null=True)


class JobModel(Table):
    """Table ``jobs``. Failures are keyed by image id, so that recording one twice changes nothing.

    Notes on INDEXED images are in the same map, marked: jobs in progress would lack a separate map.
    """

    class Meta(TableMeta):  # noqa: D106
        table_name = TableName("GLIMPSE_JOBS_TABLE")

    job_id = IntegerAttribute(hash_key=True)
    user_id = IntegerAttribute()
    folder_id = IntegerAttribute()
    total_images = IntegerAttribute()
    processed_images = IntegerAttribute(default=0)
    failures: MapAttribute[str, Any] = MapAttribute(default=dict)  # type: ignore[no-untyped-call]
    created_at = UTCDateTimeAttribute()
    expires_at = TTLAttribute()
    awaited_until = UTCDateTimeAttribute(null=True)  # not written by earlier versions


class OtherImageModel(Table):
    """Table ``other_images``: files of other backends' images, by the backends' own index and image ids."""

    class Meta(TableMeta):  # noqa: D106
        table_name = TableName("GLIMPSE_OTHER_IMAGES_TABLE")

    index_key = UnicodeAttribute(hash_key=True)
    image_id = IntegerAttribute(range_key=True)
    file_path = UnicodeAttribute()


class SharesByUser(GlobalSecondaryIndex["ShareModel"]):  # type: ignore[no-untyped-call]
    """Index ``by_user``: the folders that others share with a user."""

    class Meta:  # noqa: D106
        index_name = "by_user"
        projection = AllProjection()

    user_id = IntegerAttribute(hash_key=True)


class ShareModel(Table):
    """Table ``shares``: who may see or change another user's folder."""

    class Meta(TableMeta):  # noqa: D106
        table_name = TableName("GLIMPSE_SHARES_TABLE")

    folder_id = IntegerAttribute(hash_key=True)
    user_id = IntegerAttribute(range_key=True)
    share_id = IntegerAttribute()
    permission = UnicodeAttribute()
    shared_at = UTCDateTimeAttribute()
    by_user = SharesByUser()


MODELS: tuple[type[Model], ...] = (ImageModel, FolderModel, JobModel, ShareModel)


def reset_connections(models: tuple[type[Model], ...] = MODELS) -> None:
    """Drop open connections, which pynamodb keeps on model classes; for tests with another endpoint."""
    shared_connection.cache_clear()
    for model in models:
        model._connection = None
