"""The page that sends an SMS again to those it did not reach: a field at each number, the price, one button."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from contacts import clock
from contacts.phone_numbers import read
from credit.allowance import standing
from sms import parts
from sms.answers import go_to, signed_in
from sms.costs import Cost
from sms.forms import Shown
from sms.gateways.configured import NoGateway
from sms.models import Message
from sms.quote import quote_from
from sms.refusals import Trouble, trouble_of
from sms.resending import Resending
from sms.submission import KeyReused, NotAccepted, submit


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def resend(request: HttpRequest, message_id: UUID) -> HttpResponse:
    """Show what of one of the user's own SMS can be sent again, or send it; leads back where nothing can."""
    own = Message.objects.select_related("user").filter(user=signed_in(request))
    resending = _read(request, get_object_or_404(own, pk=message_id))
    if not resending.deliveries:
        return go_to(request, reverse("sms:message", args=[message_id]))
    if request.POST.get("press") == "send":
        return _send(request, resending)
    return _show(request, resending)


def _read(request: HttpRequest, message: Message) -> Resending:
    if request.method != "POST":
        return Resending(message, request.GET.get("which", "failed"), None, taken=())
    posted = request.POST.dict()
    delivery, _sep, number = posted.get("press", "").removeprefix("cure:").partition(":")
    if number and read(number, country=None).number == number:
        posted[f"number-{delivery}"] = number
    return Resending(message, posted.get("which", "failed"), posted, taken=request.POST.getlist("take"))


def _send(request: HttpRequest, resending: Resending) -> HttpResponse:
    """Submit what is chosen, or show it again with what is wrong; the same page posted twice sends once."""
    sent = Message.objects.filter(user=resending.user, request_key=resending.request_key).first()
    if sent:
        return go_to(request, reverse("sms:message", args=[sent.pk]))
    errors = _errors(resending)
    if errors:
        return _show(request, resending, errors=errors)
    if resending.shown is None or resending.people > resending.people_shown:
        return _show(request, resending, trouble=Trouble(_("This is what it costs. Press Send to agree.")))
    now = clock.now()
    try:
        submitted = submit(resending.request(now=now), now=now)
    except KeyReused:
        return _send(request, resending)  # the other click was first: its message is there now
    except (NotAccepted, NoGateway) as why:
        return _show(request, resending, trouble=trouble_of(why))
    return go_to(request, reverse("sms:message", args=[submitted.message.pk]))


def _errors(resending: Resending) -> dict[str, str]:
    """Return what is wrong, by the place where it is said."""
    errors = {str(row.delivery.pk): row.reading.sentence for row in resending.rows if row.wrong}
    if not resending.chosen:
        errors["nobody"] = _("Tick at least one number.")
    if resending.asks and not resending.sure:
        errors["sure"] = _("Tick this first: it may arrive twice.")
    return errors


def _show(
    request: HttpRequest,
    resending: Resending,
    *,
    errors: dict[str, str] | None = None,
    trouble: Trouble | None = None,
) -> HttpResponse:
    errors = errors or {}
    wrong = [str(row.delivery.pk) for row in resending.rows if row.wrong]
    context = {
        "resending": resending,
        "message": resending.message,
        "cost": _cost(resending),
        "errors": errors,
        "error_count": len(errors) + (trouble is not None),
        "first_error": next(iter([*errors, *wrong]), ""),
        "trouble": trouble,
    }
    return render(request, "sms/resend.html", context, status=422 if context["error_count"] else 200)


def _cost(resending: Resending) -> Cost:
    has, text = standing(resending.user, now=clock.now()), resending.message.text
    return Cost(
        letters=len(text), cut=parts.split(text), quote=quote_from(has, text=text, recipients=resending.people),
        shown=Shown.of(has), words=[], can_be_plain=False, saving=0, asks=False,
    )  # fmt: skip
