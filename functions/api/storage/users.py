"""Accounts in DynamoDB."""

from glimpse.records import transactions
from pynamodb.transactions import TransactWrite

from functions.api.services.ports import User
from functions.api.storage import look_alikes
from functions.api.storage.models import LEAVING, UserModel, UsernameModel

_NOBODY = 0  # ids begin with 1


class UserStore:
    """Accounts, and the names that belong to them."""

    def create(self, user: User, *, may_look_alike: bool = False) -> bool:
        """Write an account and its name in one transaction; False if the name or its look is taken."""
        look_alikes.complete()

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
            look_alikes.claim(transaction, user.username, user.user_id, alone=not may_look_alike)

        try:
            transactions.write(fill)
        except transactions.ConditionsFailed as error:
            name_taken, id_taken, *look_taken = error.failed
            if name_taken or (any(look_taken) and not id_taken):
                return False
            raise
        return True

    def get(self, user_id: int) -> User | None:
        """Return an account, with a consistent read."""
        try:
            model = UserModel.get(user_id, consistent_read=True)
        except UserModel.DoesNotExist:
            return None
        return User(
            model.user_id, model.username, model.password_hash, model.created_at, model.status == LEAVING
        )

    def find(self, username: str) -> User | None:
        """Return an account by its name, with two consistent reads, even if there is none.

        Fewer would be faster, but the time would reveal who has an account.
        """
        try:
            user_id = UsernameModel.get(username, consistent_read=True).user_id
        except UsernameModel.DoesNotExist:
            user_id = _NOBODY
        return self.get(user_id)

    def find_to_log_in(self, username: str) -> User | None:
        """Return the account with this name, or else the only one whose name looks like it.

        Always makes three consistent reads: fewer would be faster, but would reveal who has an account.
        """
        alike = look_alikes.holders(look_alikes.looks(username)[0])
        try:
            user_id = UsernameModel.get(username, consistent_read=True).user_id
        except UsernameModel.DoesNotExist:
            user_id = alike.pop() if len(alike) == 1 else _NOBODY
        return self.get(user_id)

    def replace_hash(self, user: User, password_hash: str) -> None:
        """Replace a password's hash by one with new parameters, unless it was changed in the meantime."""

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
        """Mark an account as being erased; no effect if it is already marked or gone."""

        def fill(transaction: TransactWrite) -> None:
            transaction.update(
                UserModel(user.user_id),
                [UserModel.status.set(LEAVING)],
                condition=UserModel.user_id.exists(),
            )

        try:
            transactions.write(fill)
        except transactions.ConditionsFailed:
            return  # another request has already deleted it

    def delete(self, user: User) -> None:
        """Remove an account and free its name, in one transaction; no error if it is already gone."""
        for _ in transactions.attempts():
            if self._delete(user):
                return

    def _delete(self, user: User) -> bool:
        """Try once; False if the holders of the name's looks changed in the meantime."""
        there = {look: look_alikes.holders(look) for look in look_alikes.looks(user.username)}
        checks = 0

        def fill(transaction: TransactWrite) -> None:
            nonlocal checks
            transaction.delete(UserModel(user.user_id))
            transaction.delete(
                UsernameModel(user.username),
                condition=UsernameModel.username.does_not_exist() | (UsernameModel.user_id == user.user_id),
            )
            checks = look_alikes.give_up(transaction, there, user.user_id)

        try:
            transactions.write(fill)
        except transactions.ConditionsFailed as error:
            return error.failed[checks + 1]  # already deleted, and the name has a new owner
        return True
