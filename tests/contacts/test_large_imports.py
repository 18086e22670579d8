"""An import of 10,000 contacts on both databases, within its time and memory (FAULTS P10-11)."""

import itertools
import os
import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from contacts import filing, import_filing, imports
from contacts.address_book import live
from contacts.books import book_of
from contacts.filing import Card
from contacts.imports import Upload
from contacts.models import Contact, ContactNumber, ImportBatch
from tests.databases import Database
from tests.people import NOW, person

HEAD = b"First name,Last name,Company,Mobile,Work phone,E-mail,Language,Notes\n"


def row(each: int) -> bytes:
    return f"P{each},N{each},Bouw,0470 {each:06},02 555 12 12,p{each}@example.org,nl,note\n".encode()


@contextmanager
def watched() -> Iterator[list[float]]:
    """Fill a list with the megabytes that this process holds, several times a second."""
    held, over = [resident()], threading.Event()

    def look() -> None:
        while not over.wait(0.02):
            held.append(resident())

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield held
    finally:
        over.set()
        watcher.join()


def resident() -> float:
    """Return the megabytes of memory that this process holds now (proc(5), statm)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1024**2


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
    began = time.process_time()
    with watched() as held:
        batch = imports.begin(book, Upload("crowd.csv", pieces), by=book.user, now=NOW)
        imports.work(clock=lambda: NOW)
        imports.confirm(batch)
        imports.work(clock=lambda: NOW)
    took = time.process_time() - began
    batch.refresh_from_db()
    assert (batch.made, batch.merged, live().count()) == (9_000, 1_000, 10_000)
    imports.undo(batch, now=NOW)
    assert live().count() == ContactNumber.objects.filter(contact__deleted_at=None).count() == 1_000
    return [took, max(held) - held[0]]


def test_ten_thousand_contacts_in_ten_seconds_and_a_hundred_megabytes(database: Database) -> None:
    [(seconds, megabytes)] = database.processes(1, import_ten_thousand)
    print(f"{database.vendor}: {seconds:.1f} s, {megabytes:.0f} MB")
    assert seconds < 10
    assert 0 < megabytes < 100


def begin_and_confirm() -> None:
    book = book_of(person())
    imports.begin(book, Upload("crowd.csv", [HEAD, *map(row, range(1_500))]), by=book.user, now=NOW)
    imports.work(clock=timezone.now)
    imports.confirm(ImportBatch.objects.get())


def work() -> None:
    """What a worker does each second."""
    imports.work(clock=timezone.now)


def test_workers_at_once_file_each_row_once(database: Database) -> None:
    database.processes(1, begin_and_confirm)
    database.processes(2, work)
    assert live().count() == Contact.objects.count() == 1_500
    assert ImportBatch.objects.get().state == "done"


def die_half_way() -> None:
    """Work until the second of three chunks is filed, and vanish as a killed process does."""
    import_filing.CHUNK = 500
    file_many, filed = filing.file_many, itertools.count(1)

    def and_die(*cards: Any, **more: Any) -> list[Contact]:
        if next(filed) == 3:
            os._exit(9)
        return file_many(*cards, **more)

    filing.file_many = and_die
    work()


def test_a_killed_worker_leaves_nothing_to_see_and_the_next_goes_on(database: Database) -> None:
    database.processes(1, begin_and_confirm)
    worker = database.start(die_half_way)
    worker.wait_until_ready()
    worker.go()
    assert worker.wait() == 9
    assert (live().count(), Contact.objects.count()) == (0, 1_000)
    work()
    assert not live().exists(), "its lease is not over"
    imports.work(clock=lambda: timezone.now() + timedelta(minutes=3))
    assert live().count() == Contact.objects.count() == ContactNumber.objects.count() // 2 == 1_500
