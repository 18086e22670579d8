"""What money guarantees, on both databases: never below zero, paid once, given back to the pocket that paid."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, connection, transaction

from credit import books, charging
from credit.allowance import month_window, standing, standings
from credit.models import Account, Allowance, Entry, Plan
from tests.people import NOW, give, person

NEXT_MONTH = datetime(2026, 12, 2, 9, 0, tzinfo=UTC)


def pay(user_id: int, parts: int, key: str, *, now=NOW, agreed=None):
    with transaction.atomic():
        [result] = charging.charge_many([charging.Charge(user_id, parts, key, "form", key, agreed)], now=now)
    return result


def give_back(entry: Entry, *, parts: int, amount: int, now=NOW):
    with transaction.atomic():
        return charging.refund_many([charging.Refund(entry.pk, parts, amount)], occasion="refused", now=now)


def spend_one(user_id: int, tries: int) -> int:
    """In a process of its own: try to spend one part `tries` times; return how often it was paid."""
    import os

    results = [pay(user_id, 1, f"{os.getpid()}:{turn}") for turn in range(tries)]
    return sum(isinstance(result, charging.Charged) for result in results)


@pytest.mark.row("S12")
def test_allowance_pays_first_then_balance(database):
    user = person(parts=9, balance=50_000)
    paid = pay(user.pk, 14, "a")
    assert (paid.from_allowance, paid.entry.parts, paid.entry.amount) == (9, -9, -5 * 950)
    has = standing(user, now=NOW)
    assert (has.available, has.balance) == (0, 50_000 - 4_750)
    assert list(books.check()) == []


@pytest.mark.row("S12")
def test_too_little_for_all_takes_nothing_and_says_how_much_is_missing(database):
    user = person(parts=3, balance=2_000)
    refused = pay(user.pk, 7, "a")
    assert isinstance(refused, charging.NotEnough)
    assert (refused.missing_parts, refused.missing_amount, refused.payable) == (2, 4 * 950 - 2_000, 5)
    has = standing(user, now=NOW)
    assert (has.available, has.balance) == (3, 2_000)
    assert not Entry.objects.filter(kind="charge").exists()


@pytest.mark.row("N1")
def test_what_was_not_agreed_to_is_not_charged(database):
    user = person(parts=3, balance=50_000)
    changed = pay(user.pk, 5, "a", agreed=(5, 0))
    assert isinstance(changed, charging.Changed)
    assert (changed.split.from_allowance, changed.split.from_balance) == (3, 1_900)
    assert standing(user, now=NOW).available == 3
    assert isinstance(pay(user.pk, 5, "b", agreed=(3, 1_900)), charging.Charged)


@pytest.mark.row("S12")
def test_eight_processes_never_overspend(database):
    user = person(parts=20, balance=10 * 950 + 900)
    paid = database.processes(8, spend_one, user.pk, 10)
    assert sum(paid) == 30
    has = standing(user, now=NOW)
    assert (has.available, has.balance) == (0, 900)
    assert list(books.check()) == []


@pytest.mark.row("N4")
def test_a_refund_goes_back_to_the_pockets_that_paid(database):
    user = person(parts=2, balance=50_000)
    paid = pay(user.pk, 4, "a")
    give_back(paid.entry, parts=2, amount=1_900)
    has = standing(user, now=NOW)
    assert (has.available, has.balance) == (2, 50_000)
    assert list(books.check()) == []


@pytest.mark.row("S15")
def test_a_refund_into_a_month_that_is_over_lapses_with_it(database):
    user = person(parts=5, balance=0)
    paid = pay(user.pk, 4, "a")
    pay(user.pk, 1, "b", now=NEXT_MONTH)
    give_back(paid.entry, parts=4, amount=0, now=NEXT_MONTH)
    assert standing(user, now=NEXT_MONTH).available == 4
    lines = Entry.objects.filter(account__user=user).order_by("id").values_list("kind", "parts")
    assert list(lines)[-2:] == [("refund", 4), ("lapse", -4)]
    assert list(books.check()) == []


@pytest.mark.row("S15")
def test_unused_allowance_lapses_and_the_balance_does_not(database):
    user = person(parts=30, balance=1_000)
    pay(user.pk, 4, "a")
    assert standing(user, now=NEXT_MONTH).available == 30
    pay(user.pk, 1, "b", now=NEXT_MONTH)
    assert list(Entry.objects.filter(kind="lapse").values_list("parts", flat=True)) == [-26]
    assert standing(user, now=NEXT_MONTH).balance == 1_000
    assert Allowance.objects.count() == 2
    assert list(books.check()) == []


@pytest.mark.row("S15")
@pytest.mark.parametrize(
    ("moment", "starts", "ends"),
    [
        ("2026-10-31T22:59:59Z", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z"),
        ("2026-10-31T23:30:00Z", "2026-10-31T23:00:00Z", "2026-11-30T23:00:00Z"),
        ("2026-12-31T23:30:00Z", "2026-12-31T23:00:00Z", "2027-01-31T23:00:00Z"),
        ("2027-03-31T21:59:59Z", "2027-02-28T23:00:00Z", "2027-03-31T22:00:00Z"),
    ],
)
def test_the_month_is_the_offices(moment, starts, ends):
    window = month_window(datetime.fromisoformat(moment), zone="Europe/Brussels")
    assert window.starts_at == datetime.fromisoformat(starts)
    assert window.ends_at == datetime.fromisoformat(ends)


@pytest.mark.row("S15")
def test_after_a_change_of_zone_the_next_window_begins_where_the_last_ended(database, settings):
    user = person(parts=5, balance=0)
    first = Allowance.objects.get()
    settings.TIME_ZONE = "America/New_York"
    pay(user.pk, 1, "a", now=first.ends_at + timedelta(minutes=1))
    second = Allowance.objects.order_by("-starts_at").first()
    assert second.starts_at == first.ends_at
    assert list(books.check()) == []


def test_a_higher_plan_counts_at_once_and_a_lower_one_next_month(database):
    user = person(parts=10, balance=0)
    give(user, parts=30, balance=0)
    assert standing(user, now=NOW).available == 30
    give(user, parts=5, balance=0)
    assert standing(user, now=NOW).available == 30
    assert standing(user, now=NEXT_MONTH).available == 5
    assert list(books.check()) == []


def test_going_back_and_forth_between_plans_grants_nothing_twice(database):
    user = person(parts=30, balance=0)
    for parts in (100, 30, 100, 30, 100):
        give(user, parts=parts, balance=0)
    assert standing(user, now=NOW).available == 100
    assert list(books.check()) == []


def test_a_refund_by_a_clock_that_is_behind_lapses_too(database):
    user = person(parts=5, balance=0)
    paid = pay(user.pk, 4, "a")
    pay(user.pk, 1, "b", now=NEXT_MONTH)
    give_back(paid.entry, parts=4, amount=0, now=NOW)
    assert Allowance.objects.order_by("starts_at").first().available == 0
    assert list(books.check()) == []


def test_the_audit_names_a_month_that_was_not_lapsed(database):
    user = person(parts=5, balance=0)
    pay(user.pk, 1, "a", now=NEXT_MONTH)
    first = Allowance.objects.order_by("starts_at").first()
    Entry.objects.create(account=first.account, kind="grant", allowance=first, parts=1, key="x", created_at=NOW)
    Allowance.objects.filter(pk=first.pk).update(available=1)
    assert list(books.check()) == [f"a month that is over was not lapsed: allowance {first.pk}"]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE credit_entry SET amount = 0",
        "DELETE FROM credit_entry",
        "UPDATE credit_account SET balance = -1",
        "UPDATE credit_allowance SET available = -1",
        "UPDATE credit_allowance SET available = granted + 1",
        "INSERT INTO credit_entry (account_id, kind, parts, amount, key, occasion, reference, why, created_at) "
        "SELECT account_id, kind, parts, amount, key, occasion, reference, why, created_at FROM credit_entry",
    ],
)
def test_the_database_refuses_what_would_falsify_the_books(database, sql):
    pay(person(parts=5, balance=1_000).pk, 2, "a")
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_replace_does_not_pass_by_the_triggers_of_sqlite(database):
    if database.vendor != "sqlite":
        return
    pay(person(parts=5, balance=1_000).pk, 2, "a")
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("REPLACE INTO credit_entry SELECT * FROM credit_entry")


def test_credit_does_not_move_outside_a_transaction(database):
    user = person()
    with pytest.raises(transaction.TransactionManagementError):
        charging.charge_many([charging.Charge(user.pk, 1, "a", "form", "a")], now=NOW)


@pytest.mark.parametrize(("available", "balance"), [(30, 0), (0, 50_000)])
def test_a_debt_blocks_both_pockets(available, balance):
    free = charging.split(1, available=available, balance=balance, price=950)
    owing = charging.split(1, available=available, balance=balance, price=950, debt=5)
    assert (free.missing_parts, owing.missing_parts, owing.missing_amount) == (0, 1, 5)


@pytest.mark.parametrize("more", [{"parts": -6, "amount": 0}, {"parts": 0, "amount": -951}])
def test_an_adjustment_takes_no_more_of_either_pocket_than_there_is(database, more):
    account = charging.account_of(person(parts=5, balance=950))
    with pytest.raises(charging.CannotAdjust):
        charging.adjust(account, charging.Adjustment(**more, why="a mistake"), now=NOW)
    assert list(books.check()) == []


def test_an_adjustment_needs_a_reason_and_takes_no_more_than_there_is(database):
    account = Account.objects.get(user=person(parts=3, balance=1_000))
    for change in ({"parts": 0, "amount": 5, "why": " "}, {"parts": -4, "amount": 0, "why": "x"}):
        with pytest.raises(charging.CannotAdjust):
            charging.adjust(account, charging.Adjustment(**change), now=NOW)
    charging.adjust(account, charging.Adjustment(parts=-3, amount=-1_000, why="closed"), now=NOW)
    has = standing(account.user, now=NOW)
    assert (has.available, has.balance) == (0, 0)
    assert list(books.check()) == []


@pytest.mark.parametrize(
    ("sql", "finding"),
    [
        ("UPDATE credit_account SET balance = balance + 1", "balance is not the sum"),
        ("UPDATE credit_allowance SET available = available - 1", "allowance is not the sum"),
        ("UPDATE credit_allowance SET starts_at = ends_at, ends_at = '2099-01-01'", "charged outside its window"),
    ],
)
def test_the_audit_names_what_is_off(database, sql, finding):
    pay(person(parts=5, balance=1_000).pk, 2, "a")
    with connection.cursor() as cursor:
        cursor.execute(sql)
    assert any(line.startswith(finding) for line in books.check())


def test_the_audit_misses_a_dropped_trigger(database):
    with connection.cursor() as cursor:
        table = " ON credit_entry" if database.vendor == "postgresql" else ""
        cursor.execute(f"DROP TRIGGER entry_is_never_deleted{table}")
    assert "trigger missing: entry_is_never_deleted" in list(books.check())


def test_a_free_plan_costs_nothing_and_is_still_written_down(database):
    user = person(parts=0, balance=0)
    Plan.objects.update(price=0)
    paid = pay(user.pk, 3, "a")
    assert (paid.entry.parts, paid.entry.amount) == (0, 0)


ZONES = ("Europe/Brussels", "America/New_York", "Pacific/Apia", "Africa/Casablanca")


@pytest.mark.row("S15")
@pytest.mark.parametrize("zone", ZONES)
def test_every_month_end_of_2026_to_2040_is_exact(zone):
    """The last instant of a month is its own, the next one the next month's; months touch, DST or not."""
    ends_at = month_window(datetime(2025, 12, 15, tzinfo=UTC), zone=zone).ends_at
    for year, month in ((year, month) for year in range(2026, 2041) for month in range(1, 13)):
        window = month_window(ends_at, zone=zone)
        local = window.starts_at.astimezone(ZoneInfo(zone))
        assert (window.starts_at, local.year, local.month, local.day, local.hour) == (ends_at, year, month, 1, 0)
        ends_at = window.ends_at
        assert month_window(ends_at - timedelta(microseconds=1), zone=zone) == window
        assert 27 < (ends_at - window.starts_at).total_seconds() / 86_400 < 32
        assert (ends_at - timedelta(microseconds=1)).astimezone(ZoneInfo(zone)).month == month


