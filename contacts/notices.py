"""What the office has to tell a user: shown in the office, and sent by e-mail through one outbox (S21).

A notice is told once per user and key, whatever crashes or runs twice. Its mail is sent at least once: the notice is
taken for five minutes before its mail is sent and done after, so a worker that dies in between costs a second mail at
worst and never a lost one.
"""

import smtplib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from contacts import fault
from contacts.models import Notice, User

RETRY_AFTER = timedelta(minutes=5)
GIVE_UP_AFTER = timedelta(days=2)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class News:
    """Something to tell a user, in the user's language; `key` is unique per user, `link` a path in the office.

    Not `shown`: what a page tells as it stands, sent by e-mail only.
    """

    user_id: int
    key: str
    text: str
    link: str = ""
    mail: bool = True
    shown: bool = True


def tell(news: News, *, now: datetime) -> None:
    """Tell one user once per key; a second time does nothing."""
    tell_many([news], now=now)


def tell_many(news: Iterable[News], *, now: datetime) -> None:
    """Tell each of these once, in one statement, inside the caller's transaction where there is one."""
    rows = [
        Notice(
            user_id=each.user_id,
            key=each.key,
            text=each.text,
            link=each.link,
            created_at=now,
            mail_from_at=now if each.mail else None,
            seen_at=None if each.shown else now,
        )
        for each in news
    ]
    fault.hit("notices.before_tell")
    Notice.objects.bulk_create(rows, ignore_conflicts=True)
    fault.hit("notices.told")


def unseen(user: User) -> QuerySet[Notice]:
    """Return the user's notices that were not seen yet, newest first."""
    return Notice.objects.filter(user=user, seen_at=None)


def mark_seen(user: User, *, ids: Sequence[int], now: datetime) -> int:
    """Mark these notices of the user as seen; return how many were not. Another user's are left alone."""
    return unseen(user).filter(pk__in=ids).update(seen_at=now)


def mail_due(*, now: datetime, limit: int = 50) -> int:
    """Send the notices that are due by e-mail; return how many the mail server took.

    Where the mail server does not answer, the rest waits for the next time. Nothing is raised: mail never stops
    anything else.
    """
    due = Notice.objects.filter(mail_from_at__lte=now).select_related("user").order_by("mail_from_at", "pk")[:limit]
    if not due:
        return 0
    connection = get_connection()
    sent = 0
    try:
        connection.open()  # once for all; a server that is away is noticed before any notice is taken
        for notice in due:
            if _take(notice, now=now):
                fault.hit("notices.taken")
                sent += _mail(notice, connection, now=now)
    except (OSError, smtplib.SMTPException):
        log.warning("mail_server_away", exc_info=True)
    finally:
        _hang_up(connection)
    return sent


def _take(notice: Notice, *, now: datetime) -> bool:
    """Take the notice for five minutes, unless somebody else was first or there is nobody to mail."""
    wanted = bool(notice.user.email and notice.user.is_active and now - notice.created_at < GIVE_UP_AFTER)
    again_at = now + RETRY_AFTER if wanted else None
    taken = Notice.objects.filter(pk=notice.pk, mail_from_at=notice.mail_from_at).update(mail_from_at=again_at)
    return bool(taken) and wanted


def _mail(notice: Notice, connection: BaseEmailBackend, *, now: datetime) -> bool:
    """Send one notice; a server that refuses this mail is asked again later, one that is away ends the round."""
    try:
        _written(notice, connection).send()
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError, ValueError):  # ValueError: no such address can be
        log.warning("mail_refused", notice=notice.pk)
        return False
    fault.hit("notices.mailed")
    Notice.objects.filter(pk=notice.pk, mail_from_at=now + RETRY_AFTER).update(mail_from_at=None)
    fault.hit("notices.done")
    return True


def _written(notice: Notice, connection: BaseEmailBackend) -> EmailMessage:
    """Return the mail in the user's language."""
    with translation.override(notice.user.language):
        link = f"{settings.BASE_URL}{notice.link}" if notice.link else ""
        words = {"text": notice.text, "link": link, "office": settings.OFFICE_NAME, "user": notice.user}
        return EmailMessage(
            subject=_("%(office)s: a message for you") % {"office": " ".join(settings.OFFICE_NAME.split())},
            body=render_to_string("contacts/notice_mail.txt", words),
            to=[notice.user.email],
            headers={"Auto-Submitted": "auto-generated"},
            connection=connection,
        )


def _hang_up(connection: BaseEmailBackend) -> None:
    try:
        connection.close()
    except (OSError, smtplib.SMTPException):
        log.info("mail_server_hung_up")
