"""Makes and changes users with their credit: what `manage.py user` and the demo have in common."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

import phonenumbers
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from contacts import phone_numbers
from contacts.models import User
from credit import charging
from credit.models import Account, Plan

UNITS = 10_000
MOST_PARTS = 1_000_000
RICHEST = 10**9  # units; a hundred thousand of the currency


class BadDetails(Exception):
    """Values that cannot be taken: one sentence each. Nothing was changed."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


@dataclass(frozen=True, slots=True)
class Details:
    """What to set, as typed; None leaves it as it is. `balance` is money, such as 5.00, `parts` those of a month."""

    name: str
    mobile: str | None = None
    country: str | None = None
    language: str | None = None
    email: str | None = None
    parts: str | None = None
    balance: str | None = None
    staff: bool | None = None


def make_or_change(details: Details, *, now: datetime) -> tuple[User, bool]:
    """Make the user, or change what is given; return it and whether it was made. Raises BadDetails."""
    with transaction.atomic():
        user = User.objects.select_for_update().filter(username=details.name).first()
        made = user is None
        user = user or User(username=details.name)
        bad = list(_problems(details, user))
        if bad:
            raise BadDetails(bad)
        _save(user, details, made=made)
        account = charging.account_of(user)
        if details.parts is not None:
            charging.subscribe(account, plan=plan_of(int(details.parts)), now=now)
        if details.balance is not None:
            set_balance(account, units(details.balance), now=now)
    return user, made


def password_link(user: User) -> str:
    """Return the address where the user sets a password; it works once, until a password is set."""
    key = default_token_generator.make_token(user)
    path = reverse("account_reset_password_from_key", kwargs={"uidb36": user_pk_to_url_str(user), "key": key})
    return f"{settings.BASE_URL}{path}"


def plan_of(parts: int) -> Plan:
    """Return the plan that grants so many parts a month at the office's price, made where there is none."""
    plan = Plan.objects.filter(parts_a_month=parts, price=None).order_by("pk").first()
    return plan or Plan.objects.create(name=f"SMS {parts}", parts_a_month=parts)


def set_balance(account: Account, wanted: int, *, now: datetime) -> None:
    """Give or take what makes the balance `wanted` units, as one line of the statement. Needs a transaction."""
    difference = wanted - charging.lock(pk__in=[account.pk])[account.pk].balance
    if difference:
        with translation.override(account.user.language):
            why = _("The office set your balance")
        charging.adjust(account, charging.Adjustment(parts=0, amount=difference, why=why), now=now)


def units(money: str) -> int:
    """Return an amount such as 5.00 in units of 1/10,000 of the currency; raises ValueError."""
    try:
        amount = Decimal(money) * UNITS
    except InvalidOperation:
        raise ValueError(money) from None
    if not amount.is_finite() or amount != int(amount) or not 0 <= amount <= RICHEST:
        raise ValueError(money)
    return int(amount)


def _save(user: User, details: Details, *, made: bool) -> None:
    user.country = details.country or user.country
    user.language = details.language or user.language
    if details.email is not None:
        user.email = details.email
    if details.mobile is not None:
        user.mobile = phone_numbers.read(details.mobile, country=user.country).number or ""
        user.mobile_typed = details.mobile[:40]
    if details.staff is not None:
        user.is_staff = user.is_superuser = details.staff
    if made:
        user.set_unusable_password()
    user.save()


def _problems(details: Details, user: User) -> Iterator[str]:
    """Yield a sentence for each value that cannot be taken."""
    for judge in (_name, _country, _language, _mobile, _email, _parts, _balance):
        sentence = judge(details, user)
        if sentence:
            yield sentence


def _name(details: Details, user: User) -> str | None:
    try:
        User._meta.get_field("username").clean(details.name, user)
    except ValidationError:
        return f"NAME may have letters, digits and @ . + - _ (150 at most), not {details.name!r}."
    return None


def _country(details: Details, _user: User) -> str | None:
    if details.country is None or details.country in phonenumbers.SUPPORTED_REGIONS:
        return None
    return f"--country takes a country's two capital letters, such as BE, not {details.country!r}."


def _language(details: Details, _user: User) -> str | None:
    known = [code for code, _language_name in settings.LANGUAGES]
    if details.language is None or details.language in known:
        return None
    return f"--language takes {', '.join(known)}, not {details.language!r}."


def _mobile(details: Details, user: User) -> str | None:
    country = details.country or user.country
    if not details.mobile or country not in phonenumbers.SUPPORTED_REGIONS:
        return None
    reading = phone_numbers.read(details.mobile, country=country)
    return None if reading.ok else f"--mobile {details.mobile!r}: {reading.sentence}"


def _email(details: Details, user: User) -> str | None:
    if not details.email:
        return None
    try:
        validate_email(details.email)
    except ValidationError:
        return f"--email {details.email!r} is no e-mail address."
    if User.objects.filter(email__iexact=details.email).exclude(pk=user.pk).exists():
        return "--email is the address of another user."
    return None


def _parts(details: Details, _user: User) -> str | None:
    parts = details.parts
    if parts is None or (parts.isascii() and parts.isdigit() and len(parts) <= 7 and int(parts) <= MOST_PARTS):
        return None
    return f"--parts takes a whole number from 0 to {MOST_PARTS}, not {parts!r}."


def _balance(details: Details, _user: User) -> str | None:
    try:
        units(details.balance or "0")
    except ValueError:
        return f"--balance takes an amount with up to four decimals, such as 5.00, not {details.balance!r}."
    return None
