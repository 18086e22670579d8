"""The provider's later word: it moves a delivery's receipt forward, and settles what was still open.

Money never moves by a receipt, with one exception: the operator's no to what our own relay had taken (S20).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from sms import outcomes, queue_sql
from sms.gateways.contract import Receipt, is_usable
from sms.models import FINAL, Delivery

BIGGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Recorded:
    """How many deliveries the receipts were about, and how many receipts were about none that this gateway has."""

    deliveries: int
    unmatched: int


@dataclass(frozen=True, slots=True)
class Told:
    """All that one batch of receipts says of one delivery."""

    row: Delivery
    receipts: Sequence[Receipt]

    @property
    def has_left(self) -> bool:
        """Whether this shows that a delivery which is still open has left: by a state, or by the gateway's reference.

        A bare yes would make a `sent` that nothing proves.
        """
        shown = any(each.left and (each.state or self.reference) for each in self.receipts)
        return shown and self.row.state not in FINAL

    @property
    def refused(self) -> str:
        """The code of the operator's no to what our relay took; a yes in the same batch outweighs it."""
        if self.row.state != Delivery.State.RELAYED or any(each.left for each in self.receipts):
            return ""
        return next((each.refused for each in self.receipts if each.refused), "")

    @property
    def reference(self) -> str:
        """The gateway's own reference, as far as it is known."""
        told = (each.gateway_reference for each in self.receipts if is_usable(each.gateway_reference))
        return self.row.reference or next(told, "")


def record(alias: str, receipts: Sequence[Receipt], *, now: datetime) -> Recorded:
    """Write down verified receipts of the gateway `alias`, in any order, once or often: the end is the same.

    A receipt counts only for a delivery that was handed over to this gateway. The receipt column only moves forward;
    its moment is that of the earliest receipt of its state, and never after `now`. Evidence that it left turns what is
    open `sent`; a no turns `relayed` into `refused`, pays it back and tells its owner.
    """
    with transaction.atomic():
        told = _told(alias, receipts)
        _move_forward(told, now=now)
        _settle_sent(alias, [each for each in told if each.has_left], now=now)
        _settle_refused([each for each in told if each.refused], now=now)
    return Recorded(len(told), len(receipts) - sum(len(each.receipts) for each in told))


def _told(alias: str, receipts: Sequence[Receipt]) -> list[Told]:
    """Return the deliveries that the receipts are about, locked, each with its receipts.

    Our reference decides where it is given; else the gateway's own, of which the youngest delivery counts, because
    providers begin anew after some months.
    """
    ids = {_id(each.reference) for each in receipts if each.reference}
    references = {
        each.gateway_reference for each in receipts if not each.reference and is_usable(each.gateway_reference)
    }
    meant = Q(pk__in=ids - {0}) | Q(reference__in=references) if references else Q(pk__in=ids - {0})
    rows = list(Delivery.objects.select_for_update().filter(meant, gateway=alias, attempt__gt=0).order_by("pk"))
    by_id = {row.pk: row for row in rows}
    by_reference = {row.reference: row for row in rows if row.reference}
    found: defaultdict[int, list[Receipt]] = defaultdict(list)
    for each in receipts:
        row = by_id.get(_id(each.reference)) if each.reference else by_reference.get(each.gateway_reference)
        if row:
            found[row.pk].append(each)
    return [Told(by_id[pk], said) for pk, said in found.items()]


def _id(reference: str) -> int:
    """Return the delivery id that a reference of ours is; 0, which no delivery has, for anything else."""
    number = int(reference) if re.fullmatch(r"[1-9][0-9]{0,18}", reference) else 0
    return number if number <= BIGGEST_ID else 0


def _move_forward(told: Iterable[Told], *, now: datetime) -> None:
    changed = [each.row for each in told if _is_news(each, now=now)]
    Delivery.objects.bulk_update(changed, ["receipt", "receipt_at"])


def _is_news(told: Told, *, now: datetime) -> bool:
    """Set the furthest receipt and its earliest moment on the row; return whether that changed anything."""
    furthest = max((each.state for each in told.receipts if each.state), default=None)
    if furthest is None or furthest < told.row.receipt:
        return False
    at = min(min(each.at or now, now) for each in told.receipts if each.state == furthest)
    if furthest == told.row.receipt and told.row.receipt_at and told.row.receipt_at <= at:
        return False
    told.row.receipt, told.row.receipt_at = int(furthest), at
    return True


def _settle_sent(alias: str, told: Sequence[Told], *, now: datetime) -> None:
    if told:
        queue_sql.record_sent([(each.row.pk, each.reference) for each in told], alias=alias, now=now)


def _settle_refused(told: Sequence[Told], *, now: datetime) -> None:
    by_reason: defaultdict[str, list[int]] = defaultdict(list)
    for each in told:
        by_reason[each.refused[:40]].append(each.row.pk)
    for reason, ids in by_reason.items():
        outcomes.tell(queue_sql.refuse(ids, reason=reason, now=now), state="refused", now=now)
