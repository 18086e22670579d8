"""Imports on the page: what each row will become, the yes, the way back, and whose they are."""

import html

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts import imports
from contacts.address_book import live
from contacts.models import ImportBatch, Membership
from contacts.tasks import forget_imports, import_files
from tests.contacts.shelves import Shelves, contact, shelves

pytestmark = pytest.mark.django_db
ADDRESS = "/contacts/import/"
FILE = (
    "First name,Last name,Mobile,E-mail\n"
    "Jan,Peeters,0475 12 34 56,jan@example.org\n"
    "Zoé,Dubois,+32 476 00 00 01,not an address\n"
    ",,,\n"
    "Ben,B,+32 477 FLOWER,\n"
    ",,,also-none\n"
)


@pytest.fixture
def books() -> Shelves:
    return shelves()


def bring(client, user, text, *, book, twins="merge", name="people.csv"):
    client.force_login(user)
    file = SimpleUploadedFile(name, text.encode() if isinstance(text, str) else text)
    return client.post(ADDRESS, {"file": file, "book": book.pk, "twins": twins})


def press(client, batch, what):
    return client.post(f"{ADDRESS}{batch.pk}/", {"press": what}, follow=True)


def page_of(client, batch, query=""):
    return html.unescape(client.get(f"{ADDRESS}{batch.pk}/{query}").content.decode())


def test_each_row_says_what_it_will_become_and_nothing_is_filed_before_the_yes(client, books):
    contact(books.own, "Jan Peeters", "+32 475 12 34 56")
    assert bring(client, books.anna, FILE, book=books.own).status_code == 302
    batch = ImportBatch.objects.get()
    page = page_of(client, batch)
    for words in (
        "3 rows can be imported", "2 new contacts", "1 is there already", "1 cannot be imported",
        "Already there. Added to it: one e-mail address.", "Jan Peeters", "Zoé Dubois",
        "“not an address” is no e-mail address and is left out.",
        "One mobile number cannot get SMS as it stands", "Row 6", "Neither a name nor a company", "Import 3 rows",
    ):  # fmt: skip
        assert words in page, words
    assert live().count() == 1
    page = html.unescape(press(client, batch, "confirm").content.decode())
    for words in ("Imported", "2 new contacts", "1 that was there was merged", "1 row left out", "Row 6"):
        assert words in page, words
    assert live().count() == 3


@pytest.mark.parametrize(("show", "there", "not_there"), [
    ("new", "Zoé Dubois", "Row 2"), ("twin", "Row 2", "Zoé Dubois"), ("refused", "Row 6", "Row 2"),
    ("nonsense", "Row 2", "x" * 9),
])  # fmt: skip
def test_the_rows_can_be_narrowed(client, books, show, there, not_there):
    contact(books.own, "Jan Peeters", "+32 475 12 34 56")
    bring(client, books.anna, FILE, book=books.own)
    page = page_of(client, ImportBatch.objects.get(), f"?show={show}")
    assert there in page
    assert not_there not in page


def test_skipping_can_be_chosen_on_the_preview(client, books):
    contact(books.own, "Jan Peeters", "+32 475 12 34 56")
    bring(client, books.anna, FILE, book=books.own)
    batch = ImportBatch.objects.get()
    page = html.unescape(press(client, batch, "skip").content.decode())
    assert "Skipped: already there." in page
    assert "1 is there already and is skipped" in page
    press(client, batch, "confirm")
    assert not live().get(last_name="Peeters").emails.exists()


def test_a_whole_import_is_undone_by_a_click(client, books):
    bring(client, books.anna, FILE, book=books.own)
    batch = ImportBatch.objects.get()
    press(client, batch, "confirm")
    assert live().exists()
    page = html.unescape(press(client, batch, "undo").content.decode())
    assert "Its contacts are gone" in page
    assert not live().exists()
    assert "has gone on meanwhile" in html.unescape(press(client, batch, "undo").content.decode())


def test_a_cancelled_file_is_forgotten(client, books):
    bring(client, books.anna, FILE, book=books.own)
    assert "Nothing was imported" in html.unescape(press(client, ImportBatch.objects.get(), "cancel").content.decode())
    assert not ImportBatch.objects.exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "There is nothing in this file."),
        ('First name\n"Jan\n', "Line 2: The quotation marks are not right"),
        (b"\x89PNG\r\n\x1a\n\0\0", "This is not a text file"),
        ("BEGIN:VCARD\nN:A\nEND:VCARD\nBEGIN:VCARD\nN:B\n", "Card 2: This vCard has no end."),
        ("colour,size\n", "names no columns that we know"),
    ],
)
def test_a_file_that_cannot_be_read_is_said_at_the_field_with_its_row(client, books, content, sentence):
    answer = bring(client, books.anna, content, book=books.own, twins="skip")
    page = html.unescape(answer.content.decode())
    assert answer.status_code == 422
    assert sentence in page
    assert 'id="id_file_error"' in page
    assert 'value="skip" id="id_twins_1" checked' in page or "checked" in page.split('value="skip"')[1][:60]
    assert not ImportBatch.objects.exists()


