"""The page of the gateways: how they are doing, and the levers: hold, release, a test SMS by one of them."""

from uuid import uuid4

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from contacts import clock, phone_numbers
from contacts.models import StaffAct, User
from contacts.staff_acts import Act, ReasonForm, record, staff
from office import gateway_tests
from office.gateway_figures import healths
from office.gateway_tests import TestForm
from sms import holding, submission
from sms.gateways import configured
from sms.models import Slot
from sms.quote import quote

EVERY = "all"  # the word for all gateways in an address; an alias of that name would be shadowed
TOO_LITTLE = _("Your own credit does not pay for a test SMS.")
SENT_ALREADY = _("This test was sent already. Nothing was sent again.")
NOT_ACCEPTED = _("The test SMS was not accepted; nothing was paid.")


def page(request: HttpRequest) -> HttpResponse:
    """Show the gateways."""
    _require_right(request)
    user = staff(request)
    mobile = phone_numbers.shown(user.mobile) if user.mobile else ""
    return _page(request, TestForm(user=user, initial={"token": uuid4(), "number": mobile}))


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
    """Send a test SMS by the chosen gateway, through the front door and paid by who asks; show what becomes of it."""
    _require_right(request)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    user, now = staff(request), clock.now()
    form = TestForm(request.POST, user=user)
    if not form.is_valid():
        return _page(request, form)
    try:
        message = gateway_tests.send(form, by=user, now=now)
    except submission.NotAccepted as refused:
        messages.error(request, WHY_NOT.get(type(refused), NOT_ACCEPTED))
        answer = _page(request, form)
        transaction.set_rollback(True)  # whoever writes and gives up has done nothing that must be told
        return answer
    return redirect("admin:sms_message_change", message.pk)


WHY_NOT = {submission.NotEnough: TOO_LITTLE, submission.KeyReused: SENT_ALREADY}

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
    now = clock.now()
    held = kind == StaffAct.Kind.HELD
    changed = holding.hold(why=why, alias=alias, now=now) if held else holding.release(alias=alias)
    if changed:
        record(Act(by, kind, Slot(alias=alias), why), now=now)


def _page(request: HttpRequest, test: TestForm) -> HttpResponse:
    now = clock.now()
    context = admin.site.each_context(request) | {
        "title": _("Gateways"), "gateways": healths(now=now), "now": now, "every": EVERY,
        "held": Slot.objects.filter(alias=holding.ALL, held_at__isnull=False).first(),
        "test": test, "cost": quote(staff(request), text=gateway_tests.text(), recipients=1, now=now),
        "acts": f"{reverse('admin:contacts_staffact_changelist')}?model={Slot._meta.label_lower}",
    }  # fmt: skip
    return TemplateResponse(request, "office/staff_gateways.html", context)
