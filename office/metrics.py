"""`/metrics`: the office's figures for Prometheus, for who brings METRICS_TOKEN; nobody else learns that it is there.

What the queue and the gateways do comes from the database at each call, in a few indexed statements, so it is right
from whichever process answers. Requests are counted by each process; gunicorn's share a folder (office/serving.py).
"""

import os
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from contacts import clock
from office import gateway_figures, seen
from sms import holding
from sms.gateways import configured
from sms.models import KeptReceipt, Slot

LATELY = timedelta(minutes=5)
NEWEST = 50_000
SHARED = "PROMETHEUS_MULTIPROC_DIR"  # the library's own word for the folder that processes share


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Give the figures to who brings the token; 404 to everybody else."""
    given = request.headers.get("Authorization", "")
    if not settings.METRICS_TOKEN or not constant_time_compare(given, f"Bearer {settings.METRICS_TOKEN}"):
        raise Http404
    figures = CollectorRegistry()
    figures.register(Figures(now=clock.now()))
    return HttpResponse(generate_latest(_requests()) + generate_latest(figures), content_type=CONTENT_TYPE_LATEST)


class Figures(Collector):
    """What the database says at `now`; only that it is away, where it is."""

    def __init__(self, *, now: datetime) -> None:
        self.now = now

    def describe(self) -> list[Metric]:
        """Promise nothing beforehand: the database is asked once, when the figures are wanted."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the figures."""
        try:
            found = [*_queue(now=self.now), *_ends(now=self.now), *_gateways(now=self.now), *_work(now=self.now)]
        except DatabaseError:
            found = []
        yield GaugeMetricFamily("office_database_up", "Whether the database answers.", value=bool(found))
        yield from found


def _requests() -> CollectorRegistry:
    """Return the counts of requests: of this process, or of all that share a folder."""
    if SHARED not in os.environ:
        return REGISTRY
    shared = CollectorRegistry()
    MultiProcessCollector(shared)
    return shared


def _queue(*, now: datetime) -> Iterator[Metric]:
    """Yield what is not at its end; a gateway of the settings with nothing to do has its zeros."""
    said = "Deliveries that are not at their end."
    deliveries = GaugeMetricFamily("office_deliveries", said, labels=["gateway", "state"])
    oldest = GaugeMetricFamily("office_oldest_due_seconds", "How long the oldest due SMS waits.", labels=["gateway"])
    found = gateway_figures.waiting(now=now)
    for alias in sorted({*found, *configured.aliases()}):
        figures = found.get(alias, {})
        for state in gateway_figures.OPEN:
            deliveries.add_metric([alias, state], figures.get(state, 0))
        since = figures.get("oldest_at")
        oldest.add_metric([alias], max(0.0, (now - since).total_seconds()) if since else 0)
    yield from (deliveries, oldest)


def _ends(*, now: datetime) -> Iterator[Metric]:
    """Yield what came to its end lately, among the newest deliveries."""
    said = "Deliveries that ended in the last five minutes, among the newest 50,000."
    ends = GaugeMetricFamily("office_deliveries_ended_lately", said, labels=["gateway", "state"])
    found = gateway_figures.ended(gateway_figures.newest(NEWEST), since=now - LATELY, minute=now)
    for alias in sorted({*found, *configured.aliases()}):
        for state in gateway_figures.ENDS:
            ends.add_metric([alias, state], found.get(alias, {}).get(state, 0))
    yield ends


def _gateways(*, now: datetime) -> Iterator[Metric]:
    """Yield how each gateway stands; one is held too where all are."""
    slots = {slot.alias: slot for slot in Slot.objects.all()}
    everything = slots.pop(holding.ALL, Slot())
    held = GaugeMetricFamily("office_gateway_held", "Whether a person must release it.", labels=["gateway"])
    rests = GaugeMetricFamily("office_gateway_resting", "Whether it could not be reached.", labels=["gateway"])
    failures = GaugeMetricFamily("office_gateway_failures", "Failed hand-overs in a row.", labels=["gateway"])
    for alias in sorted({*slots, *configured.aliases()}):
        slot = slots.get(alias) or Slot(alias=alias)
        held.add_metric([alias], bool(slot.held_at or everything.held_at))
        rests.add_metric([alias], bool(slot.resting_until and slot.resting_until > now))
        failures.add_metric([alias], slot.failures)
    yield from (held, rests, failures)


def _work(*, now: datetime) -> Iterator[Metric]:
    """Yield when those at work were seen last, and what they have not settled."""
    ages = GaugeMetricFamily("office_last_seen_seconds", "Since who works was seen; absent: never.", labels=["who"])
    for who, at in seen.last_of(seen.WORKERS).items():
        ages.add_metric([who], max(0.0, now.timestamp() - at))
    kept = KeptReceipt.objects.aggregate(all=Count("pk"), due=Count("pk", filter=Q(look_at__lte=now)))
    yield ages
    yield GaugeMetricFamily("office_receipts_kept", "Receipts that have not met their delivery.", value=kept["all"])
    yield GaugeMetricFamily("office_receipts_due", "Receipts that nobody has looked at in time.", value=kept["due"])
