"""An import of 10,000 contacts on both databases, within its time and memory (FAULTS P10-11)."""

import resource
import time

from contacts import filing, imports
from contacts.address_book import live
from contacts.books import book_of
from contacts.filing import Card
from contacts.imports import Upload
from contacts.models import ContactNumber
from tests.databases import Database
from tests.people import NOW, person

HEAD = b"First name,Last name,Company,Mobile,Work phone,E-mail,Language,Notes\n"


def row(each: int) -> bytes:
    return f"P{each},N{each},Bouw,0470 {each:06},02 555 12 12,p{each}@example.org,nl,note\n".encode()


def import_ten_thousand() -> list[float]:
    """Import 10,000 people, 1,000 of whom are there; return the seconds and the megabytes that it took."""
    book = book_of(person())
    for start in range(0, 10_000, 1_000):
        known = [
            Card(first_name=f"P{each}", last_name=f"N{each}", numbers=[(f"+32470{each:06}", "mobile")])
            for each in range(start, start + 100)
        ]
        filing.file_many(book, known, country="BE", now=NOW)
    pieces = [HEAD, *(b"".join(map(row, range(start, start + 500))) for start in range(0, 10_000, 500))]
    used, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    batch = imports.begin(book, Upload("crowd.csv", pieces), by=book.user, now=NOW)
    imports.work(clock=lambda: NOW)
    imports.confirm(batch)
    imports.work(clock=lambda: NOW)
    took, grown = time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used
    batch.refresh_from_db()
    assert (batch.made, batch.merged, live().count()) == (9_000, 1_000, 10_000)
    imports.undo(batch, now=NOW)
    assert live().count() == ContactNumber.objects.filter(contact__deleted_at=None).count() == 1_000
    return [took, grown / 1024]


def test_ten_thousand_contacts_in_ten_seconds_and_a_hundred_megabytes(database: Database) -> None:
    [(seconds, megabytes)] = database.processes(1, import_ten_thousand)
    print(f"{database.vendor}: {seconds:.1f} s, {megabytes:.0f} MB")
    assert seconds < 10
    assert 0 < megabytes < 100
