"""The audit: proves over all floors that the books are right, or names what is off; and tells the staff."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import structlog
from django.utils.translation import gettext, override

from contacts import notices
from contacts.models import User
from credit import books as credit_books
from office import seen
from sms import books as sms_books

EVERY = timedelta(hours=20)

log = structlog.get_logger(__name__)


def check(*, now: datetime) -> Iterator[str]:
    """Yield one line for each thing that is off: what is wrong, and the ids of the rows."""
    yield from credit_books.check()
    yield from sms_books.check(now=now)


def check_daily(*, now: datetime) -> list[str]:
    """Check once a day, whenever the office is awake; tell the staff of what is off. Returns what was found."""
    last = seen.last("audit")
    if last is not None and now.timestamp() - last < EVERY.total_seconds():
        return []
    found = list(check(now=now))
    seen.record("audit", now=now)
    if found:
        log.error("books_are_off", findings=found)
        notices.tell_many(_news(found, now=now), now=now)
    return found


def _news(found: list[str], *, now: datetime) -> Iterator[notices.News]:
    for person in User.objects.filter(is_staff=True, is_active=True):
        with override(person.language):
            text = gettext("The audit found that the books are off: %(found)s.") % {"found": "; ".join(found)}
        yield notices.News(person.pk, f"audit:{now:%Y-%m-%d}", text)
