"""Money and telephone numbers as a reader of the current language writes them."""

from decimal import Decimal

import phonenumbers
from babel import Locale
from babel.numbers import format_currency
from django import template
from django.conf import settings
from django.utils.formats import number_format
from django.utils.translation import get_language

UNITS = 10_000
register = template.Library()


@register.filter
def money(units: int) -> str:
    """Return `units` (1/10,000 of the office's currency) by locale, with two to four decimals: `€ 5,00`, `€ 0,095`."""
    locale = Locale.parse(get_language() or settings.LANGUAGE_CODE, sep="-")
    pattern = locale.currency_formats["standard"].pattern.replace("0.00", "0.00##")
    amount = Decimal(units) / UNITS
    return str(format_currency(amount, settings.CURRENCY, pattern, locale=locale, currency_digits=False))


@register.filter
def signed_money(units: int) -> str:
    """Return a movement of money with its sign before it, plus or minus: `+€ 5,00`, `−€ 0,095`."""
    return f"{_sign(units)}{money(abs(units))}"


@register.filter
def signed(parts: int) -> str:
    """Return a movement of parts with its sign before it: `+30`, `−2`."""
    return f"{_sign(parts)}{abs(parts)}"


@register.filter
def grouped(number: int) -> str:
    """Return a whole number in groups of three digits, as a reader of the current language writes it: `1,000,000`."""
    return str(number_format(number, force_grouping=True))


@register.filter
def phone(number: str) -> str:
    """Return an E.164 number grouped as its country groups it: `+32 475 12 34 56`; what cannot be read stays so."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


@register.filter
def country_name(country: str) -> str:
    """Return the name of a country of two letters in the current language; what is no country stays so."""
    locale = Locale.parse(get_language() or settings.LANGUAGE_CODE, sep="-")
    return str(locale.territories.get(country, country))


@register.filter
def flag(country: str) -> str:
    """Return the flag of a country of two letters (Unicode regional indicators), or nothing for what is no country."""
    if len(country) != 2 or not (country.isascii() and country.isalpha()):
        return ""
    return "".join(chr(0x1F1E6 + ord(letter) - ord("A")) for letter in country.upper())


def _sign(moved: int) -> str:
    return "+" if moved > 0 else "\N{MINUS SIGN}" if moved < 0 else ""
