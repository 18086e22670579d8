"""How hand-overs are written down: the daily cap, over everything that goes to a number, on both databases."""

from datetime import timedelta

import pytest
from django.db import transaction

from contacts.models import User
from sms import holding, outcomes, queue_sql, submission
from sms.models import Delivery
from sms.submission import Recipient, Request
from tests.people import MOBILE, NOW, person

LEASE = NOW + timedelta(minutes=1)


@pytest.fixture
def anna(database, settings) -> User:
    settings.SMS_DAILY_CAP = 2
    return person()


def claimed(user: User, count: int) -> list[queue_sql.Claimed]:
    """Return so many SMS to one number, leased."""
    for turn in range(count):
        wanted = Request(user=user, text="x", to=[Recipient(MOBILE)], occasion="form", request_key=f"{turn}")
        submission.submit(wanted, now=NOW)
    return queue_sql.claim("memory", token=1, limit=9, now=NOW, lease_until=LEASE)


def within(rows: list[queue_sql.Claimed], *, beside=(), now=NOW) -> list[queue_sql.Claimed]:
    with transaction.atomic():
        return outcomes.within_daily_cap("memory", rows, beside=beside, now=now)


def states() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("state", flat=True))


def test_what_is_claimed_together_counts_one_after_the_other(anna):
    rows = claimed(anna, 3)
    assert within(rows) == rows[:2]
    assert states() == ["queued", "queued", "refused"]
    assert holding.held("memory"), "a person must look"


def test_what_waits_beside_to_be_handed_over_counts(anna):
    first, second, third = claimed(anna, 3)
    assert within([second, third], beside=[first]) == [second]
    assert states() == ["queued", "queued", "refused"]


@pytest.mark.parametrize(("later", "left"), [(timedelta(hours=23), 1), (timedelta(hours=24), 2)])
def test_what_was_handed_over_counts_for_a_day(anna, later, left):
    first, second, third = claimed(anna, 3)
    queue_sql.mark_sending([first.id], token=1, now=NOW, lease_until=LEASE)
    assert len(within([second, third], now=NOW + later)) == left
