"""A group always has an owner, on both databases, also where its two owners leave at the same moment."""

import django.db
import pytest

from contacts import address_book, cures, group_members
from contacts.models import ContactNumber, Group, Membership
from tests.contacts.shelves import a_list, contact, shelves
from tests.people import NOW, person


def leave(place_id: int) -> str:
    try:
        group_members.leave(Membership.objects.get(pk=place_id))
    except group_members.LastOwner:
        return "stays"
    return "left"


def test_of_two_owners_who_leave_at_once_one_stays(database):
    anna, ben = person(), person("ben")
    group = group_members.make("Team", owner=anna)
    second = Membership.objects.create(group=group, user=ben, role="owner")
    first = Membership.objects.get(user=anna)
    started = [database.start(leave, place.pk) for place in (first, second)]
    for process in started:
        process.wait_until_ready()
    for process in started:
        process.go()
    assert sorted(process.result() for process in started) == ["left", "stays"]
    assert Group.objects.get().membership_set.get().role == "owner"


def test_who_is_in_or_asked_is_not_asked_again_and_another_is(database):
    anna = person()
    person("ben")
    group = group_members.make("Team", owner=anna)
    with pytest.raises(group_members.AlreadyIn):
        group_members.invite(group, "anna", role="writer", by=anna, now=NOW)
    assert group_members.invite(group, "ben", role="writer", by=anna, now=NOW).user.username == "ben"
    with pytest.raises(group_members.AlreadyIn):
        group_members.invite(group, "ben", role="writer", by=anna, now=NOW)


def test_cures_and_lists_work_on_this_database_too(database):
    books = shelves()
    jan = contact(books.own, "Jan Peeters", "0475 12 34 56", "+32 476 11 12 22")
    board = a_list(books.own, "Board", jan)
    [group] = cures.groups_of(books.own)
    batch = cures.cure_all(group, book=books.own, by=books.anna, now=NOW)
    [found] = address_book.chosen(books.anna, [f"list:{board.pk}"])
    assert found.recipients == [("+32475123456", "Jan Peeters")]
    assert [each.pk for each in address_book.matching(address_book.live(), "PEET 0475/12")] == [jan.pk]
    assert cures.undo(batch, now=NOW) == 1
    assert ContactNumber.objects.get(position=0).typed == "0475 12 34 56"
    assert django.db.connection.vendor in ("postgresql", "sqlite")
