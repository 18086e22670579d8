"""Whose a book is, and who may read and write in it."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from contacts import group_members
from contacts.books import books_of, groups_of, readable, writable
from contacts.models import Book, Group, Membership
from tests.people import person

pytestmark = pytest.mark.django_db


def test_a_book_is_of_a_user_or_of_a_group() -> None:
    team = Group.objects.create(name="Team")
    for wrong in ({}, {"user": person(), "group": team}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Book.objects.create(**wrong)


def test_who_opens_which_book() -> None:
    anna, ben, carla = person(), person("ben"), person("carla")
    team = group_members.make("Team", owner=anna)
    Membership.objects.create(group=team, user=ben, role="reader")
    assert [(str(each.book), each.can_write, each.owns) for each in books_of(anna)] == [
        (str(anna), True, True),
        ("Team", True, True),
    ]
    assert [(str(each.book), each.can_write, each.owns) for each in books_of(ben)] == [
        (str(ben), True, True),
        ("Team", False, False),
    ]
    assert [str(each.book) for each in books_of(carla)] == [str(carla)]
    assert set(readable(ben)) - set(writable(ben)) == {team.book}
    assert set(readable(carla)) == {carla.book}
    with CaptureQueriesContext(connection) as queries:
        books_of(anna)
    assert len(queries) == 1


def test_the_groups_of_a_user_are_those_with_a_place_in_them() -> None:
    anna, ben, carla = person(), person("ben"), person("carla")
    team, choir = group_members.make("Team", owner=anna), group_members.make("Choir", owner=ben)
    Membership.objects.create(group=team, user=ben, role="reader")
    assert set(groups_of(anna)) == {team}
    assert set(groups_of(ben)) == {team, choir}
    assert set(groups_of(carla)) == set()
