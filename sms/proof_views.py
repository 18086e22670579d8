"""The sheet that proves a departure, for whoever sent the SMS, and the page where anybody checks its code (S20, N2).

The public page is no way to read SMS: it shows neither text nor name nor whose it was, and of the number two digits.
"""

import hashlib
from datetime import datetime
from typing import Any
from urllib.parse import urljoin
from uuid import UUID

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from contacts import clock
from sms import departure
from sms.answers import signed_in
from sms.models import Delivery

CHECKS_A_MINUTE = 30
COMPARISONS_AN_HOUR = 20
_MINUTE, _HOUR = 60, 3600


@login_required
@require_safe
@never_cache
def sheet(request: HttpRequest, message_id: UUID, delivery_id: int) -> HttpResponse:
    """Show the proof of one of the user's own deliveries, to be printed, or as JSON; 409 for one that has not left."""
    own = Delivery.objects.select_related("message").filter(message__user=signed_in(request))
    delivery = get_object_or_404(own, pk=delivery_id, message_id=message_id)
    if delivery.state != Delivery.State.SENT:
        told = _("There is no proof of departure: it is not known that this SMS left our system.")
        return _answer(request, "sms/proof_none.html", {"delivery": delivery}, _refusal("not_departed", told), 409)
    code = departure.code_of(delivery)
    check = urljoin(f"{settings.BASE_URL}/", reverse("proof", args=[code]).lstrip("/"))
    whole = {"number": delivery.number, "name": delivery.name, "text": delivery.message.text}
    content = {"code": code, "check": check, "signed_with": "HMAC-SHA256", **whole, **_said(delivery)}
    return _answer(request, "sms/proof.html", _context(delivery, code=code, check=check), content, 200)


@csrf_exempt  # it changes nothing, and a script has no cookie
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def check(request: HttpRequest, code: str) -> HttpResponse:
    """Say whether `code` is genuine and what our records say of it; compare a posted `number` and `text` with them.

    404 in the same words for a code that is mistyped, unknown or forged; 429 for whoever asks too often.
    """
    answer = _limited(request, code) or _checked(request, code)
    answer["X-Robots-Tag"] = "noindex, nofollow"
    return answer


def _limited(request: HttpRequest, code: str) -> HttpResponse | None:
    """Return 429 where this address checks, or anybody compares with this code, too often."""
    often = _too_often(f"check:{get_adapter().get_client_ip(request)}", CHECKS_A_MINUTE, _MINUTE)
    if request.method == "POST":
        often = _too_often(f"compare:{departure.plain(code)}", COMPARISONS_AN_HOUR, _HOUR) or often
    if not often:
        return None
    told = _("That was too often in a short time. Wait a while, then try again.")
    return _answer(request, "sms/proof_check.html", {"told": told}, _refusal("throttled", told), 429)


def _checked(request: HttpRequest, code: str) -> HttpResponse:
    delivery = departure.find(code)
    if delivery is None:
        told = _("This code is not one of ours. Compare it with the sheet, letter by letter, and try again.")
        content = {"genuine": False, **_refusal("not_genuine", told)}
        return _answer(request, "sms/proof_check.html", {"told": told}, content, 404)
    number, text = request.POST.get("number", ""), request.POST.get("text", "")
    agrees = departure.agrees(delivery, number=number, text=text) if request.method == "POST" else None
    context = _context(delivery, agrees=agrees, number=number, text=text, masked=departure.masked(delivery.number))
    content = {"genuine": True, "number": context["masked"], **_said(delivery)}
    if agrees is not None:
        content["agrees"] = agrees
    return _answer(request, "sms/proof_check.html", context, content, 200)


def _context(delivery: Delivery, **more: Any) -> dict[str, Any]:
    lines = {"proves": departure.proves(), "proves_not": departure.proves_not()}
    return {"delivery": delivery, "zone": timezone.get_current_timezone(), **lines, **more}


def _said(delivery: Delivery) -> dict[str, Any]:
    """Return what both JSON forms say of a delivery; moments bear their offset from UTC."""
    message = delivery.message
    return {
        "office": settings.OFFICE_NAME, "parts": message.parts_each, "accepted_at": _moment(message.accepted_at),
        "handed_at": _moment(delivery.handed_at), "sent_at": _moment(delivery.sent_at),
        "time_zone": str(timezone.get_current_timezone()), "gateway": delivery.gateway,
        "reference": delivery.reference, "receipt": Delivery.Receipt(delivery.receipt).name.lower(),
        "receipt_at": _moment(delivery.receipt_at), "proves": departure.proves(),
        "does_not_prove": departure.proves_not(),
    }  # fmt: skip


def _moment(at: datetime | None) -> str | None:
    return timezone.localtime(at).isoformat() if at else None


def _refusal(code: str, told: str) -> dict[str, Any]:
    return {"detail": told, "code": code}


def _answer(
    request: HttpRequest, template: str, context: dict[str, Any], content: dict[str, Any], status: int
) -> HttpResponse:
    """Answer with the page, or with JSON where the address ends in .json or that is what is accepted."""
    json = request.path.endswith(".json") or request.get_preferred_type(["text/html", "application/json"]) == (
        "application/json"
    )
    response = JsonResponse(content, status=status) if json else render(request, template, context, status=status)
    patch_vary_headers(response, ["Accept"])
    return response


def _too_often(what: str, most: int, seconds: int) -> bool:
    """Count one more of `what` in the running window of `seconds`; return whether that is more than `most`.

    The cache keeps a digest: an address or a code does not stand in it.
    """
    window = int(clock.now().timestamp()) // seconds
    key = f"proof:{hashlib.sha256(f'{settings.SECRET_KEY}:{what}:{window}'.encode()).hexdigest()}"
    many = int(cache.get(key, 0)) + 1
    cache.set(key, many, seconds)
    return many > most
