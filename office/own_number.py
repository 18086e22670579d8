"""The own number: whether SMS of the office reach it, what cures it, a test SMS to it, oneself as a card (S21)."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from contacts import clock, vcard_writer
from contacts.filing import Card
from contacts.models import User
from contacts.phone_numbers import Reading, Repair, read, shown
from credit.allowance import standing
from sms import submission
from sms.answers import go_to, signed_in
from sms.forms import Shown
from sms.gateways.configured import NoGateway
from sms.models import Message
from sms.quote import Quote, quote_from, signed
from sms.refusals import trouble_of
from sms.submission import NotAccepted, Recipient, Request

_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,43}")


@dataclass(frozen=True)
class OwnNumber:
    """The number in the personal record, and what a test SMS to it would cost at this moment."""

    user: User
    now: datetime

    @cached_property
    def reading(self) -> Reading:
        """How the kept number is read."""
        return read(self.user.mobile, country=self.user.country)

    @property
    def missing(self) -> bool:
        """Whether there is none."""
        return not self.user.mobile

    @property
    def ok(self) -> bool:
        """Whether an SMS may go to it."""
        return not self.missing and self.reading.ok

    @property
    def cures(self) -> list[Repair]:
        """What it may be meant to be, where it cannot get SMS as it stands."""
        typed = self.reading if self.missing else read(self.user.mobile_typed, country=self.user.country)
        return [] if self.ok else [repair for repair in typed.repairs if not repair.refused]

    @cached_property
    def quote(self) -> Quote:
        """What the test SMS costs, and which pocket pays."""
        return quote_from(standing(self.user, now=self.now), text=test_text(self.user), recipients=1)

    @property
    def shown(self) -> str:
        """The credit that the page shows, as it goes back with the form: by it the price is agreed."""
        return str(Shown.of(standing(self.user, now=self.now)))

    @property
    def token(self) -> str:
        """A fresh name for one test SMS: a double click sends it once."""
        return secrets.token_urlsafe(16)


def test_text(user: User) -> str:
    """Return the text of a test SMS, signed as the user's own are."""
    words = _("Test SMS from %(office)s: SMS reach this number.") % {"office": settings.OFFICE_NAME}
    return signed(words, user)


@login_required
@require_POST
def send_test(request: HttpRequest) -> HttpResponse:
    """Send one SMS to the user's own number, paid like any other, and show what becomes of it."""
    user, now = signed_in(request), clock.now()
    own = OwnNumber(user, now)
    token, seen = request.POST.get("token", ""), Shown.read(request.POST.get("shown", ""))
    if not own.ok or seen is None or not _TOKEN.fullmatch(token):
        messages.warning(request, _("Nothing was sent. Look at your number below, then try again."))
        return redirect("personal_record")
    try:
        message = submission.submit(_test(user, token=token, agreed=seen.agreed(own.quote.parts)), now=now).message
    except (NotAccepted, NoGateway) as why:
        messages.warning(request, trouble_of(why).text)
        return redirect("personal_record")
    return go_to(request, reverse("sms:message", args=[message.pk]))


@login_required
@require_safe
def own_card(request: HttpRequest) -> HttpResponse:
    """Answer the user's own card as a vCard, to hand on."""
    user = signed_in(request)
    card = Card(
        first_name=user.first_name, last_name=user.last_name or ("" if user.first_name else user.username),
        company=settings.OFFICE_NAME, language=user.language,
        numbers=[(shown(user.mobile), "mobile")] if user.mobile else [],
        emails=[(user.email, "work")] if user.email else [],
    )  # fmt: skip
    answer = HttpResponse(vcard_writer.write(card), content_type="text/vcard; charset=utf-8")
    answer.headers["Content-Disposition"] = 'attachment; filename="own-card.vcf"'
    return answer


def _test(user: User, *, token: str, agreed: tuple[int, int]) -> Request:
    return Request(
        user=user, text=test_text(user), to=[Recipient(user.mobile, str(user))], occasion=Message.Occasion.FORM,
        request_key=f"test:{token}", agreed=agreed,
    )  # fmt: skip
