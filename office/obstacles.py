"""What keeps an SMS from reaching oneself: own number missing or wrong, nothing to pay with, the office's hold (S21).

Every page may ask for them (`shell.obstacles`, `office/obstacles.html`): they are said wherever reminders and alerts
are set, not only in the personal record.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from contacts.models import User
from contacts.phone_numbers import read
from credit.allowance import Standing, standing
from sms.holding import held


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One thing in the way: what it is, and the address and the words of what mends it; both empty where one waits."""

    what: str
    cure: str
    url: str


def obstacles(user: User, *, now: datetime) -> list[Obstacle]:
    """Return what stops SMS from the office to `user`, worst first; an empty list where nothing does."""
    return [*_of_the_number(user), *_of_the_credit(standing(user, now=now)), *_of_the_office()]


def _of_the_number(user: User) -> Iterator[Obstacle]:
    url = f"{reverse('personal_record')}#mobile"
    if not user.mobile:
        what = _("Your own mobile number is not in your personal record, so no SMS from the office can reach you.")
        yield Obstacle(what, _("Add your number"), url)
    elif not read(user.mobile, country=user.country).ok:
        why = read(user.mobile, country=user.country).sentence
        what = _("The mobile number in your personal record cannot get SMS.") + f" {why}"
        yield Obstacle(what, _("Correct your number"), url)


def _of_the_credit(has: Standing) -> Iterator[Obstacle]:
    if has.debt:
        what = _("A payment was taken back after it had been spent, and nothing is sent until that debt is paid.")
        yield Obstacle(what, _("See how the balance is filled"), reverse("balance"))
        return
    if has.available or has.balance_parts is None or has.balance_parts:
        return
    if has.granted:
        what = _("The SMS of this month's allowance are used up, and your balance does not pay for one more.")
    else:
        what = _("Your subscription gives no SMS, and your balance does not pay for one.")
    yield Obstacle(what, _("See how the balance is filled"), reverse("balance"))


def _of_the_office() -> Iterator[Obstacle]:
    if held():
        what = _("The office holds all SMS for the moment. They wait, and leave as soon as the hold ends.")
        yield Obstacle(what, "", "")
