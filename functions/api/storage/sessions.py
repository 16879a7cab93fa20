"""Logins in DynamoDB."""

from datetime import datetime

from glimpse.records import transactions

from functions.api.services.ports import Session
from functions.api.storage.models import SessionModel


class SessionStore:
    """Logins by the hash of their token."""

    def create(self, session: Session) -> None:
        """Write a new login."""
        SessionModel(session.token_hash, user_id=session.user_id, expires_at=session.expires_at).save()

    def get(self, token_hash: str) -> Session | None:
        """Return a login, by a consistent read; DynamoDB removes expired ones late, so the caller checks."""
        try:
            model = SessionModel.get(token_hash, consistent_read=True)
        except SessionModel.DoesNotExist:
            return None
        return Session(model.token_hash, model.user_id, model.expires_at)

    def extend(self, session: Session, expires_at: datetime) -> None:
        """Extend a login; one that was ended in the meantime stays ended."""
        model, there = SessionModel(session.token_hash), SessionModel.token_hash.exists()
        moved = SessionModel.expires_at.set(expires_at)
        transactions.write_one(lambda: model.update([moved], condition=there))

    def delete(self, token_hash: str) -> None:
        """End one login."""
        SessionModel(token_hash).delete()

    def delete_all(self, user_id: int) -> None:
        """End every login of a user that the (eventually consistent) index shows."""
        with SessionModel.batch_write() as batch:
            for session in SessionModel.by_user.query(user_id):
                batch.delete(SessionModel(session.token_hash))
