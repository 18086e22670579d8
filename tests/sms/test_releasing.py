"""Planned SMS whose moment has come: once each, whoever releases them, and not of who may no longer send."""

from datetime import timedelta

from credit.allowance import standing
from sms import releasing, submission
from sms.models import Delivery, Message
from sms.submission import Recipient, Request
from tests.people import MOBILE, NOW, person

AT = NOW + timedelta(hours=1)


def planned(user, count: int = 1) -> None:
    for turn in range(count):
        to = [Recipient(MOBILE)]
        wanted = Request(user, "See you at 9", to, "form", request_key=f"{turn}", release_at=AT)
        submission.submit(wanted, now=NOW)


def release_all() -> int:
    return sum(not each.reason for each in releasing.release_due(now=AT))


def test_nothing_goes_of_who_was_suspended_meanwhile(database):
    user = person(parts=5)
    planned(user)
    user.is_active = False
    user.save()
    [released] = releasing.release_due(now=AT)
    assert released.reason == "may_not_send"
    assert (Message.objects.get().why_not, Delivery.objects.count()) == ("may_not_send", 0)
    assert standing(user, now=AT).available == 5


def test_two_who_release_at_once_share_the_work(database):
    """Neither waits for the other, and neither stumbles over what the other has accepted."""
    user = person(parts=60, balance=0)
    planned(user, 50)
    assert sum(database.processes(2, release_all)) == 50 == Delivery.objects.count()
    assert standing(user, now=AT).available == 10
