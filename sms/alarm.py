"""The alarm of the whole office: at its limit nothing is handed over until a person has looked (FAULTS F2)."""

from collections.abc import Sequence
from datetime import datetime

import structlog
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from contacts import notices
from contacts.models import User
from credit.limits import Kind, Reached
from sms import holding

log = structlog.get_logger(__name__)


def raise_where_the_office_is_at_its_limit(limits: Sequence[Reached | None], *, now: datetime) -> None:
    """Hold all hand-over and tell the staff, once a window, where one of `limits` is the office's own.

    Runs in the caller's transaction: the hold stands as soon as the refusal does.
    """
    reached = next((limit for limit in limits if limit and limit.kind == Kind.OFFICE), None)
    if reached is None:
        return
    holding.hold(why=f"The office's limit of {reached.most} SMS in one {reached.window} was reached.", now=now)
    log.error("the_office_reached_its_limit", limit=reached.name, most=reached.most)
    notices.tell_many([_news(user, reached) for user in User.objects.filter(is_staff=True, is_active=True)], now=now)


def _news(user: User, reached: Reached) -> notices.News:
    with translation.override(user.language):
        text = _(
            "The office reached its limit of %(most)s SMS, and all hand-over is held. See what sends, then release."
        )
        key = f"limit:{reached.name}:{reached.frees_at:%Y-%m-%dT%H}"
        return notices.News(user.pk, key, text % {"most": reached.most}, reverse("admin:gateways"))
