"""Planned messages whose moment has come: accepted, counted and charged under their own id, a batch at a time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db import transaction

from contacts import fault
from credit.limits import Rules
from sms import allowed, submission
from sms.allowed import NotAccepted
from sms.models import Message
from sms.submission import Item


@dataclass(frozen=True, slots=True)
class Released:
    """A planned message whose moment has come: why it was not accepted, if so, and how many numbers were left out."""

    message: Message
    why_not: NotAccepted | None
    left_out: int = 0

    @property
    def reason(self) -> str:
        """Why it was not accepted, as a code; empty where it was."""
        reasons = {
            submission.NotEnough: "no_credit",
            submission.OverLimit: "over_limit",
            submission.NoRecipients: "asked_not",
        }
        return reasons.get(type(self.why_not), "may_not_send") if self.why_not else ""


def release_due(*, now: datetime, limit: int = 100) -> list[Released]:
    """Accept and charge planned messages whose moment has come, under the same id."""
    with transaction.atomic():
        due = Message.objects.select_for_update(skip_locked=True, of=("self",)).select_related("user")
        planned = list(due.filter(state=Message.State.PLANNED, release_at__lte=now).order_by("release_at")[:limit])
        items = [_planned(message, now=now) for message in planned]
        rules = allowed.rules_for([item.sending for item in items])
        kept = [_without_barred(item, rules) for item in items]
        refusals = dict(_release(kept, rules, now=now))
        released = [
            Released(item.message, refusals.get(item.message.pk), len(item.to) - len(left.to))
            for item, left in zip(items, kept, strict=True)
        ]
        _write_why_not(released)
        fault.hit("submission.released")
    return released


def _planned(message: Message, *, now: datetime) -> Item:
    message.valid_until = now + submission.VALIDITY
    return Item(message, [(number, name) for number, name in message.planned_to or []], now)


def _without_barred(item: Item, rules: Rules) -> Item:
    """Return the item without the numbers that may get no SMS since it was planned."""
    barred = rules.barred(item.numbers, item.message.user)
    left = replace(item, to=[(number, name) for number, name in item.to if number not in barred])
    item.message.recipients = len(left.to)
    return left


def _release(items: Sequence[Item], rules: Rules, *, now: datetime) -> Iterable[tuple[UUID, NotAccepted | None]]:
    """Accept those that may go, and yield why not for the others."""
    ready = []
    for item in items:
        if not item.message.user.is_active:
            yield item.message.pk, submission.MayNotSend()
        elif not item.to:
            yield item.message.pk, submission.NoRecipients()
        else:
            ready.append(item)
    yield from zip([item.message.pk for item in ready], submission.accept(ready, rules, now=now), strict=True)


def _write_why_not(released: Sequence[Released]) -> None:
    for reason in {each.reason for each in released if each.why_not}:
        ids = [each.message.pk for each in released if each.reason == reason]
        Message.objects.filter(pk__in=ids).update(state=Message.State.NOT_ACCEPTED, why_not=reason)
