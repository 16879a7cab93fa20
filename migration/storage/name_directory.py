"""Look up users and folders by name, with the API's stores."""

from deployment.tables import opened
from deployment.target import Target
from functions.api.storage.folders import OwnedFolderStore
from functions.api.storage.models import MODELS
from functions.api.storage.users import UserStore


class NameDirectory:
    """The names in a deployment, each in its canonical spelling (NFC, without surrounding space).

    Parameters
    ----------
    target
        The deployment.
    """

    def __init__(self, target: Target) -> None:
        self._target = target

    def user_id(self, username: str) -> int | None:
        """Return the id of the account with a name; None if there is none.

        Raises
        ------
        UserError
            If a table refuses or does not answer.
        """
        with opened(self._target, MODELS):
            user = UserStore().find(username)
        return None if user is None else user.user_id

    def folder_id(self, owner_id: int, folder_name: str) -> int | None:
        """Return the id of an owner's folder with a name; None if there is none.

        Raises
        ------
        UserError
            If a table refuses or does not answer.
        """
        with opened(self._target, MODELS):
            return OwnedFolderStore().find(owner_id, folder_name)
