"""The audit over all floors, and whom it tells."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection

from contacts.models import Notice
from office import books
from tests.people import NOW, person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nobody_was_seen():
    cache.clear()


def falsify():
    with connection.cursor() as cursor:
        cursor.execute("UPDATE credit_account SET balance = balance + 1")


def test_the_staff_is_told_once_a_day_of_what_is_off():
    person("anna")
    staff = person("support", is_staff=True)
    falsify()
    assert len(books.check_daily(now=NOW)) == 1
    assert books.check_daily(now=NOW + timedelta(hours=1)) == []
    assert Notice.objects.get().user == staff
    assert books.check_daily(now=NOW + timedelta(hours=24))
    assert Notice.objects.count() == 2


def test_books_that_are_right_trouble_nobody():
    person("support", is_staff=True)
    assert books.check_daily(now=NOW) == []
    assert not Notice.objects.exists()
