"""Accounts in DynamoDB."""

from glimpse.records import transactions
from pynamodb.transactions import TransactWrite

from functions.api.services.ports import User
from functions.api.storage.models import LEAVING, UserModel, UsernameModel

_NOBODY = 0  # ids begin with 1


class UserStore:
    """Accounts, and the names that belong to them."""

    def create(self, user: User) -> bool:
        """Write an account and its name in one transaction; False when the name is taken."""

        def fill(transaction: TransactWrite) -> None:
            transaction.save(
                UsernameModel(user.username, user_id=user.user_id),
                condition=UsernameModel.username.does_not_exist(),
            )
            transaction.save(
                UserModel(
                    user.user_id,
                    username=user.username,
                    password_hash=user.password_hash,
                    created_at=user.created_at,
                ),
                condition=UserModel.user_id.does_not_exist(),
            )

        try:
            transactions.write(fill)
        except transactions.ConditionsFailed as error:
            if error.failed[0]:
                return False
            raise
        return True

    def get(self, user_id: int) -> User | None:
        """Return an account by a consistent read."""
        try:
            model = UserModel.get(user_id, consistent_read=True)
        except UserModel.DoesNotExist:
            return None
        return User(
            model.user_id, model.username, model.password_hash, model.created_at, model.status == LEAVING
        )

    def find(self, username: str) -> User | None:
        """Return an account by its name, by consistent reads: two, also where there is none.

        Fewer would be faster, and tell who has an account.
        """
        try:
            user_id = UsernameModel.get(username, consistent_read=True).user_id
        except UsernameModel.DoesNotExist:
            user_id = _NOBODY
        return self.get(user_id)

    def replace_hash(self, user: User, password_hash: str) -> None:
        """Store a password's hash under new parameters, unless it was changed meanwhile."""

        def fill(transaction: TransactWrite) -> None:
            transaction.update(
                UserModel(user.user_id),
                [UserModel.password_hash.set(password_hash)],
                condition=UserModel.password_hash == user.password_hash,
            )

        try:
            transactions.write(fill)
        except transactions.ConditionsFailed:
            return  # a newer password, or a deleted account, wins

    def mark_leaving(self, user: User) -> None:
        """Mark an account that is being erased; again, or on none, this changes nothing."""

        def fill(transaction: TransactWrite) -> None:
            transaction.update(
                UserModel(user.user_id),
                [UserModel.status.set(LEAVING)],
                condition=UserModel.user_id.exists(),
            )

        try:
            transactions.write(fill)
        except transactions.ConditionsFailed:
            return  # another request came first, to the end

    def delete(self, user: User) -> None:
        """Remove an account and free its name, in one transaction; again on none is no error."""

        def fill(transaction: TransactWrite) -> None:
            transaction.delete(UserModel(user.user_id))
            transaction.delete(
                UsernameModel(user.username),
                condition=UsernameModel.username.does_not_exist() | (UsernameModel.user_id == user.user_id),
            )

        try:
            transactions.write(fill)
        except transactions.ConditionsFailed:
            return  # deleted before, and the name has a new owner
