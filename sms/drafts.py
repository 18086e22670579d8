"""What a user was writing on the SMS form, kept until it is sent or started anew. One per user."""

from collections.abc import Sequence
from datetime import datetime

from contacts.models import User
from sms.models import Draft, Message
from sms.parts import clean


def draft_of(user: User) -> Draft:
    """Return the user's draft; an empty one, not stored, where there is none."""
    return Draft.objects.filter(user=user).first() or Draft(user=user)


def keep(user: User, *, to: Sequence[str], text: str, sign: bool, now: datetime) -> None:
    """Keep `to` (what was typed for each recipient) and `text` as the user's draft, in one statement."""
    draft = Draft(user=user, to=list(to), text=clean(text), sign=sign, changed_at=now)
    Draft.objects.bulk_create(
        [draft], update_conflicts=True, unique_fields=["user"], update_fields=["to", "text", "sign", "changed_at"]
    )


def keep_text(user: User, *, text: str, sign: bool, request_key: str, now: datetime) -> None:
    """Keep the text as it is being written, and the recipients as they are.

    Nothing is kept where `request_key` has been sent meanwhile: the last autosave of a form may come after its Send.
    """
    if Message.objects.filter(user=user, request_key=request_key).exists():
        return
    draft = Draft(user=user, text=clean(text), sign=sign, changed_at=now)
    Draft.objects.bulk_create(
        [draft], update_conflicts=True, unique_fields=["user"], update_fields=["text", "sign", "changed_at"]
    )


def forget(user: User) -> None:
    """Drop the user's draft."""
    Draft.objects.filter(user=user).delete()
