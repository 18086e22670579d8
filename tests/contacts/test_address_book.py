"""Looking contacts up, page by page, and what a chosen list or group means in numbers."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.address_book import (
    MINE,
    chosen,
    contacts_of,
    left_out,
    lists_of,
    matching,
    page,
    with_first_number,
)
from contacts.models import Contact
from tests.contacts.shelves import Shelves, a_list, contact, crowd, shelves
from tests.people import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def books() -> Shelves:
    return shelves()


def names(user, query=""):
    return [each.name for each in matching(contacts_of(user), query)]


@pytest.mark.row("S17")
def test_one_finds_in_the_own_book_and_in_those_of_ones_groups_only(books):
    contact(books.own, "Jan Peeters", "+32475123456")
    contact(books.shared, "Zoé Dubois", "+32476111222", company="Bakkerij Ünal")
    assert names(books.anna) == ["Zoé Dubois", "Jan Peeters"]
    assert names(books.ben, "zoe") == names(books.ben, "unal") == names(books.ben, "0476/11") == ["Zoé Dubois"]
    assert names(books.ben, "jan") == names(books.carla) == []


def test_a_deleted_contact_is_not_found(books):
    jan = contact(books.own, "Jan Peeters")
    Contact.objects.filter(pk=jan.pk).update(deleted_at=NOW)
    assert names(books.anna) == []


@pytest.mark.parametrize("sort", ["name", "company", "newest"])
def test_paging_forth_and_back_shows_each_contact_once(books, sort):
    for each in range(7):
        contact(books.own, "Same Name", company="" if each % 2 else f"C{each}")
    everybody = [each.pk for each in page(contacts_of(books.anna), sort=sort).contacts]
    seen, cursor, pages = [], "", []
    while True:
        found = page(contacts_of(books.anna), sort=sort, cursor=cursor, size=3)
        pages.append([each.pk for each in found.contacts])
        seen += pages[-1]
        if not found.after:
            break
        cursor = found.after
    assert seen == everybody
    assert len(pages) == 3
    back = page(contacts_of(books.anna), sort=sort, cursor=found.before, size=3)
    assert [each.pk for each in back.contacts] == pages[1]
    first = page(contacts_of(books.anna), sort=sort, cursor=back.before, size=3)
    assert ([each.pk for each in first.contacts], first.before) == (pages[0], "")


def test_who_has_a_company_comes_before_who_has_none(books):
    contact(books.own, "A Nobody")
    contact(books.own, "Z Somebody", company="Zeta")
    found = page(contacts_of(books.anna), sort="company").contacts
    assert [each.company for each in found] == ["Zeta", ""]


@pytest.mark.parametrize("cursor", ["x", "W10=", "W3RydWUsIDEsIDJd", "bnVsbA==", "WzEsIlx1MDAwMCIsMV0=", "é"])
def test_a_cursor_that_is_none_is_the_first_page(books, cursor):
    jan = contact(books.own, "Jan Peeters")
    assert [each.pk for each in page(contacts_of(books.anna), cursor=cursor).contacts] == [jan.pk]


def test_the_number_that_an_sms_goes_to_is_the_first_that_can_get_one(books):
    contact(books.own, "Jan Peeters", "+32 2 555 12 12", "0475 12 34 56", "+32 476 11 12 22", "+32 477 11 12 22")
    [jan] = with_first_number(contacts_of(books.anna))
    assert (jan.mobile, jan.otherwise) == ("+32476111222", "+32 2 555 12 12")


@pytest.mark.row("S5", "N15")
def test_a_list_a_group_and_the_own_contacts_become_numbers(books):
    jan = contact(books.own, "Jan Peeters", "+32 476 11 12 22", "+32 477 11 12 22")
    zoe = contact(books.shared, "Zoé Dubois", "+32 478 11 12 22")
    mute = contact(books.shared, "Mute Maes", "+32 2 555 12 12")
    board = a_list(books.own, "Board", jan, zoe, mute)
    found = chosen(books.anna, [f"list:{board.pk}", f"group:{books.team.pk}", MINE, MINE, "list:999999", "nonsense"])
    assert [(each.label, each.people, each.left_out, each.recipients) for each in found] == [
        ("Board", 3, 1, [("+32478111222", "Zoé Dubois"), ("+32476111222", "Jan Peeters")]),
        ("Team", 2, 1, [("+32478111222", "Zoé Dubois")]),
        ("anna", 1, 0, [("+32476111222", "Jan Peeters")]),
    ]
    assert [each.many for each in lists_of(books.anna)] == [3]


@pytest.mark.row("S5")
def test_who_cannot_be_reached_is_named_with_why(books):
    mute = contact(books.shared, "Mute Maes", "+32 2 555 12 12")
    none = contact(books.own, "None Nys")
    board = a_list(books.own, "Board", mute, none, contact(books.own, "Jan Peeters", "+32476111222"))
    found = left_out(books.anna, [f"list:{board.pk}", f"group:{books.team.pk}", MINE])
    assert [(each.name, each.typed, each.reason) for each in found] == [
        ("Mute Maes", "+32 2 555 12 12", "landline"),
        ("None Nys", None, None),
    ]


def test_anothers_list_and_group_mean_nothing(books):
    board = a_list(books.own, "Board", contact(books.shared, "Zoé Dubois", "+32478111222"))
    assert chosen(books.carla, [f"list:{board.pk}", f"group:{books.team.pk}"]) == []
    assert left_out(books.ben, [f"list:{board.pk}"]) == []
    assert chosen(books.ben, [f"list:{board.pk}"]) == []


def test_who_left_the_group_no_longer_reaches_its_contacts_through_an_own_list(books):
    zoe = contact(books.shared, "Zoé Dubois", "+32478111222")
    mine = a_list(books.own, "Board", zoe)
    books.team.membership_set.filter(user=books.anna).delete()
    [found] = chosen(books.anna, [f"list:{mine.pk}"])
    assert (found.people, found.recipients) == (0, [])


def test_a_list_of_thousands_takes_as_many_statements_as_one_of_ten(books):
    used = []
    for many, start in ((10, 0), (3_000, 10)):
        board = a_list(books.own, "Board", *crowd(books.own, many, start=start))
        with CaptureQueriesContext(connection) as queries:
            [found] = chosen(books.anna, [f"list:{board.pk}"])
        assert len(found.recipients) == many
        used.append(len(queries))
    assert used[0] == used[1] <= 4
