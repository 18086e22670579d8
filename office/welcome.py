"""The welcome page: the SMS form one click away, what needs a hand, what was sent last."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from contacts import clock
from contacts.notices import unseen
from credit.allowance import standing
from office.credit_warnings import LOW, warnings_of
from sms import history
from sms.answers import signed_in
from sms.models import Message
from sms.story import states

LATEST = 5
NOTICES = 5


@login_required
@require_safe
def welcome(request: HttpRequest) -> HttpResponse:
    """Show the first page after sign-in."""
    user = signed_in(request)
    now = clock.now()
    page = history.page(history.messages_of(user, history.Filter()), size=LATEST)
    context = {
        "warnings": [
            each for each in warnings_of(user, now=now) if each.kind != LOW or standing(user, now=now).all_parts
        ],
        "unseen": unseen(user)[:NOTICES],
        "planned": Message.objects.filter(user=user, state=Message.State.PLANNED).count(),
        "latest": [(message, states(message, page.counts[message.pk])) for message in page.messages],
    }
    return render(request, "office/welcome.html", context)
