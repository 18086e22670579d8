"""What staff did is never changed or deleted: the database refuses it, on PostgreSQL and SQLite."""

import pytest
from django.db import DatabaseError, connection, transaction

from contacts.models import StaffAct
from contacts.staff_acts import Act, record
from contacts.triggers import TRIGGERS, install
from tests.people import NOW, person

STATEMENTS = ("UPDATE contacts_staffact SET why = 'another'", "DELETE FROM contacts_staffact")


@pytest.fixture
def act(database) -> StaffAct:
    support = person("support", is_staff=True)
    return record(Act(support, StaffAct.Kind.READ, support, "asked by phone", {"plan": [1, 2]}), now=NOW)


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_database_refuses_it(act, statement):
    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
        run(statement)
    kept = StaffAct.objects.get()
    assert (kept.why, kept.changes, kept.at) == ("asked by phone", {"plan": [1, 2]}, NOW)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_without_its_triggers_it_would_not(act, statement):
    """The control: it is the triggers that refuse, and installing them again brings them back."""
    for name in TRIGGERS:
        run(f"DROP TRIGGER {name}{' ON contacts_staffact' if connection.vendor == 'postgresql' else ''}")
    run(statement)
    install()
    record(Act(act.by, StaffAct.Kind.READ, act.by, "again"), now=NOW)
    with pytest.raises(DatabaseError), transaction.atomic():
        run(statement)
