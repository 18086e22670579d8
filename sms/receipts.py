"""The provider's later word: kept as it comes, then written to its delivery, which it only moves forward.

The request that brings receipts does one INSERT (`keep`). A moment later `settle` looks for their deliveries, many at
once. A receipt that comes before the end of its call, or without any delivery, stays and is looked at again, ever more
seldom, for a few days.

Money never moves by a receipt, with one exception: the operator's no to what our own relay had taken (S20).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Q

from contacts import fault
from sms import outcomes, queue_sql
from sms.gateways.contract import Receipt, is_usable
from sms.gateways.http import reason_code
from sms.models import FINAL, Delivery, KeptReceipt

BIGGEST_ID = 2**63 - 1
BATCH = 500
KEPT_FOR = timedelta(days=3)
SOONEST, MOST_SELDOM = timedelta(seconds=1), timedelta(hours=1)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Settled:
    """How many deliveries were told something, and how many receipts wait for theirs or were given up."""

    deliveries: int
    unmatched: int


@dataclass(frozen=True, slots=True)
class Told:
    """All that one batch of receipts says of one delivery."""

    row: Delivery
    receipts: Sequence[KeptReceipt]

    @property
    def has_left(self) -> bool:
        """Whether this shows that a delivery which is still open has left: by a state, or by the gateway's reference.

        A bare yes would make a `sent` that nothing proves.
        """
        shown = any(each.left and (each.state or self.reference) for each in self.receipts)
        return shown and self.row.state not in FINAL

    @property
    def is_early(self) -> bool:
        """Whether the call is under way and its end decides what this means."""
        return self.row.state == Delivery.State.SENDING and not self.has_left

    @property
    def refused(self) -> str:
        """The code of the operator's no to what our relay took; a yes in the same batch outweighs it."""
        if self.row.state != Delivery.State.RELAYED or any(each.left for each in self.receipts):
            return ""
        return next((each.refused for each in self.receipts if each.refused), "")

    @property
    def reference(self) -> str:
        """The gateway's own reference, as far as it is known; the operator's comes before that of our relay."""
        told = next((each.theirs for each in self.receipts if each.theirs), "")
        if self.row.state == Delivery.State.RELAYED:
            return told or self.row.reference
        return self.row.reference or told

    def left_at(self, *, now: datetime) -> datetime:
        """Return when it left, by the earliest yes: not before it was handed over, and not after `now`."""
        earliest = min(each.at or now for each in self.receipts if each.left)
        return max(self.row.handed_at or now, min(earliest, now))


def keep(alias: str, receipts: Sequence[Receipt], *, now: datetime) -> int:
    """Keep verified receipts of the gateway `alias` for `settle`, in one INSERT; return how many.

    What names neither a delivery's id nor a reference that can be one is counted in the log and dropped.
    """
    rows = [row for each in receipts if (row := _kept(alias, each, now=now))]
    fault.hit("receipts.before_keep")
    KeptReceipt.objects.bulk_create(rows)
    fault.hit("receipts.kept")
    _note_dropped(alias, len(receipts) - len(rows))
    return len(rows)


def settle(*, now: datetime) -> Settled:
    """Write down what the kept receipts say, in any order, once or often: the end is the same.

    A receipt counts only for a delivery that was handed over to the gateway that brought it. The receipt column only
    moves forward; its moment is that of the earliest receipt of its state, and never after `now`. Evidence that it left
    turns what is open `sent`; a no turns `relayed` into `refused`, pays it back and tells its owner.
    """
    deliveries = unmatched = 0
    while True:
        with transaction.atomic():
            kept = _due(now)
            told = [each for alias, said in _by_gateway(kept).items() for each in _write_down(alias, said, now=now)]
            met = {receipt.pk for each in told for receipt in each.receipts}
            fault.hit("receipts.written_down")
            KeptReceipt.objects.filter(pk__in=met).delete()
            _put_off([each for each in kept if each.pk not in met], now=now)
            fault.hit("receipts.before_commit")
        fault.hit("receipts.settled")
        deliveries, unmatched = deliveries + len(told), unmatched + len(kept) - len(met)
        if len(kept) < BATCH:
            return Settled(deliveries, unmatched)


def _kept(alias: str, receipt: Receipt, *, now: datetime) -> KeptReceipt | None:
    """Return the row for a receipt; None where nothing could ever match it. Our reference decides where it is given."""
    ours = _id(receipt.reference) or None
    theirs = receipt.gateway_reference if is_usable(receipt.gateway_reference) else ""
    if not ours and (receipt.reference or not theirs):
        return None
    return KeptReceipt(
        gateway=alias, ours=ours, theirs=theirs, state=receipt.state or 0, at=receipt.at, left=receipt.left,
        refused=receipt.refused and reason_code(receipt.refused), came_at=now, look_at=now,
    )  # fmt: skip


