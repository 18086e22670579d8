"""Contacts as they are filed: what is said of them, how each number is judged, and what brings them back."""

from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from contacts import filing
from contacts.books import book_of
from contacts.filing import Card
from contacts.models import Contact, ContactList, ContactNumber
from contacts.tasks import forget_contacts
from tests.people import NOW, person

pytestmark = pytest.mark.django_db


def filed(card: Card, *, name: str = "anna", country: str = "BE") -> Contact:
    return filing.file(book_of(person(name)), card, country=country, now=NOW)


@pytest.mark.row("S19")
@pytest.mark.parametrize(
    ("typed", "kind", "expected"),
    [
        ("+32 475 12 34 56", "mobile", ("+32475123456", "", "", "")),
        ("+32 475 12 34 56", "work", ("+32475123456", "not_mobile_kind", "set_to_mobile", "+32475123456")),
        ("0475 12 34 56", "mobile", ("+32475123456", "not_international", "international_form", "+32475123456")),
        ("0032 475 12 34 56", "mobile", ("+32475123456", "zero_before", "without_zero", "+32475123456")),
        ("+32 (0)475 12 34 56", "mobile", ("+32475123456", "zero_before", "without_zero", "+32475123456")),
        ("+32 2 555 12 12", "mobile", ("+3225551212", "landline", "", "")),
        ("+32 477 FLOWER", "mobile", ("", "letters", "", "")),
        ("2025550123", "mobile", ("", "missing_country", "", "")),
    ],
)
def test_a_number_is_judged_when_it_is_filed(typed: str, kind: str, expected: tuple[str, ...]) -> None:
    row = filed(Card(last_name="Peeters", numbers=[(typed, kind)])).numbers.get()
    assert (row.typed, row.kind) == (typed, kind)
    assert (row.number, row.reason, row.how, row.cure) == expected


def test_of_two_meanings_the_cure_is_the_one_that_can_get_sms() -> None:
    row = filed(Card(last_name="P", numbers=[("32 475 123456", "mobile")]), country="DE").numbers.get()
    assert (row.number, row.reason, row.how, row.cure) == ("", "ambiguous", "as_international", "+32475123456")


@pytest.mark.parametrize(
    ("card", "name", "sort_name"),
    [
        (Card(prefix="Dr.", first_name="Zoé", last_name="Dubois", suffix="Jr."), "Dr. Zoé Dubois Jr.", "dubois zoe"),
        (Card(company="Bakkerij Ünal"), "Bakkerij Ünal", "bakkerij unal"),
        (Card(emails=[("jan@example.org", "work")]), "jan@example.org", "jan@example.org"),
        (Card(numbers=[("0475 12 34 56", "mobile")]), "0475 12 34 56", "0475 12 34 56"),
    ],
)
def test_a_contact_has_a_name_to_show_and_a_place_in_the_list(card: Card, name: str, sort_name: str) -> None:
    contact = filed(card)
    assert (contact.name, contact.sort_name) == (name, sort_name)


def test_an_empty_card_is_refused_and_nothing_of_its_batch_is_filed() -> None:
    book = book_of(person())
    with pytest.raises(filing.NothingSaid):
        filing.file_many(book, [Card(last_name="Peeters"), Card(notes="nobody")], country="BE", now=NOW)
    assert not Contact.objects.exists()


def test_a_thousand_cards_take_as_many_statements_as_ten() -> None:
    book = book_of(person())
    counts = []
    for many in (10, 900):
        cards = [Card(last_name=f"N{each}", numbers=[(f"+32470{each:06}", "mobile")]) for each in range(many)]
        with CaptureQueriesContext(connection) as queries:
            filing.file_many(book, cards, country="BE", now=NOW)
        counts.append(sum(1 for each in queries if each["sql"].startswith("INSERT")))
    assert counts == [2, 2]


def test_a_number_that_stays_keeps_its_id_and_its_reading() -> None:
    contact = filed(Card(last_name="P", numbers=[("0475 12 34 56", "mobile"), ("+32 2 555 12 12", "work")]))
    first = contact.numbers.first()
    card = Card(last_name="Q", numbers=[("+32 476 00 00 00", "mobile"), ("0475 12 34 56", "mobile")])
    filing.change(contact, card, country="FR", now=NOW)
    rows = list(contact.numbers.all())
    assert [row.typed for row in rows] == ["+32 476 00 00 00", "0475 12 34 56"]
    assert (rows[1].pk, rows[1].country, rows[1].number) == (first.pk, "BE", "+32475123456")
    assert "476000000" in contact.search
    assert "25551212" not in contact.search


def test_a_deleted_contact_comes_back_for_thirty_days_and_only_to_whom_deleted_it() -> None:
    anna, ben = person(), person("ben")
    contact = filing.file(book_of(anna), Card(last_name="Peeters"), country="BE", now=NOW)
    assert filing.delete(Contact.objects.all(), by=anna, now=NOW) == 1
    assert filing.delete(Contact.objects.all(), by=anna, now=NOW + timedelta(days=1)) == 0
    assert filing.restore(Contact.objects.all(), by=ben, deleted_at=NOW) == 0
    assert filing.restore(Contact.objects.all(), by=anna, deleted_at=NOW) == 1
    filing.delete(Contact.objects.filter(pk=contact.pk), by=anna, now=NOW)
    assert filing.purge(now=NOW + filing.KEPT) == 0
    assert filing.purge(now=NOW + filing.KEPT + timedelta(seconds=1)) == 1
    assert not ContactNumber.objects.exists()


def test_what_cannot_get_sms_cannot_be_stored_as_tickable() -> None:
    row = filed(Card(last_name="P", numbers=[("+32 2 555 12 12", "work")])).numbers.get()
    for wrong in ({"reason": ""}, {"kind": "pigeon"}, {"number": "0475"}, {"how": "without_zero"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ContactNumber.objects.filter(pk=row.pk).update(**wrong)


def test_the_hourly_task_forgets_what_can_no_longer_be_undone() -> None:
    anna = person()
    gone = filing.file(book_of(anna), Card(last_name="Gone"), country="BE", now=NOW)
    kept = filing.file(book_of(anna), Card(last_name="Kept"), country="BE", now=NOW)
    board = ContactList.objects.create(book=book_of(anna), name="Board", created_at=NOW, deleted_at=NOW)
    filing.delete(Contact.objects.filter(pk=gone.pk), by=anna, now=NOW)
    with time_machine.travel(NOW + filing.KEPT + timedelta(minutes=1), tick=False):
        forget_contacts()
    assert list(Contact.objects.all()) == [kept]
    assert not ContactList.objects.filter(pk=board.pk).exists()
