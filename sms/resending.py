"""An SMS once more to those that it did not reach, to the same number or a corrected one (N13, N16).

It is a new message, accepted and paid by `submission.submit` like any other. Its request key follows from the old
deliveries, so that a double click sends once; `occasion_reference` names the message that it repeats.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.db.models import QuerySet

from contacts import phone_numbers
from contacts.models import User
from contacts.phone_numbers import Reading, Repair
from sms.forms import Shown
from sms.models import Delivery, Message
from sms.story import why_refused
from sms.submission import FORM_DELAY, Recipient, Request

FAILED = (Delivery.State.REFUSED, Delivery.State.EXPIRED)
UNCONFIRMED = (Delivery.State.UNCONFIRMED,)
STATES = {"failed": FAILED, "unconfirmed": UNCONFIRMED}
SHOWN = 50


@dataclass(frozen=True, slots=True)
class Row:
    """One delivery that did not surely arrive, what stands in its field, how that is read, and whether it goes."""

    delivery: Delivery
    typed: str
    taken: bool
    reading: Reading

    @property
    def wrong(self) -> bool:
        """Whether it is to go to something that is no number for an SMS."""
        return self.taken and not self.reading.ok

    @property
    def cures(self) -> list[Repair]:
        """The numbers that may have been meant and that an SMS can go to."""
        return [repair for repair in self.reading.repairs if not repair.refused]

    @property
    def why(self) -> str:
        """Why it did not leave, of a refused one."""
        return why_refused(self.delivery)

    @property
    def recipient(self) -> Recipient:
        """Whom it goes to now."""
        return Recipient(self.typed, self.delivery.name, self.reading)


class Resending:
    """What is to be sent again of `message`: the page as posted, or as it is first shown where `posted` is None.

    `which` is a key of STATES or the id of one delivery. The first SHOWN rows can be corrected and left out one by
    one, the others only together. `earlier` is how many times something of it was sent again when the page was made:
    it is part of the request key, so that only who has seen the earlier ones can send once more.
    """

    def __init__(self, message: Message, which: str, posted: Mapping[str, str] | None, *, taken: Iterable[str]) -> None:
        self.message, self.which, self.posted = message, which, posted or {}
        self.first_shown = posted is None
        self._taken = set(taken)
        self.deliveries = list(failed(message, which))

    @property
    def user(self) -> User:
        """Whose SMS it is."""
        return self.message.user

    @cached_property
    def rows(self) -> list[Row]:
        """The first deliveries, each with its field."""
        return [self._row(delivery) for delivery in self.deliveries[:SHOWN]]

    @property
    def others(self) -> list[Delivery]:
        """The deliveries behind the first ones; they go to the number they had."""
        return self.deliveries[SHOWN:]

    @property
    def others_taken(self) -> bool:
        """Whether those behind the first ones go too."""
        return self.first_shown or "others" in self.posted

    @cached_property
    def chosen(self) -> list[Row]:
        """All that goes, whether it can or not."""
        others = [_as_it_was(delivery) for delivery in self.others] if self.others_taken else []
        return [row for row in self.rows if row.taken] + others

    @property
    def people(self) -> int:
        """To how many different numbers it goes, those that must be corrected first included."""
        return len({row.reading.number or row.typed for row in self.chosen})

    @property
    def people_shown(self) -> int:
        """How many people the cost on the page was for."""
        return _whole(self.posted.get("people", ""))

    @cached_property
    def shown(self) -> Shown | None:
        """The credit that stood on the page."""
        return Shown.read(self.posted.get("shown", ""))

    @property
    def uncertain(self) -> bool:
        """Whether some of it may have arrived already."""
        return any(delivery.state in UNCONFIRMED for delivery in self.deliveries)

    @cached_property
    def before(self) -> list[Message]:
        """The messages by which something of this one was sent again, oldest first."""
        return sent_again(self.message)

    @property
    def asks(self) -> bool:
        """Whether it goes only to who has said that it may arrive twice."""
        return self.uncertain or bool(self.before)

    @property
    def sure(self) -> bool:
        """Whether that has been said."""
        return "sure" in self.posted

    @property
    def request_key(self) -> str:
        """The key under which this choice is sent once, however often it is posted."""
        ids = sorted(row.delivery.pk for row in self.chosen)
        content = json.dumps([str(self.message.pk), ids, _whole(self.posted.get("earlier", ""))])
        return f"again:{hashlib.sha256(content.encode()).hexdigest()[:40]}"

    def request(self, *, now: datetime) -> Request:
        """Return what is to be submitted; each row chosen must have a number."""
        agreed = self.shown.agreed(self.message.parts_each * self.people) if self.shown else None
        return Request(
            user=self.user, text=self.message.text, to=[row.recipient for row in self.chosen],
            occasion=Message.Occasion.FORM, occasion_reference=str(self.message.pk), request_key=self.request_key,
            not_before=now + FORM_DELAY, agreed=agreed,
        )  # fmt: skip

    def _row(self, delivery: Delivery) -> Row:
        if self.first_shown:
            return _as_it_was(delivery)
        typed = self.posted.get(f"number-{delivery.pk}", delivery.number).replace("\0", "")
        reading = phone_numbers.read(typed, country=self.user.country)
        return Row(delivery, typed, str(delivery.pk) in self._taken, reading)


def failed(message: Message, which: str) -> QuerySet[Delivery]:
    """Return the deliveries of `message` that `which` means: a key of STATES, or the id of one that ended so."""
    of_message = message.deliveries.order_by("position")
    if which in STATES:
        return of_message.filter(state__in=STATES[which])
    return of_message.filter(state__in=(*FAILED, *UNCONFIRMED), pk=_whole(which))


def sent_again(message: Message) -> list[Message]:
    """Return the messages by which something of `message` was sent again, oldest first."""
    later = Message.objects.filter(user_id=message.user_id, created_at__gte=message.created_at)
    again = later.filter(occasion=Message.Occasion.FORM, occasion_reference=str(message.pk))
    return list(again.order_by("created_at", "id"))


def _as_it_was(delivery: Delivery) -> Row:
    reading = phone_numbers.read(delivery.number, country=None)
    return Row(delivery, reading.shown, True, reading)


def _whole(typed: str) -> int:
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 19 else 0
