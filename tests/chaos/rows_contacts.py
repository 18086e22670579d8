"""P10: workers that die while a file of contacts is read and filed: all of it comes, or nothing."""

import time
from collections import Counter
from datetime import timedelta
from typing import Any

from django.utils import timezone

from contacts import imports
from contacts.books import book_of
from contacts.import_leases import LEASE
from contacts.imports import Upload
from contacts.models import Contact, ImportBatch, User
from tests.chaos import load
from tests.chaos.office import Office, World, open_office
from tests.chaos.verdicts import Report

PEOPLE = 3_000  # three chunks of filing
HEAD = "First name,Last name,Mobile\n"


def p10(world: World) -> Report:
    """A worker is killed somewhere in each import, often more than once; the next one goes on."""
    report = Report("P10")
    with open_office(world, "P10") as office:
        kills = world.figure(300, at_least=6)
        told = _import(office, kills)
        report.counts = {"imports": told["imports"], "kills": kills, "contacts": PEOPLE}
        report.sometimes.update(told["sometimes"])
        report.happened("killed reading", "killed filing", "done")
        report.violated(told["violations"])
    with open_office(world, "P10-control") as office:
        setup = [("tests.chaos.controls.file_in_sight", {})]
        report.control_failed(_import(office, 120, setup=setup, until_one_fails=True)["violations"])
    return report


def _import(office: Office, kills: int, *, setup: Any = (), until_one_fails: bool = False) -> dict[str, Any]:
    violations: list[str] = []
    sometimes: Counter[str] = Counter()
    imported = 0
    while not _enough(sometimes, kills) and imported < 10 * kills:
        batch = _brought(load.people(1)[0], imported)
        ahead, wanted = 0.0, ("reading", "filing")[imported % 2]
        while batch.state in {"reading", "ready", "filing"}:
            if batch.state == "ready":
                imports.confirm(batch)
                batch.refresh_from_db()
            worker = office.start("tests.chaos.racers.work_at_imports", ahead=ahead, setup=setup)
            if batch.state == wanted and office.rng.random() < 0.8:
                time.sleep(office.rng.uniform(0.02, 0.6))
                sometimes[f"killed {wanted}"] += worker.lives()
                worker.kill()
            else:
                worker.result(seconds=60)
            batch.refresh_from_db()
            violations += _half_done(batch)
            ahead += LEASE.total_seconds() + 1
        sometimes[batch.state] += 1
        imported += 1
        if until_one_fails and violations:
            break
    return {"imports": imported, "sometimes": sometimes, "violations": violations}


def _enough(sometimes: "Counter[str]", kills: int) -> bool:
    """Whether so many were killed, some while reading and some while filing."""
    reading, filing = sometimes["killed reading"], sometimes["killed filing"]
    return reading + filing >= kills and min(reading, filing) > 0


def _brought(user: User, turn: int) -> ImportBatch:
    lines = "".join(f"P{each:05},N{turn},+32470{each:06}\n" for each in range(PEOPLE))
    upload = Upload("crowd.csv", [HEAD.encode(), lines.encode()])
    return imports.begin(book_of(user), upload, by=user, now=timezone.now() - timedelta(seconds=1))


def _half_done(batch: ImportBatch) -> list[str]:
    """All of it is in sight once it is done; nothing before, nor where it failed."""
    found = Contact.objects.filter(batch=batch, deleted_at=None)
    seen, names = found.count(), found.values("name").distinct().count()
    expected = PEOPLE if batch.state == ImportBatch.State.DONE else 0
    return (
        [] if seen == names == expected else [f"import {batch.pk} is {batch.state}, {seen} contacts of {names} names"]
    )
