"""The database refuses, by name, what no account, window or entry may ever be; past every line of Python."""

import pytest
from django.db import IntegrityError, connection, transaction

from credit.models import Account, Allowance, Entry
from tests.people import person

UPDATES = {
    "balance_never_negative": "UPDATE credit_account SET balance = -1",
    "debt_never_negative": "UPDATE credit_account SET debt = -1, balance = 0",
    "no_balance_beside_a_debt": "UPDATE credit_account SET debt = 5, balance = 5",
    "allowance_within_its_grant": "UPDATE credit_allowance SET available = granted + 1",
    "allowance_ends_after_it_starts": "UPDATE credit_allowance SET ends_at = starts_at",
}
ENTRIES = {
    "one_entry_per_account_and_key": {},
    "entry_parts_have_a_window": {"key": "new", "allowance": None},
    "entry_goes_the_way_of_its_kind": {"key": "new", "kind": "charge"},
}
AS_SQLITE_SAYS = {
    "one_entry_per_account_and_key": "credit_entry.account_id, credit_entry.key",
    "one_allowance_per_account_and_window": "credit_allowance.account_id, credit_allowance.starts_at",
}


@pytest.fixture
def grant(database):
    """The entry that filled the first window of a new account."""
    person()
    return Entry.objects.get(kind="grant")


def said(name: str) -> str:
    return AS_SQLITE_SAYS.get(name, name) if connection.vendor == "sqlite" else name


def refused(name: str):
    return pytest.raises(IntegrityError, match=said(name))


@pytest.mark.parametrize("name", UPDATES)
def test_the_database_refuses_this_change(grant, name):
    with refused(name), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(UPDATES[name])


def test_the_database_refuses_an_allowance_below_zero(grant):
    with refused("allowance_within_its_grant"), transaction.atomic():
        Allowance.objects.update(available=-1)


@pytest.mark.parametrize("name", ENTRIES)
def test_the_database_refuses_this_entry(grant, name):
    grant.pk = None
    for field, value in ENTRIES[name].items():
        setattr(grant, field, value)
    with refused(name), transaction.atomic():
        grant.save(force_insert=True)


def test_the_database_refuses_a_second_window_of_the_same_month(grant):
    window = grant.allowance
    window.pk = None
    with refused("one_allowance_per_account_and_window"), transaction.atomic():
        window.save(force_insert=True)


def test_every_constraint_of_accounts_windows_and_entries_is_tried():
    named = {constraint.name for model in (Account, Allowance, Entry) for constraint in model._meta.constraints}
    assert named == {*UPDATES, *ENTRIES, "one_allowance_per_account_and_window"}
