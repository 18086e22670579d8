"""The statement as a page, as a file and for programs: the same lines, by kind and month, and they add up (S14)."""

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import transaction

from credit import charging, statement
from credit.allowance import standing
from tests.people import NOW, person
from tests.program import Program

pytestmark = [pytest.mark.django_db, pytest.mark.row("S14")]
PAGE, FILE = "/settings/account/statement/", "/settings/account/statement.csv"
DECEMBER = datetime(2026, 12, 2, 9, 0, tzinfo=UTC)


def pay(user, parts, key, *, now):
    with transaction.atomic():
        charging.charge_many([charging.Charge(user.pk, parts, key, "form", "")], now=now)


@pytest.fixture
def anna():
    """Somebody who spent a little in November; in December nothing has moved yet."""
    user = person(parts=9)
    charging.adjust(charging.account_of(user), charging.Adjustment(parts=0, amount=5, why="=HYPERLINK(1)"), now=NOW)
    pay(user, 4, "a", now=NOW + timedelta(minutes=1))
    return user


def rows(client, **asked) -> list[list[str]]:
    answer = client.get(FILE, asked)
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


@time_machine.travel(DECEMBER)
def test_a_lapse_is_a_line_before_anything_has_moved(client, anna):
    client.force_login(anna)
    lines = rows(client)[1:]
    assert [line[1] for line in lines][:2] == ["Allowance of the month", "Lapsed at the end of the month"]
    has = standing(anna, now=DECEMBER)
    assert sum(int(line[2]) for line in lines) == has.available == 9
    assert sum(Decimal(line[3]) for line in lines) * 10_000 == has.balance
    page = client.get(PAGE).content.decode()
    assert "Lapsed at the end of the month" in page
    told = Program.of(anna).get("statement/").json()
    assert told["count"] == len(told["results"]) == len(lines)
    assert sum(line["parts"] for line in told["results"]) == has.available
    assert sum(Decimal(line["amount"]) for line in told["results"]) * 10_000 == has.balance


@time_machine.travel(DECEMBER)
def test_a_filter_of_kind_and_of_month_counts_everywhere(client, anna):
    client.force_login(anna)
    assert [line[1] for line in rows(client, kind="charge")[1:]] == ["SMS"]
    assert [line[1] for line in rows(client, month="2026-12")[1:]] == [
        "Allowance of the month", "Lapsed at the end of the month",
    ]  # fmt: skip
    assert rows(client, month="2026-10")[1:] == []
    page = client.get(PAGE, {"kind": "adjust"}).content.decode()
    assert "to begin with" in page
    assert 'statement.csv?kind=adjust"' in page
    program = Program.of(anna)
    assert [line["kind"] for line in program.get("statement/?kind=charge").json()["results"]] == ["charge"]
    assert program.get("statement/?month=2026-10").json()["count"] == 0


@pytest.mark.parametrize("month", ["2026-13", "x", "0000-00", "9999-12", "2026-1"])
def test_a_month_that_is_none_filters_nothing_and_is_refused_to_programs(client, anna, month):
    client.force_login(anna)
    assert client.get(PAGE, {"month": month}).status_code == 200
    assert len(rows(client, month=month)) > 1 or month == "9999-12"
    answer = Program.of(anna).get(f"statement/?month={month}")
    assert answer.status_code == (200 if month == "9999-12" else 400)
    assert answer.status_code == 200 or "month" in answer.json()["fields"]


@pytest.mark.parametrize("asked", ["kind=nonsense", "kind=", "month="])
def test_a_program_that_asks_for_nothing_there_is_is_told(anna, asked):
    assert Program.of(anna).get(f"statement/?{asked}").status_code == 400


def test_a_reason_cannot_be_a_formula(client, anna):
    client.force_login(anna)
    assert "'=HYPERLINK(1)" in [line[5] for line in rows(client)]


def test_pages_of_one_kind_miss_and_repeat_nothing(client, anna):
    for turn in range(statement.PAGE + 5):
        pay(anna, 1, f"k{turn}", now=NOW + timedelta(minutes=2 + turn // 4))
        charging.adjust(
            charging.account_of(anna), charging.Adjustment(parts=0, amount=1, why="x"), now=NOW + timedelta(minutes=3)
        )
    wanted, found, before = statement.Filter(kind="charge"), [], ""
    while True:
        page = statement.page(anna, now=NOW + timedelta(days=1), before=before, wanted=wanted)
        found += page.lines
        before = page.before
        if not before:
            break
    assert len({line.key for line in found}) == len(found) == statement.PAGE + 6
    assert {line.left_amount for line in found} == {None}


def test_another_reads_none_of_it(client, anna):
    client.force_login(person("carla", parts=0, balance=0))
    assert rows(client)[1:] == []
    assert "to begin with" not in client.get(PAGE).content.decode()