@pytest.mark.row("S15")
@pytest.mark.parametrize("month_end", ["2026-11-01T00:00", "2027-04-01T00:00", "2028-04-01T00:00", "2037-11-01T00:00"])
def test_the_allowance_lapses_to_the_microsecond_next_to_a_change_of_clocks(database, month_end):
    ends_at = datetime.fromisoformat(month_end).replace(tzinfo=ZoneInfo("Europe/Brussels")).astimezone(UTC)
    last = ends_at - timedelta(microseconds=1)
    user = person(parts=5, balance=0, now=last - timedelta(days=3))
    pay(user.pk, 2, "a", now=last)
    assert standing(user, now=last).available == 3
    assert standing(user, now=ends_at).available == 5
    pay(user.pk, 1, "b", now=ends_at)
    lapsed, running = Allowance.objects.order_by("starts_at")
    assert (lapsed.available, lapsed.ends_at, running.starts_at, running.available) == (0, ends_at, ends_at, 4)
    assert list(books.check()) == []


@pytest.mark.row("S15")
def test_more_parts_in_a_plan_count_at_once_for_all_who_have_it_and_fewer_next_month(database):
    anna, ben = person("anna", parts=10, balance=0), person("ben", parts=10, balance=0)
    pay(anna.pk, 4, "a")
    plan = Plan.objects.get()
    for parts, left in ((25, 21), (5, 21), (25, 21), (30, 26)):
        Plan.objects.update(parts_a_month=parts)
        plan.refresh_from_db()
        charging.regrant(plan, now=NOW)
        assert (standing(anna, now=NOW).available, standing(ben, now=NOW).available) == (left, left + 4)
    assert standing(anna, now=NEXT_MONTH).available == 30
    assert list(books.check()) == []


def test_many_accounts_stand_as_each_of_them(database):
    users = [person("anna", parts=5, balance=0), person("ben", parts=7), person("carla", parts=0, balance=0)]
    pay(users[0].pk, 2, "a")
    pay(users[1].pk, 9, "b", now=NEXT_MONTH)
    accounts = list(Account.objects.select_related("plan"))
    for now in (NOW, NEXT_MONTH):
        assert standings(accounts, now=now) == {user.pk: standing(user, now=now) for user in users}
