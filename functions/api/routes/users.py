"""Accounts and sessions."""

from typing import Annotated

from fastapi import APIRouter
from glimpse.http import Message
from pydantic import BaseModel, StringConstraints

from functions.api.dependencies import CurrentUser, LeavingUser, ServicesDep, TokenDep
from functions.api.services.accounts import MAX_PASSWORD, MIN_PASSWORD
from functions.api.services.names import MAX_USERNAME, MIN_USERNAME

router = APIRouter(prefix="/api/users", tags=["users"])


class Registration(BaseModel):
    """A new account."""

    username: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=MIN_USERNAME, max_length=MAX_USERNAME),
    ]
    password: Annotated[str, StringConstraints(min_length=MIN_PASSWORD, max_length=MAX_PASSWORD)]


class Credentials(BaseModel):
    """A name and a password."""

    username: Annotated[str, StringConstraints(max_length=MAX_USERNAME)]
    password: Annotated[str, StringConstraints(max_length=MAX_PASSWORD)]


class Registered(BaseModel):
    """An account."""

    id: int
    username: str


class LoggedIn(BaseModel):
    """A session."""

    token: str
    user_id: int
    username: str
    message: str


@router.post("/register")
def register(new: Registration, api: ServicesDep) -> Registered:
    """Create an account."""
    user = api.accounts.register(new.username, new.password)
    return Registered(id=user.user_id, username=user.username)


@router.post("/login")
def login(credentials: Credentials, api: ServicesDep) -> LoggedIn:
    """Start a session, which lasts until 12 hours after its last use."""
    session = api.accounts.login(credentials.username, credentials.password)
    return LoggedIn(
        token=session.token,
        user_id=session.user.user_id,
        username=session.user.username,
        message="You are logged in.",
    )


@router.post("/logout")
def logout(_user: CurrentUser, token: TokenDep, api: ServicesDep) -> Message:
    """End the session."""
    api.accounts.logout(token or "")
    return Message(message="You are logged out.")


@router.delete("/delete")
def delete(user: LeavingUser, api: ServicesDep) -> Message:
    """Erase the account and all its data; after a failure, repeat the request to continue."""
    # From now on tokens work only for this route, and no folder can be created, even by requests in progress.
    # The account itself goes last: without it, the user could not repeat the request after a failure.
    api.accounts.begin_deletion(user)
    api.folders.erase_all(user)
    api.accounts.delete(user)
    return Message(message="Your account and all its data are being erased.")
