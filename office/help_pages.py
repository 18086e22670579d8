"""The help of each tool (S9), and a look at one's own record and credit that says why an SMS did not come (S21)."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from contacts import clock
from contacts.models import User
from credit.allowance import standing
from office.obstacles import obstacles
from sms.answers import signed_in
from sms.models import Delivery

PAGES = {
    "sms": "office/help_sms.html",
    "contacts": "office/help_contacts.html",
    "credit": "office/help_credit.html",
}


def last_to_oneself(user: User) -> Delivery | None:
    """Return the newest SMS of `user` to the number in the personal record, or None."""
    to_oneself = (
        Delivery.objects.filter(message__user=user, number=user.mobile) if user.mobile else Delivery.objects.none()
    )
    return to_oneself.order_by("-message__created_at", "-id").first()


@login_required
@require_safe
def help_page(request: HttpRequest, tool: str) -> HttpResponse:
    """Show the help of `tool`; 404 where there is no such tool."""
    user = signed_in(request)
    if tool not in PAGES:
        raise Http404
    now = clock.now()
    context = {
        "obstacles": obstacles(user, now=now),
        "has": standing(user, now=now),
        "last": last_to_oneself(user),
        "sender": settings.SMS_SENDER,
        "price": settings.SMS_PRICE,
        "office_zone": settings.TIME_ZONE,
    }
    return render(request, PAGES[tool], context)
