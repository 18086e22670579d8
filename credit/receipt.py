"""The receipt of a top-up: its lines with VAT, its PDF, and the one e-mail that brings it (S13).

The mail is sent at least once: the row is taken for five minutes before, and done after, so a worker that dies in
between costs a second mail at worst.
"""

import io
import smtplib
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.html import escape
from django.utils.translation import gettext as _
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table

from contacts.templatetags.figures import money
from credit.models import TopUp

RETRY_AFTER = timedelta(minutes=5)
GIVE_UP_AFTER = timedelta(days=2)
AT_ONCE = 50
PERCENT = 10_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What stands on a receipt. Money in units; `net` and `vat` add up to `paid`; `rate` as people write it."""

    number: str
    paid_at: datetime
    buyer: str
    seller: list[str]
    vat_number: str
    rate: str
    net: int
    vat: int
    paid: int
    refunded: int

    @classmethod
    def of(cls, top_up: TopUp) -> "Receipt":
        """Return the receipt of a top-up that was paid."""
        assert top_up.paid_at is not None  # noqa: S101  the database keeps it so
        net, vat = vat_lines(top_up.amount, rate=top_up.vat_rate)
        user = top_up.account.user
        return cls(
            number=f"{top_up.paid_at:%Y}-{top_up.pk.hex[:12].upper()}", paid_at=top_up.paid_at,
            buyer=user.get_full_name() or user.get_username(),
            seller=[line.strip() for line in settings.RECEIPT_SELLER.split("|") if line.strip()],
            vat_number=settings.VAT_NUMBER, rate=f"{(Decimal(top_up.vat_rate) / 100).normalize():f}",
            net=net, vat=vat, paid=top_up.amount, refunded=top_up.refunded,
        )  # fmt: skip


def vat_lines(paid: int, *, rate: int) -> tuple[int, int]:
    """Return the net amount and the VAT in an amount paid, rounded to the cent; `rate` in 1/100 of a percent."""
    net = int((Decimal(paid) / 100 * PERCENT / (PERCENT + rate)).to_integral_value("ROUND_HALF_UP")) * 100
    return net, paid - net


def pdf(receipt: Receipt) -> bytes:
    """Return the receipt as a PDF, in the current language."""
    out = io.BytesIO()
    title = _("Receipt %(number)s") % {"number": receipt.number}
    document = SimpleDocTemplate(
        out, pagesize=A4, leftMargin=25 * mm, rightMargin=25 * mm, title=title, author=settings.OFFICE_NAME,
        lang=translation.get_language(), invariant=True,
    )  # fmt: skip
    document.build(_story(receipt, title))
    return out.getvalue()


def mail_due(*, now: datetime) -> int:
    """Send the receipts that are due; return how many were sent."""
    due = TopUp.objects.filter(mail_from_at__lte=now)
    due.filter(paid_at__lt=now - GIVE_UP_AFTER).update(mail_from_at=None)
    sent = 0
    for top_up in due.select_related("account__user").order_by("mail_from_at")[:AT_ONCE]:
        if _claim(top_up, now=now):
            sent += _send(top_up, now=now)
    return sent


def when(receipt: Receipt) -> str:
    """Return when it was paid, in the current language and time zone."""
    at = timezone.localtime(receipt.paid_at)
    return f"{date_format(at, 'DATETIME_FORMAT')} ({at.tzinfo})"


def lines(receipt: Receipt) -> list[tuple[str, str]]:
    """Return the receipt's lines: what, and how much."""
    rate = receipt.rate.replace(".", ",") if translation.get_language() in {"nl", "fr"} else receipt.rate
    vat = _("VAT %(rate)s%%") % {"rate": rate}
    found = [(_("SMS credit, without VAT"), money(receipt.net)), (vat, money(receipt.vat))] if receipt.vat else []
    found.append((_("Paid by card"), money(receipt.paid)))
    if receipt.refunded:
        found.append((_("Paid back to the card"), money(-receipt.refunded)))
    return found


def _story(receipt: Receipt, title: str) -> list[Flowable]:
    styles = getSampleStyleSheet()
    number = [_("VAT number %(number)s") % {"number": receipt.vat_number}] if receipt.vat_number else []
    words = [*receipt.seller, *number, "", _("For %(name)s") % {"name": receipt.buyer}, when(receipt), ""]
    return [
        Paragraph(escape(title), styles["Title"]),
        *(Paragraph(escape(each), styles["Normal"]) if each else Spacer(1, 6 * mm) for each in words),
        Table([list(line) for line in lines(receipt)], colWidths=[110 * mm, 45 * mm], hAlign="LEFT"),
    ]


def _claim(top_up: TopUp, *, now: datetime) -> bool:
    """Take a receipt for five minutes; False where another worker has it."""
    return bool(_still(top_up.mail_from_at, top_up).update(mail_from_at=now + RETRY_AFTER))


def _still(at: datetime | None, top_up: TopUp) -> QuerySet[TopUp]:
    return TopUp.objects.filter(pk=top_up.pk, mail_from_at=at)


def _send(top_up: TopUp, *, now: datetime) -> bool:
    user = top_up.account.user
    if user.email:
        with translation.override(user.language):
            try:
                _written(top_up).send()
            except (OSError, smtplib.SMTPException, ValueError):  # ValueError: no such address can be
                log.warning("mail_refused", top_up=str(top_up.pk))
                return False
    _still(now + RETRY_AFTER, top_up).update(mail_from_at=None)
    return bool(user.email)


def _written(top_up: TopUp) -> EmailMessage:
    receipt = Receipt.of(top_up)
    words = {"receipt": receipt, "lines": lines(receipt), "office": settings.OFFICE_NAME, "user": top_up.account.user}
    name = " ".join(settings.OFFICE_NAME.split())
    mail = EmailMessage(
        subject=_("%(office)s: receipt %(number)s") % {"office": name, "number": receipt.number},
        body=render_to_string("credit/receipt_mail.txt", words),
        to=[top_up.account.user.email],
        headers={"Auto-Submitted": "auto-generated"},
    )
    mail.attach(f"{receipt.number}.pdf", pdf(receipt), "application/pdf")
    return mail
