"""What a user was writing on the SMS form, kept until it is sent or started anew. One per user."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Exists, OuterRef

from contacts.models import User
from sms.models import Draft, Message
from sms.parts import clean

LONGEST = 20_000  # letters of a text that a draft keeps: thirteen times what goes in one SMS


def draft_of(user: User) -> Draft:
    """Return the user's draft; an empty one, not stored, where there is none.

    What was sent meanwhile is none: the last autosave of a form may come after its Send.
    """
    sent = Message.objects.filter(user=user, request_key=OuterRef("request_key"))
    return Draft.objects.filter(~Exists(sent), user=user).first() or Draft(user=user)


def keep(draft: Draft, *, now: datetime) -> None:
    """Keep this as its user's draft, in one statement."""
    _keep(draft, ["to", "text", "sign", "request_key", "changed_at"], now=now)


def keep_text(draft: Draft, *, now: datetime) -> None:
    """Keep the text as it is being written, and the recipients as they are."""
    _keep(draft, ["text", "sign", "request_key", "changed_at"], now=now)


def _keep(draft: Draft, fields: Sequence[str], *, now: datetime) -> None:
    draft.text, draft.changed_at = clean(draft.text)[:LONGEST], now
    Draft.objects.bulk_create([draft], update_conflicts=True, unique_fields=["user"], update_fields=fields)


def forget(user: User) -> None:
    """Drop the user's draft."""
    Draft.objects.filter(user=user).delete()
