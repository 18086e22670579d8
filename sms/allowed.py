"""Whether an SMS may be sent at all: block lists, refused ranges, countries new to the user, limits (FAULTS F1, F2).

Everything is read once for a batch (`rules_for`) and counted in one statement (`count`), inside the transaction of the
charge. Here also stands what every reason for not accepting an SMS derives from.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from contacts.phone_numbers import Reading
from credit import limits
from credit.limits import Reached, Rules, Sending
from sms import alarm


class NotAccepted(Exception):
    """The SMS was not accepted: nothing stored, nothing debited, nothing sent."""


class BadRecipients(NotAccepted):
    """Some of what was typed is no number that an SMS can go to; `readings` says which and why."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        super().__init__(f"{len(readings)} bad recipients")
        self.readings = readings


class OverLimit(NotAccepted):
    """It would pass a limit of the office's; `reached` says which, and when it counts anew."""

    def __init__(self, reached: Reached) -> None:
        super().__init__(reached.name)
        self.reached = reached


class NewCountry(NotAccepted):
    """The user has never sent to these countries (two letters), and has not confirmed that it is meant."""

    def __init__(self, countries: Iterable[str]) -> None:
        super().__init__("first SMS to a country")
        self.countries = sorted(countries)


def rules_for(sendings: Sequence[Sending]) -> Rules:
    """Read, in one statement, what limits and lists say of these."""
    if not sendings:
        return Rules()
    users = {each.user.pk: each.user for each in sendings}
    return limits.rules(users.values(), [number for each in sendings for number in each.numbers])


def forbidden(sending: Sending, readings: Iterable[Reading], rules: Rules) -> NotAccepted | None:
    """Return why it may not even be planned: a number that gets no SMS, a country that was not confirmed.

    `readings` tell how each number was read.
    """
    barred = rules.barred(sending.numbers, sending.user)
    if barred:
        by_number = {reading.number: reading for reading in readings}
        return BadRecipients([replace(by_number[number], reason=why) for number, why in barred.items()])
    new = _new_countries(sending, rules) - sending.confirmed if sending.confirmed is not None else set()
    return NewCountry(new) if new else None


def confirm(sendings: Iterable[Sending], rules: Rules, *, now: datetime) -> None:
    """Keep the countries that a person confirmed with what was accepted or planned."""
    for sending in sendings:
        new = _new_countries(sending, rules) if sending.confirmed else set()
        if new:
            limits.confirm(sending.user, new, now=now)


def count(sendings: Sequence[Sending], rules: Rules, *, now: datetime) -> list[OverLimit | None]:
    """Count each, as `limits.take`, or say which limit it would pass; at the office's own the alarm is raised."""
    reached = limits.take(sendings, rules, now=now)
    alarm.raise_where_the_office_is_at_its_limit(reached, now=now)
    return [OverLimit(limit) if limit else None for limit in reached]


def _new_countries(sending: Sending, rules: Rules) -> set[str]:
    return rules.new_countries(sending.countries, sending.user)
