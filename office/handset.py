"""The demo's handset: takes signed hand-overs like a provider, shows them like a telephone, sends receipts at a click.

It keeps its own journal, apart from everything that the office knows: what the office handed over twice stands there
twice. The page is open to whoever reaches the demo, as a telephone on a desk is.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from contacts import clock
from office.models import HandsetMessage
from sms import receipts
from sms.answers import wants_fragment
from sms.gateways import configured
from sms.gateways.phone import SIGNATURE, Phone, is_signed, sign
from sms.parts import MAX_PARTS

SHOWN = 100
NUMBERS = 12
# what the handset's owner may press -> what the operator then says
RECEIPTS = {"delivered": "delivered", "away": "buffered", "full": "undelivered"}
LAST_WORDS = ("delivered", "full")

View = Callable[..., HttpResponse]


@dataclass(frozen=True, slots=True)
class Received:
    """A hand-over as it came, checked."""

    reference: str
    number: str
    sender: str
    text: str
    parts: int


def demo_only(view: View) -> View:
    """Make `view` answer 404 outside the demo."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not settings.DEMO:
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


@demo_only
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def handset(request: HttpRequest) -> HttpResponse:
    """Show the handset; a POST is a hand-over (`sms.gateways.phone` says what goes in and out)."""
    return _receive(request) if request.method == "POST" else _show(request)


@demo_only
@require_POST
def receipt(request: HttpRequest, message_id: int) -> HttpResponse:
    """Send the pressed receipt, by the road of every provider's: signed, read by the adapter, recorded."""
    message = get_object_or_404(HandsetMessage, pk=message_id)
    pressed = request.POST.get("receipt", "")
    if pressed in RECEIPTS and message.receipt not in LAST_WORDS:
        _send_receipt(message, state=RECEIPTS[pressed])
        HandsetMessage.objects.filter(pk=message.pk).update(receipt=pressed)
    number = request.POST.get("number", "")
    return redirect(reverse("handset") + (f"?{urlencode({'number': number})}" if number else ""))


def _receive(request: HttpRequest) -> HttpResponse:
    alias = _sender_of(request)
    if alias is None:
        return JsonResponse({"error": "unauthorized"}, status=401)
    try:
        read = _read(json.loads(request.body))
    except (ValueError, KeyError, TypeError):
        return JsonResponse({"error": "unreadable"}, status=422)
    message = HandsetMessage.objects.create(
        gateway=alias, reference=read.reference, number=read.number, sender=read.sender, text=read.text,
        parts=read.parts, received_at=clock.now(),
    )  # fmt: skip
    return JsonResponse({"reference": f"{message}"}, status=201)


def _phones() -> Mapping[str, Phone]:
    found = {alias: configured.gateway(alias) for alias in configured.aliases()}
    return {alias: gateway for alias, gateway in found.items() if isinstance(gateway, Phone)}


def _sender_of(request: HttpRequest) -> str | None:
    """Return the alias of the gateway whose secret signed this request."""
    signature = request.headers.get(SIGNATURE, "")
    return next((alias for alias, each in _phones().items() if is_signed(each.secret, request.body, signature)), None)


def _read(said: Mapping[str, Any]) -> Received:
    """Return what a hand-over says; ValueError, KeyError or TypeError where it cannot be read."""
    words = {name: said[name] for name in ("reference", "number", "sender", "text")}
    if not all(isinstance(word, str) for word in words.values()) or not re.fullmatch(r"\+\d{7,15}", words["number"]):
        raise ValueError("not the words of a hand-over")
    limits = {"reference": 100, "sender": 40}
    if not 1 <= int(said["parts"]) <= MAX_PARTS:
        raise ValueError("not the parts of an SMS")
    return Received(**{name: word[: limits.get(name)] for name, word in words.items()}, parts=int(said["parts"]))


def _send_receipt(message: HandsetMessage, *, state: str) -> None:
    phone = _phones().get(message.gateway)
    if phone is None:
        raise Http404
    now = clock.now()
    said = {"reference": message.reference, "gateway_reference": f"{message}", "state": state, "at": now.isoformat()}
    body = json.dumps(said).encode()
    read = phone.read_receipts(headers={SIGNATURE: sign(phone.secret, body)}, query={}, body=body)
    receipts.keep(message.gateway, read, now=now)
    receipts.settle(now=now)


def _show(request: HttpRequest) -> HttpResponse:
    typed = re.sub(r"[^\d+]", "", request.GET.get("number", ""))
    arrived = _to(typed)
    newest = arrived.first()
    seen = str(newest.pk) if newest else "0"
    if wants_fragment(request) and request.GET.get("seen") == seen:
        return HttpResponse(status=204)
    context = {
        "conversations": _by_sender(arrived[:SHOWN]),
        "numbers": HandsetMessage.objects.values("number")
        .annotate(last=Max("pk"), many=Count("pk"))
        .order_by("-last")[:NUMBERS],
        "number": typed,
        "seen": seen,
        "last_words": LAST_WORDS,
    }
    return render(request, "office/handset_screen.html" if wants_fragment(request) else "office/handset.html", context)


def _to(typed: str) -> QuerySet[HandsetMessage]:
    """Return what arrived, newest first, at the numbers that hold the typed digits; at all where none are typed."""
    digits = re.sub(r"\D", "", typed).lstrip("0")
    return HandsetMessage.objects.filter(number__contains=digits).order_by("-pk")


def _by_sender(messages: QuerySet[HandsetMessage]) -> dict[str, list[HandsetMessage]]:
    conversations: dict[str, list[HandsetMessage]] = {}
    for message in messages:
        conversations.setdefault(message.sender, []).append(message)
    return conversations
