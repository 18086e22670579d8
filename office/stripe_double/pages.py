"""What a person sees of the double: the payment page, and the desk at which refunds and disputes are played.

Every page says that no card is charged. The page for paying is in the language that the office asked for.
"""

from dataclasses import dataclass
from decimal import Decimal

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import override

from office.stripe_double.records import Records, Thing

STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 30rem; margin: 2rem auto; padding: 0 1rem; color: #1d2321; }
.told { background: #fff3cd; border: 1px solid #8a6d00; padding: .75rem; border-radius: .5rem; }
.wrong { background: #fde8e8; border: 1px solid #a11; padding: .75rem; border-radius: .5rem; }
form { display: grid; gap: .75rem; margin: 1rem 0; }
button { font: inherit; min-height: 2.75rem; padding: .5rem 1rem; border: 1px solid #35504a; border-radius: .5rem;
  background: #fff; color: #1d2321; }
button.first { background: #1f5c4d; color: #fff; }
"""


@dataclass(frozen=True)
class Page:
    """A page, or a place to go to instead."""

    status: int
    html: str = ""
    location: str = ""


def show(records: Records, path: str) -> Page:
    """Answer GET of a page."""
    with records.lock:
        if path == "/":
            return Page(200, _desk(records))
        session = _session(records, path)
        if session is None:
            return Page(404, _page("en", "404", SafeString("")))
        return _pay_page(session)


def press(records: Records, path: str, pressed: str) -> Page:
    """Do what somebody pressed."""
    with records.lock:
        try:
            if path == "/":
                _play(records, pressed)
                return Page(303, location="/")
            session = _session(records, path)
            if session is None:
                return Page(404, _page("en", "404", SafeString("")))
            return _pressed(records, session, pressed)
        finally:
            records.save()


def _session(records: Records, path: str) -> Thing | None:
    return records.session_now(path.removeprefix("/pay/"))


def _pressed(records: Records, session: Thing, pressed: str) -> Page:
    if session["status"] != "open" or pressed == "leave":
        return Page(303, location=session["success_url" if session["status"] == "complete" else "cancel_url"])
    if pressed == "secure":
        return _secure_page(session)
    if pressed in {"decline", "refuse"}:
        return _pay_page(session, declined=True)
    records.pay(session)
    return Page(303, location=session["success_url"])


def _pay_page(session: Thing, *, declined: bool = False) -> Page:
    with override(session["locale"] or "en"):
        if session["status"] != "open":
            return Page(
                200, _page(session["locale"], _("This payment page is closed."), _buttons([("leave", _("Back"))]))
            )
        wrong = format_html('<p class="wrong" role="alert">{}</p>', _("The card was declined.")) if declined else ""
        ways = [
            ("pay", _("Pay %(amount)s") % {"amount": _money(session)}),
            ("secure", _("Pay, with the bank asking first (3-D Secure)")),
            ("decline", _("Pay with a card that is declined")),
            ("leave", _("Cancel")),
        ]
        title = _("Pay %(amount)s to %(seller)s") % {"amount": _money(session), "seller": session["seller"]}
        body = format_html("{}{}", wrong, _buttons(ways))
        return Page(402 if declined else 200, _page(session["locale"], title, body))


def _secure_page(session: Thing) -> Page:
    with override(session["locale"] or "en"):
        ways = [("pay", _("It is me: pay")), ("refuse", _("It is not me"))]
        return Page(200, _page(session["locale"], _("Your bank asks whether it is you"), _buttons(ways)))


def _desk(records: Records) -> str:
    """Return the page on which what Stripe and banks do is played."""
    rows = [_payment(records, payment) for payment in list(records.payments.values())[::-1][:50]]
    return _page("en", _("Payments of the double"), format_html_join("", "{}", ((row,) for row in rows)))


def _payment(records: Records, payment: Thing) -> SafeString:
    key, ways = payment["id"], []
    disputes = [each for each in records.disputes.values() if each["payment_intent"] == key]
    if records.left_of(payment) and not disputes:
        ways += [(f"refund {key}", _("Refund the rest")), (f"half {key}", _("Refund half of the rest"))]
        ways += [(f"dispute {key}", _("Let the card's owner dispute it"))]
    for each in disputes:
        if each["status"] == "needs_response":
            ways += [(f"won {each['id']}", _("The office wins the dispute"))]
            ways += [(f"lost {each['id']}", _("The office loses the dispute"))]
    for each in records.refunds.values():
        if each["payment_intent"] == key and each["status"] == "succeeded":
            ways += [(f"fail {each['id']}", _("The bank sends a refund back"))]
    amount = f"{Decimal(payment['amount']) / 100} {payment['currency'].upper()}"
    return format_html("<h2>{} – {}</h2>{}", amount, key, _buttons(ways))


def _play(records: Records, pressed: str) -> None:
    what, _space, key = pressed.partition(" ")
    payment, dispute, refund = records.payments.get(key), records.disputes.get(key), records.refunds.get(key)
    if payment and what in {"refund", "half"} and (left := records.left_of(payment)):
        records.refund(payment, left if what == "refund" else max(left // 2, 1), {})
    elif payment and what == "dispute":
        records.dispute(payment)
    elif dispute and what in {"won", "lost"}:
        records.end_dispute(dispute, won=what == "won")
    elif refund and what == "fail":
        records.fail_refund(refund)


def _buttons(ways: list[tuple[str, str]]) -> SafeString:
    buttons = format_html_join(
        "", '<button name="press" value="{}"{}>{}</button>',
        ((value, SafeString(' class="first"') if value == "pay" else "", words) for value, words in ways),
    )  # fmt: skip
    return format_html('<form method="post">{}</form>', buttons)


def _page(language: str | None, title: str, body: SafeString) -> str:
    told = _("This is a double for trying things out. No card is charged, and no card number is asked.")
    return format_html(
        '<!doctype html><html lang="{}"><head><meta charset="utf-8"><title>{}</title>'
        '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/style.css"></head>'
        '<body><main><h1>{}</h1><p class="told">{}</p>{}</main></body></html>',
        language or "en", title, title, told, body,
    )  # fmt: skip


def _money(session: Thing) -> str:
    return f"{Decimal(session['amount_total']) / 100:.2f} {session['currency'].upper()}"
