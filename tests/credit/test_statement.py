"""The statement: its lines add up to the shown figures, on every page and at the turn of the month."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from credit import charging, statement
from credit.allowance import standing
from credit.models import Entry
from tests.people import NOW, person

pytestmark = pytest.mark.django_db
DECEMBER = datetime(2026, 12, 2, 9, 0, tzinfo=UTC)


def pay(user, parts, key, *, now):
    with transaction.atomic():
        [paid] = charging.charge_many([charging.Charge(user.pk, parts, key, "form", key)], now=now)
    return paid.entry


def whole(user, *, now, **more):
    """Every line of every page, in order."""
    lines, before = [], ""
    while True:
        page = statement.page(user, now=now, before=before, **more)
        lines += page.lines
        before = page.before
        if not before:
            return lines


def test_another_s_account_changes_nothing_of_one_s_own():
    anna, carla = person("anna"), person("carla", balance=950)
    pay(anna, 1, "a", now=DECEMBER)
    assert [line.kind for line in statement.due(carla, now=DECEMBER)] == ["grant", "lapse"]
    assert statement.due(anna, now=DECEMBER) == []
    assert statement.page(carla, now=NOW).lines[0].left_amount == 950


@pytest.mark.row("S14")
def test_the_newest_lines_show_what_there_is_and_all_lines_add_up_to_it():
    user = person(parts=9)
    pay(user, 14, "a", now=NOW + timedelta(minutes=1))
    refunded = pay(user, 3, "b", now=NOW + timedelta(minutes=2))
    with transaction.atomic():
        charging.refund_many([charging.Refund(refunded.pk, 0, 950)], occasion="refused", now=NOW + timedelta(minutes=3))
    has = standing(user, now=NOW + timedelta(hours=1))
    lines = whole(user, now=NOW + timedelta(hours=1))
    assert [line.kind for line in lines] == ["refund", "charge", "charge", "adjust", "grant"]
    assert sum(line.amount for line in lines) == has.balance == 50_000 - 5 * 950 - 2 * 950
    assert sum(line.parts for line in lines) == has.available == 0
    assert lines[0].left_amount == has.balance
    assert [line.left_parts for line in lines] == [None, None, 0, None, 9]
    assert lines[-1].left_amount == 0


@pytest.mark.row("S14")
def test_each_page_goes_on_where_the_last_one_ended():
    user = person(parts=100)
    for turn in range(2 * statement.PAGE + 3):
        pay(user, 1, f"{turn}", now=NOW + timedelta(minutes=1 + turn // 3))
    lines = whole(user, now=NOW + timedelta(days=1))
    assert len(lines) == Entry.objects.count() == 2 * statement.PAGE + 5
    left, balance = standing(user, now=NOW + timedelta(days=1)).available, 50_000
    for line in lines:
        assert line.left_amount == balance
        balance -= line.amount
        if line.parts:
            assert line.left_parts == left
            left -= line.parts
    assert (left, balance) == (0, 0)


@pytest.mark.row("S15")
def test_the_turn_of_the_month_stands_there_before_anything_has_written_it():
    user = person(parts=9)
    pay(user, 2, "a", now=NOW)
    before = Entry.objects.count()
    lines = whole(user, now=DECEMBER)
    assert [(line.kind, line.parts, line.left_parts) for line in lines[:2]] == [("grant", 9, 9), ("lapse", -7, 0)]
    assert sum(line.parts for line in lines) == standing(user, now=DECEMBER).available == 9
    assert Entry.objects.count() == before
    pay(user, 1, "b", now=DECEMBER)
    written = whole(user, now=DECEMBER)
    assert [(line.kind, line.parts) for line in written[:3]] == [("charge", -1), ("grant", 9), ("lapse", -7)]
    assert not any(line.is_due for line in written)


def test_the_money_alone():
    user = person(parts=1)
    pay(user, 1, "a", now=NOW)
    pay(user, 2, "b", now=NOW + timedelta(minutes=1))
    lines = whole(user, now=DECEMBER, wanted=statement.Filter(money_only=True))
    assert [(line.amount, line.left_amount, line.left_parts) for line in lines] == [
        (-1_900, 48_100, None),
        (50_000, 50_000, None),
    ]


@pytest.mark.parametrize(
    "cursor",
    [
        "x", "2026-11-23_1", "2026-11-23T10:00:00+00:00_x", "_", "' OR 1=1",
        "0001-01-01T00:00:00+23:00_1", "9999-12-31T23:59:59-23:00_1",
    ],
)  # fmt: skip
def test_a_cursor_that_cannot_be_read_begins_at_the_newest(cursor):
    user = person()
    assert statement.page(user, now=NOW, before=cursor) == statement.page(user, now=NOW)


def test_nobodys_lines_but_ones_own():
    anna, carla = person("anna"), person("carla", parts=0, balance=0)
    pay(anna, 2, "a", now=NOW)
    assert whole(carla, now=NOW) == []
