"""The balance: what it holds, what moved it, how it is filled (S13)."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from contacts.models import User
from credit import statement
from credit.allowance import standing


@login_required
@require_safe
def balance(request: HttpRequest) -> HttpResponse:
    """Show the signed-in user's balance, as money and as SMS, with what moved it."""
    assert isinstance(request.user, User)  # noqa: S101  the decorator lets nobody else in
    now = timezone.now()
    lines = statement.page(request.user, now=now, before=request.GET.get("before", ""), money_only=True)
    context = {"has": standing(request.user, now=now), "statement": lines, "later": bool(request.GET.get("before"))}
    return render(request, "credit/balance.html", context)
