"""Posting: figures and entries together or not at all, on both databases."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from credit.charging import account_of
from credit.models import Account, Allowance, Entry
from credit.posting import post
from tests.people import NOW, person


@pytest.fixture
def account(database) -> Account:
    return account_of(person(parts=10, balance=5_000))


def window(account: Account) -> Allowance:
    return account.allowances.get()


def line(account: Account, key: str, **more) -> Entry:
    made = {"kind": Entry.Kind.ADJUST, "why": "told", "created_at": NOW} | more
    return Entry(account=account, key=key, **made)


def figures(account: Account) -> tuple[int, int, int, int]:
    fresh, allowance = Account.objects.get(pk=account.pk), window(account)
    return fresh.balance, fresh.debt, allowance.granted, allowance.available


def test_all_of_it_is_written_in_the_order_of_the_entries(account):
    allowance = window(account)
    account.balance, account.debt, allowance.available = 0, 7, 4
    first = line(account, "a", amount=-4_000, occasion="form", reference="r")
    back = line(account, "c", kind=Entry.Kind.REFUND, allowance=allowance, parts=2, refunds=account.entries.first())
    entries = [first, line(account, "b", by=account.user, why='a "{comma}", \\ and NULL'), back]
    with transaction.atomic():
        post(entries, allowances=[allowance, allowance], accounts=[account, account])
    assert figures(account) == (0, 7, 10, 4)
    read = list(Entry.objects.filter(key__in="abc").order_by("pk"))
    assert [each.key for each in read] == ["a", "b", "c"]
    for entry, found in zip(entries, read, strict=True):
        for field in Entry._meta.concrete_fields:
            assert getattr(entry, field.attname) == getattr(found, field.attname), field.name


@pytest.mark.parametrize("wrong", ["the key", "a figure"])
def test_nothing_is_written_where_anything_breaks_a_rule(account, wrong):
    before, allowance = figures(account), window(account)
    account.balance = -1 if wrong == "a figure" else 1
    allowance.available -= 1
    keys = ["x", "x"] if wrong == "the key" else ["x", "y"]
    with pytest.raises(IntegrityError), transaction.atomic():
        post([line(account, key) for key in keys], allowances=[allowance], accounts=[account])
    assert figures(account) == before
    assert not Entry.objects.filter(key="x").exists()


def test_rows_that_are_not_given_keep_their_figures(account):
    other = account_of(person("ben", parts=3, balance=70))
    before = figures(other)
    account.balance = 1
    with transaction.atomic():
        post([line(account, "x")], accounts=[account])
    assert figures(other) == before
    assert figures(account)[0] == 1


def test_figures_alone_and_nothing_at_all(account):
    allowance = window(account)
    allowance.available = 1
    with transaction.atomic():
        post([], allowances=[allowance])
        post([])
    assert figures(account)[3] == 1


def test_it_is_one_statement_on_postgresql(account):
    allowance = window(account)
    with transaction.atomic(), CaptureQueriesContext(connection) as asked:
        entries = [line(account, str(key), created_at=NOW + timedelta(seconds=key)) for key in range(50)]
        post(entries, allowances=[allowance], accounts=[account])
    assert len(asked) == (1 if connection.vendor == "postgresql" else 3)
