"""Cures: one number at a click, a whole kind together, each undone; nothing is cured that the preview did not show."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts import cures
from contacts.address_book import contacts_of, matching
from contacts.models import ContactNumber, RepairBatch
from tests.contacts.shelves import Shelves, contact, shelves
from tests.people import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.row("S19", "N3")]


@pytest.fixture
def books() -> Shelves:
    return shelves()


def only(**filters):
    row = ContactNumber.objects.get(**filters)
    return row.typed, row.kind, row.number, row.reason, row.how, row.cure


CURED = ("+32475123456", "mobile", "+32475123456", "", "", "")


@pytest.mark.parametrize(
    ("typed", "kind"),
    [
        ("0475 12 34 56", "mobile"),
        ("0475 12 34 56", "work"),
        ("0032 475 123456", "mobile"),
        ("+32 (0)475 123456", "mobile"),
        ("+320475123456", "home"),
        ("+32 475 12 34 56", "fax"),
        ("+32475123456 ext 3", "mobile"),
        ("+32475I23456", "mobile"),
    ],
)
def test_one_click_cures_a_number_and_undo_brings_back_what_was_typed(books, typed, kind):
    contact(books.own, "Jan Peeters", typed, kind=kind)
    row = ContactNumber.objects.get()
    before = only()
    batch = cures.cure(row, to="+32475123456", by=books.anna, now=NOW)
    assert only() == CURED
    assert matching(contacts_of(books.anna), "0475 12 34 56").exists()
    assert cures.undo(batch, now=NOW) == 1
    assert only() == before
    assert cures.undo(batch, now=NOW) == 0


@pytest.mark.parametrize("to", ["+32475123457", "", "0475123456", "+3225551212"])
def test_a_number_becomes_nothing_but_what_it_may_have_meant(books, to):
    contact(books.own, "Jan Peeters", "0475 12 34 56")
    before = only()
    with pytest.raises(cures.NoCure):
        cures.cure(ContactNumber.objects.get(), to=to, by=books.anna, now=NOW)
    assert only() == before
    assert not RepairBatch.objects.exists()


def test_what_was_changed_since_is_not_undone(books):
    contact(books.own, "Jan Peeters", "0475 12 34 56")
    batch = cures.cure(ContactNumber.objects.get(), to="+32475123456", by=books.anna, now=NOW)
    ContactNumber.objects.update(typed="+32475999999", number="+32475999999")
    assert cures.undo(batch, now=NOW) == 0
    assert ContactNumber.objects.get().typed == "+32475999999"


def test_the_check_up_groups_a_book_by_cure(books):
    contact(books.own, "A", "0475 12 34 56", "0476 12 34 56", "+32 477 12 34 56")
    contact(books.own, "B", "0032 475 12 34 56", "+32 2 555 12 12")
    contact(books.shared, "C", "0475 12 34 56")
    found = [(each.reason, each.how, each.many) for each in cures.groups_of(books.own)]
    assert found == [
        ("not_international", "international_form", 2),
        ("zero_before", "without_zero", 1),
        ("landline", None, 1),
    ]
    first = cures.groups_of(books.own)[0]
    assert (first.sentence, first.label) == (
        "This number is not written in international format.",
        "Write it in international format",
    )
    rows = cures.numbers_in(books.own, reason=first.reason, how=first.how)
    assert [row.typed for row in rows] == ["0475 12 34 56", "0476 12 34 56"]


def test_a_kind_is_cured_together_and_undone_together_and_nothing_else_is_touched(books):
    contact(books.own, "A", "0475 12 34 56", "0476 12 34 56")
    contact(books.own, "B", "0032 475 12 34 56")
    contact(books.shared, "C", "0475 12 34 56")
    [first, *_others] = cures.groups_of(books.own)
    batch = cures.cure_all(first, book=books.own, by=books.anna, now=NOW)
    assert batch.numbers.count() == 2
    assert sorted(ContactNumber.objects.values_list("typed", "reason")) == [
        ("+32475123456", ""),
        ("+32476123456", ""),
        ("0032 475 12 34 56", "zero_before"),
        ("0475 12 34 56", "not_international"),
    ]
    assert cures.undo(batch, now=NOW) == 2
    assert cures.groups_of(books.own)[0].many == 2


def test_where_the_book_is_no_longer_what_was_shown_nothing_is_cured(books):
    contact(books.own, "A", "0475 12 34 56")
    [shown] = cures.groups_of(books.own)
    contact(books.own, "B", "0476 12 34 56")
    with pytest.raises(cures.Changed) as why:
        cures.cure_all(shown, book=books.own, by=books.anna, now=NOW)
    assert why.value.many == 2
    assert not ContactNumber.objects.filter(reason="").exists()


def test_what_has_no_cure_is_not_cured_together(books):
    contact(books.own, "A", "+32 2 555 12 12")
    [shown] = cures.groups_of(books.own)
    with pytest.raises(cures.Changed):
        cures.cure_all(shown, book=books.own, by=books.anna, now=NOW)


def test_a_thousand_numbers_take_as_many_statements_as_ten(books):
    used = []
    for many in (10, 1_000):
        for start in range(0, many, 50):
            contact(books.own, "A", *(f"0470 {start + each:06}" for each in range(min(50, many))))
        [shown] = cures.groups_of(books.own)
        assert shown.many == many
        with CaptureQueriesContext(connection) as queries:
            cures.cure_all(shown, book=books.own, by=books.anna, now=NOW)
        used.append(len(queries))
    assert used[0] == used[1] <= 10


def test_repairs_are_forgotten_after_thirty_days(books):
    contact(books.own, "A", "0475 12 34 56")
    cures.cure(ContactNumber.objects.get(), to="+32475123456", by=books.anna, now=NOW)
    assert cures.forget_old(now=NOW + cures.KEPT) == 0
    assert cures.forget_old(now=NOW + cures.KEPT + timedelta(seconds=1)) == 1
