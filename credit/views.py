"""The balance: what it holds, what moved it, how it is filled (S13)."""

from typing import Any, cast
from uuid import UUID

from csp.decorators import csp_update
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from contacts import clock
from contacts.answers import signed_in
from contacts.instant import at_one_instant
from credit import checkout, statement, topping_up
from credit.allowance import standing
from credit.forms import TopUpForm
from credit.models import TopUp
from credit.receipt import Receipt, lines, pdf, when

EVENT_BYTES = 512 * 1024
BACK = "next"


def leads_to_stripe(view: Any) -> Any:
    """Let a form of this page lead to Stripe's: Chromium holds form-action against redirects too."""

    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        allowed = csp_update({"form-action": [checkout.pages_at()]})
        return cast(HttpResponse, allowed(view)(request, *args, **kwargs))

    return answered


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@leads_to_stripe
def balance(request: HttpRequest) -> HttpResponse:
    """Show the signed-in user's balance, with what moved it; a POST begins a top-up and leads to Stripe."""
    user, form = signed_in(request), TopUpForm(request.POST)
    if request.method != "POST":
        return _show_balance(request, TopUpForm(initial=_wished(request)))
    if not checkout.is_set_up() or not form.is_valid():
        return _show_balance(request, form, status=422)
    now = clock.now()
    wanted = topping_up.Wanted(
        amount=form.units, currency=settings.CURRENCY, livemode=checkout.is_live(), vat_rate=settings.VAT_RATE,
        back_to=_back_to(request.POST.get(BACK, "")),
    )  # fmt: skip
    try:
        return _leave(topping_up.begin(user, wanted, now=now), now=now)
    except (topping_up.TooManyOpen, checkout.Unreachable) as why:
        form.add_error(None, why.sentence)
    return _show_balance(request, form, status=422)


@login_required
@require_safe
@never_cache
@leads_to_stripe
def top_up(request: HttpRequest, top_up_id: UUID) -> HttpResponse:
    """Show what became of a top-up, to which the user comes back from Stripe; an open one is asked for."""
    found, now = _own(request, top_up_id), clock.now()
    if found.state == TopUp.State.OPEN:
        checkout.ask(found, now=now)
        found.refresh_from_db()
    context = {"top_up": found, "has": standing(signed_in(request), now=now), "left": "left" in request.GET}
    if not getattr(request, "htmx", False):
        return render(request, "credit/top_up.html", context)
    answer = render(request, "credit/top_up_part.html", context)
    if found.state != TopUp.State.OPEN:
        answer.headers["HX-Refresh"] = "true"  # the figures at the top of the page are old then
    return answer


@login_required
@require_POST
@leads_to_stripe
def pay(request: HttpRequest, top_up_id: UUID) -> HttpResponse:
    """Lead back to the payment page of a top-up that is still open."""
    found = _own(request, top_up_id)
    if found.state != TopUp.State.OPEN or not checkout.is_set_up():
        return redirect("top_up", top_up_id=found.pk)
    try:
        return _leave(found, now=clock.now())
    except checkout.Unreachable:
        return redirect("top_up", top_up_id=found.pk)


@login_required
@require_safe
def receipt(request: HttpRequest, top_up_id: UUID) -> HttpResponse:
    """Show the receipt of a top-up that was paid."""
    found = _paid(request, top_up_id)
    told = Receipt.of(found)
    context = {"top_up": found, "receipt": told, "lines": lines(told), "when": when(told)}
    return render(request, "credit/receipt.html", context)


@login_required
@require_safe
def receipt_pdf(request: HttpRequest, top_up_id: UUID) -> HttpResponse:
    """Give the receipt as a PDF."""
    told = Receipt.of(_paid(request, top_up_id))
    named = {"Content-Disposition": f'attachment; filename="{told.number}.pdf"'}
    return HttpResponse(pdf(told), content_type="application/pdf", headers=named)


@csrf_exempt
@never_cache
@require_POST
def stripe_webhook(request: HttpRequest) -> HttpResponse:
    """Take an event of Stripe: 200 once it is settled; whatever else it gets, Stripe brings it again.

    400 for a signature that is wrong or old and for what cannot be read, 404 where no signature is expected.
    """
    if not settings.STRIPE_WEBHOOK_SECRET:
        return _say(404, "Not found.")
    body = request.read(EVENT_BYTES + 1)
    if len(body) > EVENT_BYTES:
        return _say(413, "Too long.")
    try:
        event = checkout.read_event(body, request.headers.get("Stripe-Signature", ""))
    except (checkout.Forged, ValueError):
        return _say(400, "This event cannot be read.")
    try:
        checkout.settle_event(event, now=clock.now())
    except checkout.Unreachable:
        return _say(503, "Later, please.")
    return _say(200, "Thank you.")


def _show_balance(request: HttpRequest, form: TopUpForm, *, status: int = 200) -> HttpResponse:
    user, now = signed_in(request), clock.now()
    before = request.GET.get("before", "")
    back_to = _back_to(request.POST.get(BACK) or request.GET.get(BACK, ""))
    open_ones = TopUp.objects.filter(account__user=user, state=TopUp.State.OPEN, expires_at__gt=now)
    with at_one_instant():
        has = standing(user, now=now)
        lines = statement.page(user, now=now, before=before, wanted=statement.Filter(money_only=True))
    context = {
        "has": has, "later": bool(before), "form": form, "back_to": back_to, "statement": lines,
        "open": open_ones.exclude(session=None)[:3], "can_pay": checkout.is_set_up(), "live": checkout.is_live(),
    }  # fmt: skip
    return render(request, "credit/balance.html", context, status=status)


def _leave(top_up: TopUp, *, now: Any) -> HttpResponse:
    """Lead to the payment page; 303, so that what was posted is not posted again (RFC 9110, 15.4.4)."""
    return HttpResponse(status=303, headers={"Location": checkout.open_page(top_up, now=now)})


def _wished(request: HttpRequest) -> dict[str, Any]:
    """Return the amount that stands in the address, where it can be one."""
    wished = request.GET.get("amount", "")
    return {"own": f"{int(wished) / 100:.2f}"} if wished.isascii() and wished.isdigit() and len(wished) < 8 else {}


def _back_to(path: str) -> str:
    """Return a path inside this office, or nothing."""
    fine = path.startswith("/") and url_has_allowed_host_and_scheme(path, allowed_hosts=None) and len(path) <= 200
    return path if fine else ""


def _own(request: HttpRequest, top_up_id: UUID) -> TopUp:
    return get_object_or_404(
        TopUp.objects.select_related("account__user"), pk=top_up_id, account__user=signed_in(request)
    )


def _paid(request: HttpRequest, top_up_id: UUID) -> TopUp:
    found = _own(request, top_up_id)
    if found.state != TopUp.State.PAID:
        raise Http404
    return found


def _say(status: int, words: str) -> HttpResponse:
    return HttpResponse(f"{words}\n", status=status, content_type="text/plain; charset=utf-8")
