"""The DynamoDB tables that only the API uses, as pynamodb models."""

from glimpse.records.models import IntegerAttribute, Table, TableMeta, TableName
from pynamodb.attributes import TTLAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

ACTIVE, LEAVING = "ACTIVE", "ERASING"


class UserModel(Table):
    """The ``users`` table."""

    class Meta(TableMeta):  # noqa: D106
        table_name = TableName("GLIMPSE_USERS_TABLE")

    user_id = IntegerAttribute(hash_key=True)
    username = UnicodeAttribute()
    password_hash = UnicodeAttribute()
    status = UnicodeAttribute(default=ACTIVE)
    created_at = UTCDateTimeAttribute()


class UsernameModel(Table):
    """The ``usernames`` table: a name is unique because it is a key."""

    class Meta(TableMeta):  # noqa: D106
        table_name = TableName("GLIMPSE_USERNAMES_TABLE")

    username = UnicodeAttribute(hash_key=True)
    user_id = IntegerAttribute()


class SessionsByUser(GlobalSecondaryIndex["SessionModel"]):  # type: ignore[no-untyped-call]
    """The ``by_user`` index: every login of an account, needed to erase it."""

    class Meta:  # noqa: D106
        index_name = "by_user"
        projection = KeysOnlyProjection()

    user_id = IntegerAttribute(hash_key=True)


class SessionModel(Table):
    """The ``sessions`` table."""

    class Meta(TableMeta):  # noqa: D106
        table_name = TableName("GLIMPSE_SESSIONS_TABLE")

    token_hash = UnicodeAttribute(hash_key=True)
    user_id = IntegerAttribute()
    expires_at = TTLAttribute()
    by_user = SessionsByUser()


class FolderNameModel(Table):
    """The ``folder_names`` table: unique names per owner, and a strongly consistent list of folders."""

    class Meta(TableMeta):  # noqa: D106
        table_name = TableName("GLIMPSE_FOLDER_NAMES_TABLE")

    owner_id = IntegerAttribute(hash_key=True)
    folder_name = UnicodeAttribute(range_key=True)
    folder_id = IntegerAttribute()


class CounterModel(Table):
    """The ``counters`` table."""

    class Meta(TableMeta):  # noqa: D106
        table_name = TableName("GLIMPSE_COUNTERS_TABLE")

    name = UnicodeAttribute(hash_key=True)
    value = IntegerAttribute(default=0)


MODELS: tuple[type[Model], ...] = (UserModel, UsernameModel, SessionModel, FolderNameModel, CounterModel)
