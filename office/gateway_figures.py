"""How the gateways are doing, from the database: what waits, what left, how fast, why not.

Few statements whatever the number of gateways. Figures of the last hour look at the newest deliveries only, so that
they are as quick in an office with ten million of them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Max, Min, Q, QuerySet

from sms import holding
from sms.gateways import configured
from sms.gateways.contract import Gateway
from sms.models import Delivery, Slot

NEWEST = 200_000
MEASURED = 1_000
REASONS = 5
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
OPEN = ("queued", "sending", "relayed", "unknown")
ENDS = ("sent", "refused", "unconfirmed", "expired")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something did not leave, or is in doubt: a code, how often in the last hour, and when last."""

    code: str
    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Health:
    """One gateway now. `figures` counts deliveries by state; `adapter` is None for what left the settings.

    `latency` and `latency_95` are seconds from hand-over to the gateway's yes, that of the half and of all but one in
    twenty; None where nothing was sent.
    """

    alias: str
    slot: Slot
    figures: Mapping[str, Any]
    latency: float | None
    latency_95: float | None
    adapter: Gateway | None
    resting: bool
    at_work: bool
    reasons: Sequence[Reason] = field(default_factory=list)

    @property
    def configured(self) -> bool:
        """Whether SMS_GATEWAYS names it."""
        return self.adapter is not None


def healths(*, now: datetime) -> list[Health]:
    """Return every gateway that is configured, has a slot, or has SMS that are not at their end."""
    slots = {slot.alias: slot for slot in Slot.objects.exclude(alias=holding.ALL)}
    recent = newest(NEWEST)
    figures = waiting(now=now)
    for alias, ends in ended(recent, since=now - HOUR, minute=now - MINUTE).items():
        figures.setdefault(alias, {}).update(ends)
    times, reasons = _times(recent, now=now), _reasons(recent, now=now)
    known = configured.aliases()
    aliases = [*known, *sorted(({*slots} | {*figures}) - {*known})]
    return [
        Health(
            alias=alias, slot=slots.get(alias) or Slot(alias=alias), figures=figures.get(alias, {}),
            latency=percentile(times.get(alias, []), 50), latency_95=percentile(times.get(alias, []), 95),
            adapter=configured.gateway(alias) if alias in known else None, reasons=reasons.get(alias, []),
            **_at_present(slots.get(alias), now=now),
        )
        for alias in aliases
    ]  # fmt: skip


def newest(count: int) -> QuerySet[Delivery]:
    """Return the newest `count` deliveries, by their ids; costs a look at the end of the index."""
    last = Delivery.objects.aggregate(last=Max("pk"))["last"] or 0
    return Delivery.objects.filter(pk__gt=last - count).order_by()


def waiting(*, now: datetime) -> dict[str, dict[str, Any]]:
    """Return what is not at its end, by gateway and state, with the oldest that is due: from those states' indexes."""
    by_state: dict[str, Any] = {state: Count("pk", filter=Q(state=state)) for state in OPEN}
    oldest = Min("turn_at", filter=Q(state="queued", not_before__lte=now))
    rows = Delivery.objects.filter(state__in=OPEN).order_by().values("gateway")
    return {row["gateway"]: dict(row) for row in rows.annotate(oldest_at=oldest, **by_state)}


def ended(recent: QuerySet[Delivery], *, since: datetime, minute: datetime) -> dict[str, dict[str, Any]]:
    """Return what of `recent` came to its end after `since`, by gateway and state; `minute`: sent after that."""
    by_state: dict[str, Any] = {state: Count("pk", filter=Q(state=state)) for state in ENDS}
    lately = Count("pk", filter=Q(state="sent", sent_at__gte=minute))
    rows = recent.filter(state__in=ENDS, state_at__gte=since).values("gateway")
    return {row["gateway"]: dict(row) for row in rows.annotate(minute=lately, **by_state)}


def percentile(values: Sequence[float], part: int) -> float | None:
    """Return the smallest of the sorted `values` that `part` of a hundred do not exceed; None where there are none."""
    return values[math.ceil(len(values) * part / 100) - 1] if values else None


def _times(recent: QuerySet[Delivery], *, now: datetime) -> dict[str, list[float]]:
    """Return the seconds from hand-over to the gateway's yes of the newest thousand sent, by gateway, sorted."""
    sent = recent.filter(sent_at__gte=now - HOUR, handed_at__isnull=False)
    times: dict[str, list[float]] = {}
    took = sent.order_by("-pk").annotate(took=F("sent_at") - F("handed_at")).values_list("gateway", "took")
    for alias, duration in took[:MEASURED]:
        times.setdefault(alias, []).append(duration.total_seconds())
    return {alias: sorted(found) for alias, found in times.items()}


def _reasons(recent: QuerySet[Delivery], *, now: datetime) -> dict[str, list[Reason]]:
    """Return the most frequent codes of the last hour by gateway: of what waits again, is in doubt, or was refused."""
    rows = recent.filter(state_at__gte=now - HOUR, state__in=["queued", "unknown", "unconfirmed", "refused"])
    found: dict[str, list[Reason]] = {}
    told = rows.exclude(reason="").values("gateway", "reason").annotate(times=Count("pk"), last_at=Max("state_at"))
    for alias, code, count, last_at in told.order_by("-times", "reason").values_list(
        "gateway", "reason", "times", "last_at"
    ):
        found.setdefault(alias, []).append(Reason(code, count, last_at))
    return {alias: reasons[:REASONS] for alias, reasons in found.items()}


def _at_present(slot: Slot | None, *, now: datetime) -> dict[str, bool]:
    return {
        "resting": bool(slot and slot.resting_until and slot.resting_until > now),
        "at_work": bool(slot and slot.lease_until and slot.lease_until > now),
    }
