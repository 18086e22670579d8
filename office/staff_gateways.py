"""How the gateways are doing, and the levers: hold, release, a test SMS to one's own number.

Five statements whatever the number of gateways; figures of the last hour look at the newest deliveries only, so that
the page is as quick in an office with ten million of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, F, Max, Min, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacts.models import StaffAct, User
from contacts.staff_acts import Act, ReasonForm, record, staff
from sms import holding, submission
from sms.gateways import configured
from sms.models import Delivery, Message, Slot
from sms.quote import quote

EVERY = "all"  # the word for all gateways in an address; an alias of that name would be shadowed
NEWEST = 200_000
MEASURED = 1_000
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
TOO_LITTLE = _("Your own credit does not pay for a test SMS.")
NOT_ACCEPTED = _("The test SMS was not accepted; nothing was paid.")
OPEN = ("queued", "sending", "relayed", "unknown")
ENDS = ("sent", "refused", "unconfirmed", "expired")


@dataclass(frozen=True, slots=True)
class Health:
    """One gateway now. `figures` counts deliveries by state; `latency` is in seconds, None where nothing was sent."""

    alias: str
    slot: Slot
    figures: Mapping[str, Any]
    latency: float | None
    configured: bool
    resting: bool
    at_work: bool


class TestForm(forms.Form):
    """The form token that keeps a double click one SMS."""

    token = forms.UUIDField(widget=forms.HiddenInput)


def healths(*, now: datetime) -> list[Health]:
    """Return every gateway that is configured, has a slot, or has SMS that are not at their end."""
    slots = {slot.alias: slot for slot in Slot.objects.exclude(alias=holding.ALL)}
    newest = Delivery.objects.aggregate(newest=Max("pk"))["newest"] or 0
    figures = _figures(now=now)
    for alias, ends in _ends(newest, now=now).items():
        figures.setdefault(alias, {}).update(ends)
    latencies = _latencies(newest, now=now)
    known = configured.aliases()
    aliases = [*known, *sorted(({*slots} | {*figures}) - {*known})]
    return [
        _health(alias, slots.get(alias) or Slot(alias=alias), figures.get(alias, {}), latencies.get(alias), now=now)
        for alias in aliases
    ]


def page(request: HttpRequest) -> HttpResponse:
    """Show the gateways."""
    _require_right(request)
    now, user = timezone.now(), staff(request)
    context = admin.site.each_context(request) | {
        "title": _("Gateways"), "gateways": healths(now=now), "now": now, "every": EVERY,
        "held": Slot.objects.filter(alias=holding.ALL, held_at__isnull=False).first(),
        "test": TestForm(initial={"token": uuid4()}), "cost": quote(user, text=_test_text(), recipients=1, now=now),
        "by": configured.first_route(user.mobile) if user.mobile and configured.aliases() else "",
        "acts": f"{reverse('admin:contacts_staffact_changelist')}?model={Slot._meta.label_lower}",
    }  # fmt: skip
    return TemplateResponse(request, "office/staff_gateways.html", context)


def change(request: HttpRequest, alias: str, step: str) -> HttpResponse:
    """Ask why, then hold or release one gateway, or all of them."""
    _require_right(request)
    if step not in STEPS or not (alias == EVERY or _known(alias)):
        raise Http404
    kind, title, explained = STEPS[step]
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        slot = holding.ALL if alias == EVERY else alias
        _change(kind, slot, by=staff(request), why=form.cleaned_data["why"])
        return redirect("admin:gateways")
    about = _("All gateways") if alias == EVERY else alias
    context = admin.site.each_context(request) | {
        "title": title, "explained": explained, "about": about, "form": form, "back": reverse("admin:gateways"),
    }  # fmt: skip
    return TemplateResponse(request, "office/staff_reason.html", context)


def send_test(request: HttpRequest) -> HttpResponse:
    """Send a test SMS to the own number of who asks, through the front door and paid like any other."""
    _require_right(request)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    form, user, now = TestForm(request.POST), staff(request), timezone.now()
    if not form.is_valid() or not user.mobile:
        messages.error(request, _("Put your own mobile number into your personal record first."))
        return redirect("admin:gateways")
    try:
        message = _submit(user, str(form.cleaned_data["token"]), now=now)
    except submission.NotAccepted as refused:
        transaction.set_rollback(True)  # whoever writes and gives up has done nothing that must be told
        short = isinstance(refused, submission.NotEnough)
        messages.error(request, TOO_LITTLE if short else NOT_ACCEPTED)
        return redirect("admin:gateways")
    return redirect("admin:sms_message_change", message.pk)


STEPS = {
    "hold": (
        StaffAct.Kind.HELD, _("Hold"),
        _("Nothing more is handed over from the next claim on. What waits goes on waiting; nothing is lost."),
    ),
    "release": (
        StaffAct.Kind.RELEASED, _("Release"),
        _("What waits is handed over again. What waited too long is not sent any more and is paid back."),
    ),
}  # fmt: skip


def _require_right(request: HttpRequest) -> None:
    if not staff(request).has_perm("sms.change_slot"):
        raise PermissionDenied


def _known(alias: str) -> bool:
    return alias in configured.aliases() or Slot.objects.filter(alias=alias).exists()


def _change(kind: StaffAct.Kind, alias: str, *, by: User, why: str) -> None:
    """Hold or release, and write the act down; where nothing changes there is no act."""
    now = timezone.now()
    held = kind == StaffAct.Kind.HELD
    changed = holding.hold(why=why, alias=alias, now=now) if held else holding.release(alias=alias)
    if changed:
        record(Act(by, kind, Slot(alias=alias), why), now=now)


def _submit(user: User, token: str, *, now: datetime) -> Message:
    request = submission.Request(
        user=user, text=_test_text(), to=[submission.Recipient(user.mobile, str(user))],
        occasion=Message.Occasion.FORM, request_key=f"test:{token}",
    )  # fmt: skip
    submitted = submission.submit(request, now=now)
    if not submitted.repeated:
        record(Act(user, StaffAct.Kind.TESTED, submitted.message, ""), now=now)
    return submitted.message


def _test_text() -> str:
    return gettext("A test of the SMS gateway, sent from the administration.")


def _figures(*, now: datetime) -> dict[str, dict[str, Any]]:
    """Return what is not at its end, by gateway: from the indexes of the open states."""
    by_state: dict[str, Any] = {state: Count("pk", filter=Q(state=state)) for state in OPEN}
    oldest = Min("turn_at", filter=Q(state="queued", not_before__lte=now))
    rows = Delivery.objects.filter(state__in=OPEN).order_by().values("gateway")
    return {row["gateway"]: dict(row) for row in rows.annotate(oldest_at=oldest, **by_state)}


def _ends(newest: int, *, now: datetime) -> dict[str, dict[str, Any]]:
    """Return what came to its end in the last hour, by gateway."""
    by_state: dict[str, Any] = {state: Count("pk", filter=Q(state=state)) for state in ENDS}
    minute = Count("pk", filter=Q(state="sent", sent_at__gte=now - MINUTE))
    recent = Delivery.objects.filter(pk__gt=newest - NEWEST, state__in=ENDS, state_at__gte=now - HOUR)
    rows = recent.order_by().values("gateway")
    return {row["gateway"]: dict(row) for row in rows.annotate(minute=minute, **by_state)}


def _latencies(newest: int, *, now: datetime) -> dict[str, float]:
    """Return the median time from hand-over to the gateway's yes, in seconds, of the newest thousand sent."""
    sent = Delivery.objects.filter(pk__gt=newest - NEWEST, sent_at__gte=now - HOUR, handed_at__isnull=False)
    times: dict[str, list[float]] = {}
    took = sent.order_by("-pk").annotate(took=F("sent_at") - F("handed_at")).values_list("gateway", "took")
    for alias, duration in took[:MEASURED]:
        times.setdefault(alias, []).append(duration.total_seconds())
    return {alias: median(found) for alias, found in times.items()}


def _health(alias: str, slot: Slot, figures: Mapping[str, Any], latency: float | None, *, now: datetime) -> Health:
    return Health(
        alias=alias, slot=slot, figures=figures, latency=latency, configured=alias in configured.aliases(),
        resting=bool(slot.resting_until and slot.resting_until > now),
        at_work=bool(slot.lease_until and slot.lease_until > now),
    )  # fmt: skip
