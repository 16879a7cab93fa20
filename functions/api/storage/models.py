"""The DynamoDB tables that only the API uses, as pynamodb models."""

from glimpse.records.models import IntegerAttribute, Table, TableMeta, TableName
from pynamodb.attributes import TTLAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

ACTIVE, LEAVING = "ACTIVE", "ERASING"


class UserModel(Table):
    """Table ``users``."""

    class Meta(TableMeta):  # noqa: D106
        table_name = TableName("GLIMPSE_USERS_TABLE")

    user_id = IntegerAttribute(hash_key=True)
    username = UnicodeAttribute()
    password_hash = UnicodeAttribute()
    status = UnicodeAttribute(default=ACTIVE)
    created_at = UTCDateTimeAttribute()


class UsernameModel(Table):
    """Table ``usernames``: a name is unique because it is a key."""

    class Meta(TableMeta):  # noqa: D106
        table_name = TableName("GLIMPSE_USERNAMES_TABLE")

    username = UnicodeAttribute(hash_key=True)
    user_id = IntegerAttribute()


class SessionsByUser(GlobalSecondaryIndex["SessionModel"]):  # type: ignore[no-untyped-call]
    """Index ``by_user``: every login of an account, needed to erase it."""

    class Meta:  # noqa: D106
        index_name = "by_user"
        projection = KeysOnlyProjection()

    user_id = IntegerAttribute(hash_key=True)


class SessionModel(Table):
    """Table ``sessions``."""

    class Meta(TableMeta):  # noqa: D106
        table_name = TableName("GLIMPSE_SESSIONS_TABLE")

    token_hash = UnicodeAttribute(hash_key=True)
    user_id = IntegerAttribute()
    expires_at = TTLAttribute()
    by_user = SessionsByUser()


class FolderNameModel(Table):
    """Table ``folder_names``: one name per owner, and a strongly consistent list of an owner's folders."""

    class Meta(TableMeta):  # noqa: D106
        table_name = TableName("GLIMPSE_FOLDER_NAMES_TABLE")

    owner_id = IntegerAttribute(hash_key=True)
    folder_name = UnicodeAttribute(range_key=True)
    folder_id = IntegerAttribute()


class CounterModel(Table):
    """Table ``counters``."""

    class Meta(TableMeta):  # noqa: D106
        table_name = TableName("GLIMPSE_COUNTERS_TABLE")

    name = UnicodeAttribute(hash_key=True)
    value = IntegerAttribute(default=0)


MODELS: tuple[type[Model], ...] = (UserModel, UsernameModel, SessionModel, FolderNameModel, CounterModel)
