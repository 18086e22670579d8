"""Contacts taken along: a book, a list, what a search finds, one card; others' never; no cell computes."""

import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts import csv_files, vcard
from tests.contacts.shelves import Shelves, a_list, contact, crowd, shelves

pytestmark = pytest.mark.django_db


@pytest.fixture
def books() -> Shelves:
    made = shelves(language="en")
    jan = contact(made.own, "Jan Peeters", "+32475123456", "0476 11 12 22", company="=1+1", notes="@home")
    contact(made.own, "Anna Known", "+32 470 00 00 01", kind="work")
    zoe = contact(made.shared, "Zoé Dubois", emails=[("zoe@example.org", "home")])
    a_list(made.own, "Both", jan, zoe)
    return made


def taken(client, user, address):
    client.force_login(user)
    answer = client.get(address)
    assert answer.status_code == 200
    assert "attachment" in answer.headers["Content-Disposition"]
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def names(client, user, query=""):
    as_cards = [
        each.last_name for each in vcard.records(io.BytesIO(taken(client, user, f"/contacts/contacts.vcf{query}")))
    ]
    as_rows = [
        each.last_name for each in csv_files.records(io.BytesIO(taken(client, user, f"/contacts/contacts.csv{query}")))
    ]
    assert as_cards == as_rows
    return as_cards


def test_all_that_one_may_read_a_book_a_list_or_what_a_search_finds(client, books):
    chosen = books.own.lists.get()
    assert names(client, books.anna) == ["Dubois", "Known", "Peeters"]
    assert names(client, books.anna, f"?book={books.shared.pk}") == ["Dubois"]
    assert names(client, books.anna, f"?list={chosen.pk}") == ["Dubois", "Peeters"]
    assert names(client, books.anna, "?q=0476") == ["Peeters"]
    assert names(client, books.ben) == ["Dubois"]
    for form in ("csv", "vcf"):
        client.force_login(books.carla)
        assert client.get(f"/contacts/contacts.{form}?book={books.own.pk}").status_code == 404
        assert client.get(f"/contacts/contacts.{form}?list={chosen.pk}").status_code == 404


def test_numbers_that_get_sms_leave_in_international_form_others_as_typed(client, books):
    [record] = csv_files.records(io.BytesIO(taken(client, books.anna, "/contacts/contacts.csv?q=peeters")))
    assert record.numbers == [("+32 475 12 34 56", "mobile"), ("0476 11 12 22", "mobile")]
    text = taken(client, books.anna, "/contacts/contacts.vcf?q=peeters").decode()
    assert "TEL;VALUE=uri;TYPE=cell:tel:+32475123456" in text
    assert "TEL;VALUE=text;TYPE=cell:0476 11 12 22" in text


def test_no_cell_is_a_formula(client, books):
    text = taken(client, books.anna, "/contacts/contacts.csv").decode("utf-8-sig")
    cells = [cell.strip('"') for line in text.splitlines() for cell in line.split(",")]
    assert "'=1+1" in cells
    assert "'@home" in cells
    assert not [cell for cell in cells if cell.startswith(csv_files.FORMULA_BEGINS)]


def test_one_card_and_anothers_is_404(client, books):
    jan = books.own.contacts.get(last_name="Peeters")
    text = taken(client, books.anna, f"/contacts/{jan.pk}/contact.vcf").decode()
    assert text.startswith("BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Jan Peeters\r\n")
    client.force_login(books.ben)
    assert client.get(f"/contacts/{jan.pk}/contact.vcf").status_code == 404


def test_many_contacts_take_few_statements(client, books):
    crowd(books.own, 900)
    client.force_login(books.anna)
    for form in ("csv", "vcf"):
        with CaptureQueriesContext(connection) as queries:
            taken(client, books.anna, f"/contacts/contacts.{form}")
        assert len(queries) <= 14