def test_no_file_is_said_at_the_field(client, books):
    client.force_login(books.anna)
    answer = client.post(ADDRESS, {"book": books.own.pk, "twins": "merge"})
    assert answer.status_code == 422
    assert "Choose a file first." in answer.content.decode()


def test_a_long_file_is_read_and_filed_by_workers_and_shows_how_far_it_is(client, books):
    rows = "".join(f"P{each},Q,+32470{each:06},\n" for each in range(5_000))
    bring(client, books.anna, f"First name,Last name,Mobile,E-mail\n{rows}", book=books.own)
    batch = ImportBatch.objects.get()
    page = page_of(client, batch)
    assert "The file is being read" in page
    assert 'hx-trigger="every 1s"' in page
    part = client.get(f"{ADDRESS}{batch.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert part.startswith("<section")
    import_files()
    assert "5000 rows can be imported" in page_of(client, batch).replace(",", "").replace(".", "")
    page = html.unescape(press(client, batch, "confirm").content.decode())
    assert "The contacts are being filed" in page
    assert not live().exists()
    import_files()
    assert live().count() == 5_000
    assert "every 1s" not in page_of(client, batch)
    forget_imports()
    assert live().count() == 5_000


def test_a_long_file_that_is_broken_says_so_on_its_page(client, books):
    rows = "".join(f"P{each},Q,+32470{each:06},\n" for each in range(5_000))
    bring(client, books.anna, f'First name,Last name,Mobile,E-mail\n{rows}"x\n', book=books.own)
    import_files()
    page = page_of(client, ImportBatch.objects.get())
    assert "Nothing was imported" in page
    assert "Line 5002: The quotation marks" in page.replace("5,002", "5002")


def test_a_preview_of_many_rows_takes_few_statements(client, books):
    for each in range(60):
        contact(books.own, f"P{each} Q", f"+32470{each:06}")
    rows = "".join(f"P{each},Q,+32470{each:06},p{each}@example.org\n" for each in range(60))
    bring(client, books.anna, f"First name,Last name,Mobile,E-mail\n{rows}", book=books.own)
    batch = ImportBatch.objects.get()
    with CaptureQueriesContext(connection) as queries:
        page = page_of(client, batch)
    assert page.count("Added to it") == 50
    assert "?after=51" in page
    assert len(queries) <= 14
    assert page_of(client, batch, "?after=51").count("Added to it") == 10


def test_only_books_in_which_one_may_write_can_be_chosen(client, books):
    answer = bring(client, books.ben, FILE, book=books.shared)
    assert answer.status_code == 422
    assert not ImportBatch.objects.exists()
    Membership.objects.filter(user=books.ben).update(role="writer")
    bring(client, books.ben, FILE, book=books.shared)
    press(client, ImportBatch.objects.get(), "confirm")
    assert set(live().values_list("book", flat=True)) == {books.shared.pk}


def test_an_import_is_its_owners_even_in_a_group(client, books):
    bring(client, books.anna, FILE, book=books.shared)
    batch = ImportBatch.objects.get()
    for other in (books.ben, books.carla):
        client.force_login(other)
        assert client.get(f"{ADDRESS}{batch.pk}/").status_code == 404
        assert client.post(f"{ADDRESS}{batch.pk}/", {"press": "confirm"}).status_code == 404
    assert not live().exists()


def test_five_files_may_wait_and_no_more(client, books):
    for _each in range(imports.MOST_OPEN):
        assert bring(client, books.anna, FILE, book=books.own).status_code == 302
    answer = bring(client, books.anna, FILE, book=books.own)
    assert answer.status_code == 422
    assert "five wait for you already" in answer.content.decode()


def test_what_a_file_says_is_text_on_the_page(client, books):
    bring(client, books.anna, "First name,Mobile\n<script>alert(1)</script>,1\n", book=books.own, name="<b>.csv")
    page = client.get(f"{ADDRESS}{ImportBatch.objects.get().pk}/").content.decode()
    assert "<script>alert" not in page
    assert "<b>.csv" not in page
