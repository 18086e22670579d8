"""The personal record: who one is for the office, with what a signature costs, and what keeps SMS away (S21, S22)."""

from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from contacts import clock
from contacts.forms import PersonalRecord, zone_names
from contacts.models import SIGNATURE_LENGTH, User
from contacts.phone_numbers import Reading
from contacts.templatetags.figures import phone
from office.own_number import OwnNumber
from sms.answers import signed_in
from sms.parts import costly, plain, split


@dataclass(frozen=True, slots=True)
class SignatureCost:
    """What a signature takes of an SMS: `used` of the `limit` units, the characters that shorten it, and a plain form.

    The line end before the signature is counted with it.
    """

    used: int
    limit: int
    costly: tuple[str, ...]
    plain: str


def signature_cost(signature: str) -> SignatureCost | None:
    """Return what `signature` costs each SMS, or None where there is none."""
    signature = " ".join(signature.split())[:SIGNATURE_LENGTH]
    if not signature:
        return None
    parts = split(f"\n{signature}")
    dear = tuple(char.text for char in costly(signature))
    return SignatureCost(parts.used, parts.limit, dear, plain(signature) if dear else "")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def personal_record(request: HttpRequest) -> HttpResponse:
    """Show the signed-in user's own record, or keep what was posted."""
    user = signed_in(request)
    saved = User.objects.get(pk=user.pk)  # the form writes on its own copy: the page's head shows what is stored
    form = PersonalRecord(request.POST or None, instance=saved)
    if form.is_valid():
        form.save()
        translation.activate(saved.language)
        messages.success(request, _told(form.reading))
        return redirect("personal_record")
    context = {
        "form": form,
        "zones": zone_names().values(),
        "own": OwnNumber(user, clock.now()),
        "cost": signature_cost(form["signature"].value() or ""),
    }
    return render(request, "office/personal_record.html", context, status=422 if form.errors else 200)


@login_required
@require_safe
def signature(request: HttpRequest) -> HttpResponse:
    """Answer the part of the page that says what the typed `signature` costs."""
    return render(request, "office/signature_cost.html", {"cost": signature_cost(request.GET.get("signature", ""))})


def _told(reading: Reading | None) -> str:
    if reading is None or not reading.corrected or not reading.number:
        return _("Saved.")
    return _("Saved. %(typed)s was read as %(number)s.") % {"typed": reading.typed, "number": phone(reading.number)}