def _id(reference: str) -> int:
    """Return the delivery id that a reference of ours is; 0, which no delivery has, for anything else."""
    number = int(reference) if re.fullmatch(r"[1-9][0-9]{0,18}", reference) else 0
    return number if number <= BIGGEST_ID else 0


def _due(now: datetime) -> list[KeptReceipt]:
    """Return the receipts to look at now, locked; another `settle` at work has the others."""
    due = KeptReceipt.objects.select_for_update(skip_locked=True).filter(look_at__lte=now)
    return list(due.order_by("look_at", "pk")[:BATCH])


def _by_gateway(kept: Iterable[KeptReceipt]) -> dict[str, list[KeptReceipt]]:
    found: defaultdict[str, list[KeptReceipt]] = defaultdict(list)
    for each in kept:
        found[each.gateway].append(each)
    return found


def _write_down(alias: str, kept: Sequence[KeptReceipt], *, now: datetime) -> list[Told]:
    """Write down what the receipts of one gateway say; return what could be written."""
    told = [each for each in _told(alias, kept) if not each.is_early]
    _move_forward(told, now=now)
    fault.hit("receipts.moved_forward")
    _settle_sent(alias, [each for each in told if each.has_left], now=now)
    _settle_refused([each for each in told if each.refused], now=now)
    return told


def _told(alias: str, kept: Sequence[KeptReceipt]) -> list[Told]:
    """Return the deliveries that the receipts are about, locked, each with its receipts.

    Our reference decides where it is given; else the gateway's own, of which the youngest delivery counts, because
    providers begin anew after some months. A row that the dispatcher is writing to is left for the next time: nobody
    waits for anybody.
    """
    ids = [each.ours for each in kept if each.ours]
    references = [each.theirs for each in kept if not each.ours]
    meant = Q(pk__in=ids) | Q(reference__in=references) if references else Q(pk__in=ids)
    found = Delivery.objects.select_for_update(skip_locked=True).filter(meant, gateway=alias, attempt__gt=0)
    by_id = {row.pk: row for row in found.order_by("pk")}
    by_reference = {row.reference: row for row in by_id.values()}
    said: defaultdict[int, list[KeptReceipt]] = defaultdict(list)
    for each in kept:
        row = by_id.get(each.ours) if each.ours else by_reference.get(each.theirs)
        if row:
            said[row.pk].append(each)
    return [Told(by_id[pk], receipts) for pk, receipts in said.items()]


def _move_forward(told: Iterable[Told], *, now: datetime) -> None:
    news = [(each.row.pk, *further) for each in told if (further := _further(each, now=now))]
    if news:
        queue_sql.record_receipts(news)


def _further(told: Told, *, now: datetime) -> tuple[int, datetime] | None:
    """Return the furthest receipt and its earliest moment, never after `now`; None where the row says so already."""
    furthest = max((each.state for each in told.receipts), default=0)
    if not furthest or furthest < told.row.receipt:
        return None
    at = min(min(each.at or now, now) for each in told.receipts if each.state == furthest)
    if furthest == told.row.receipt and told.row.receipt_at and told.row.receipt_at <= at:
        return None
    return furthest, at


def _settle_sent(alias: str, told: Sequence[Told], *, now: datetime) -> None:
    by_moment: defaultdict[datetime, list[tuple[int, str]]] = defaultdict(list)
    for each in told:
        by_moment[each.left_at(now=now)].append((each.row.pk, each.reference))
    for moment, rows in by_moment.items():
        queue_sql.record_sent(rows, alias=alias, now=moment)


def _settle_refused(told: Sequence[Told], *, now: datetime) -> None:
    by_reason: defaultdict[str, list[int]] = defaultdict(list)
    for each in told:
        by_reason[each.refused].append(each.row.pk)
    for reason, ids in by_reason.items():
        outcomes.tell(queue_sql.refuse(ids, reason=reason, now=now), state="refused", now=now)


def _put_off(kept: Sequence[KeptReceipt], *, now: datetime) -> None:
    """Look again after as long as it has waited already, between a second and an hour; give up after some days."""
    given_up = [each for each in kept if each.came_at <= now - KEPT_FOR]
    KeptReceipt.objects.filter(pk__in=[each.pk for each in given_up]).delete()
    for alias, receipts in _by_gateway(given_up).items():
        _note_dropped(alias, len(receipts))
    waiting = [each for each in kept if each.came_at > now - KEPT_FOR]
    for each in waiting:
        each.look_at = now + min(max(now - each.came_at, SOONEST), MOST_SELDOM)
    KeptReceipt.objects.bulk_update(waiting, ["look_at"])


def _note_dropped(alias: str, count: int) -> None:
    if count:
        log.warning("receipts_unmatched", gateway=alias, receipts=count)
