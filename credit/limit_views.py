"""Settings > Limits: how many SMS a user may send, the countries confirmed, and the numbers that get none (N18)."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from contacts import clock
from contacts.answers import signed_in
from credit import limits
from credit.limit_forms import BlockForm, CountryForm
from credit.limit_models import BlockedNumber
from credit.limit_words import told


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Show the signed-in user's limits; add a number that gets no SMS, or confirm a country."""
    user, now = signed_in(request), clock.now()
    block = BlockForm(request.POST if "number" in request.POST else None, user=user)
    country = CountryForm(request.POST if "country" in request.POST else None)
    if request.method == "POST":
        if block.is_bound and block.is_valid():
            row = BlockedNumber(user=user, number=block.cleaned_data["number"], created_at=now)
            BlockedNumber.objects.bulk_create([row], ignore_conflicts=True)
            return redirect("limits")
        if country.is_bound and country.is_valid():
            limits.confirm(user, [country.cleaned_data["country"]], now=now)
            return redirect("limits")
    context = {
        "holding": [(limit, told(limit)) for limit in limits.holding_for(user, now=now)],
        "known": user.known_countries.all(),
        "blocked": BlockedNumber.objects.filter(user=user),
        "block_form": block,
        "country_form": country,
    }
    return render(request, "credit/limits.html", context, status=422 if request.method == "POST" else 200)


@login_required
@require_POST
def unblock(request: HttpRequest, block_id: int) -> HttpResponse:
    """Let the user send to a number again; the office's own list is not the user's to change."""
    get_object_or_404(BlockedNumber, pk=block_id, user=signed_in(request)).delete()
    return redirect("limits")
