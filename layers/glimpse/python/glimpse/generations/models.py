"""The DynamoDB table ``deployment``, as a pynamodb model."""

from typing import Any

from pynamodb.attributes import BooleanAttribute, JSONAttribute, UnicodeAttribute

from glimpse.records.models import IntegerAttribute, Table, TableMeta, TableName

POINTER = "models"
"""Key of the item that names the generations."""


class DeploymentModel(Table):
    """Table ``deployment``: items that exist once per deployment."""

    class Meta(TableMeta):  # noqa: D106
        table_name = TableName("GLIMPSE_DEPLOYMENT_TABLE")

    name = UnicodeAttribute(hash_key=True)
    active: JSONAttribute | Any = JSONAttribute()
    other: JSONAttribute | Any = JSONAttribute(null=True)
    retired: JSONAttribute | Any = JSONAttribute(null=True)
    phase = UnicodeAttribute()
    revision = IntegerAttribute()
    changed_at = IntegerAttribute(default=0)


class OtherMarkModel(Table):
    """The same table: backfill progress of another backend's index, ``others/{space}/{index}``."""

    class Meta(TableMeta):  # noqa: D106
        table_name = TableName("GLIMPSE_DEPLOYMENT_TABLE")

    name = UnicodeAttribute(hash_key=True)
    is_complete = BooleanAttribute()
    left_out = IntegerAttribute()
    touched_at = IntegerAttribute()
    revision = IntegerAttribute()


MODELS = (DeploymentModel, OtherMarkModel)
