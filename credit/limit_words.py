"""Limits in words: what each is for, and what to say where one leaves too little room."""

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from contacts.phone_numbers import shown
from contacts.templatetags.figures import country_name, grouped
from credit.limits import Holding, Kind, Reached


def said(reached: Reached) -> str:
    """Return the refusal as sentences: the limit, what still fits, and from when there is room again."""
    at = timezone.localtime(reached.frees_at)
    return " ".join(
        (
            _("Nothing was sent and nothing was paid."),
            named(reached.kind, reached.window) % {"most": grouped(reached.most), "of": _of(reached)},
            _("%(left)s still fit; it counts anew on %(moment)s.")
            % {"left": grouped(reached.left), "moment": f"{date_format(at, 'DATETIME_FORMAT')} ({at.tzinfo})"},
        )
    )


def named(kind: str, window: str) -> str:
    """Return the sentence that tells a limit, with places for `most` and `of`."""
    sentences = {
        (Kind.OFFICE, "hour"): _("The whole office sends at most %(most)s SMS in one hour."),
        (Kind.OFFICE, "day"): _("The whole office sends at most %(most)s SMS in one day."),
        (Kind.USER, "hour"): _("You send at most %(most)s SMS in one hour."),
        (Kind.USER, "day"): _("You send at most %(most)s SMS in one day."),
        (Kind.NEW_USER, "hour"): _("In its first seven days your account sends at most %(most)s SMS in one hour."),
        (Kind.NEW_USER, "day"): _("In its first seven days your account sends at most %(most)s SMS in one day."),
        (Kind.NEW_COUNTRY, "hour"): _("To countries that you have not confirmed go at most %(most)s SMS in one hour."),
        (Kind.NEW_COUNTRY, "day"): _("To countries that you have not confirmed go at most %(most)s SMS in one day."),
        (Kind.PREFIX, "hour"): _("To numbers that begin with %(of)s go at most %(most)s SMS in one hour."),
        (Kind.PREFIX, "day"): _("To numbers that begin with %(of)s go at most %(most)s SMS in one day."),
        (Kind.NUMBER, "hour"): _("One number (%(of)s) gets at most %(most)s messages in one hour."),
        (Kind.NUMBER, "day"): _("One number (%(of)s) gets at most %(most)s messages in one day."),
        (Kind.COUNTRY, "hour"): _("To %(of)s go at most %(most)s SMS in one hour."),
        (Kind.COUNTRY, "day"): _("To %(of)s go at most %(most)s SMS in one day."),
    }
    return sentences[Kind(kind), window]


def told(holding: Holding) -> str:
    """Return the sentence that tells a limit on the page of who it holds for."""
    return named(holding.kind, holding.window) % {"most": grouped(holding.most), "of": _of(holding)}


def _of(limit: Reached | Holding) -> str:
    if limit.kind == Kind.NUMBER:
        return shown(limit.of) if limit.of else _("whichever it is")
    if limit.kind == Kind.COUNTRY:
        return country_name(limit.of) if limit.of else _("each country but your own")
    return limit.of
