"""In a real browser: a file of contacts is looked at, imported and undone; a long one is left and found again."""

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from contacts import filing, imports
from contacts.books import book_of
from contacts.filing import Card
from contacts.models import Contact, User
from tests.browser import OpenPage, aside, axe
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)
FILES = Path(__file__).parent.parent / "contacts" / "files"


@pytest.fixture
def anna() -> User:
    user = person(now=timezone.now())
    jan = Card(first_name="Jan", last_name="Van den Berg", numbers=[("+32 475 12 34 56", "mobile")])
    filing.file(book_of(user), jan, country="BE", now=timezone.now())
    return user


def fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def numbers_kept() -> int:
    return Contact.objects.get().numbers.count()


def bring(page: Page, path: Path) -> None:
    page.goto("/contacts/")
    page.get_by_role("link", name="Import", exact=True).click()
    axe(page)
    fits(page)
    page.get_by_label("File").set_input_files(path)
    page.get_by_role("button", name="Look at the file").click()


def test_a_file_is_looked_at_imported_and_undone(page: Page, sign_in: Any, anna: User) -> None:
    sign_in(page, anna)
    bring(page, FILES / "outlook-nl.csv")
    expect(page.get_by_text("1 is there already")).to_be_visible()
    added = "Added to it: 3 numbers, one e-mail address, the company, the language, notes."
    expect(page.get_by_text(added)).to_be_visible()
    axe(page)
    fits(page)
    page.get_by_role("button", name="Import 1 row").click()
    expect(page.get_by_role("heading", name="Imported")).to_be_visible()
    axe(page)
    fits(page)
    page.get_by_role("button", name="Undo the whole import").click()
    expect(page.get_by_text("those that were merged are what they were")).to_be_visible()
    assert aside(numbers_kept) == 1


def test_what_is_wrong_stands_at_the_field(page: Page, sign_in: Any, anna: User, tmp_path: Path) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_text('First name,Mobile\nJan,1\n"Anna,2\n')
    sign_in(page, anna)
    bring(page, broken)
    expect(page.get_by_text("Line 3: The quotation marks are not right")).to_be_visible()
    expect(page.get_by_label("File")).to_be_focused()
    axe(page)


def test_a_long_file_goes_on_by_itself(page: Page, sign_in: Any, anna: User, tmp_path: Path) -> None:
    long = tmp_path / "long.csv"
    long.write_text("First name,Last name,Mobile\n" + "".join(f"P{each},Q,+32470{each:06}\n" for each in range(6_000)))
    sign_in(page, anna)
    bring(page, long)
    expect(page.get_by_role("heading", name="The file is being read")).to_be_visible()
    axe(page)
    fits(page)
    aside(lambda: imports.work(clock=timezone.now))
    page.get_by_role("button", name="Import 6000 rows").click()
    page.goto("/contacts/import/")
    page.get_by_role("link", name="long.csv").click()
    expect(page.get_by_role("heading", name="The contacts are being filed")).to_be_visible()
    aside(lambda: imports.work(clock=timezone.now))
    expect(page.get_by_text("6000 new contacts")).to_be_visible()


def test_without_javascript_in_dutch_and_back_out_as_a_file(open_page: OpenPage, sign_in: Any, anna: User) -> None:
    User.objects.filter(pk=anna.pk).update(language="nl")
    page = open_page(javascript=False, language="nl")
    sign_in(page, anna)
    page.goto("/contacts/import/")
    page.get_by_label("Bestand").set_input_files(FILES / "iphone.vcf")
    page.get_by_role("button", name="Het bestand bekijken").click()
    page.get_by_role("button", name="2 rijen importeren").click()
    expect(page.get_by_text("2 nieuwe contacten")).to_be_visible()
    page.goto("/contacts/")
    with page.expect_download() as taken:
        page.get_by_role("link", name="als vCard").click()
    text = Path(taken.value.path()).read_text()
    assert text.count("BEGIN:VCARD") == 3
    assert "FN:Dr. Zoé Marie Dubois" in text
