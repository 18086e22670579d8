"""An import, from the file to the book and back: all or nothing, whoever dies on the way, on both databases."""

from collections.abc import Iterable
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from contacts import filing, import_filing, import_leases, imports
from contacts.address_book import live
from contacts.books import book_of
from contacts.file_records import MOST_BYTES, Fault, Unreadable
from contacts.filing import Card
from contacts.imports import TooLate, Upload
from contacts.models import Book, Contact, ContactEmail, ContactNumber, ImportBatch, ImportPart, ImportRow, Membership
from tests.contacts.shelves import contact, shelves
from tests.people import NOW, person

pytestmark = pytest.mark.django_db
HEAD = "First name,Last name,Company,Mobile,Work phone,E-mail,Language,Notes\n"


def clock():
    return NOW


def begun(book: Book, text: str, *, twins: str = "merge", by=None) -> ImportBatch:
    """An import whose file was read."""
    upload = Upload("people.csv", [text.encode()], twins)
    batch = imports.begin(book, upload, by=by or book.user, now=NOW)
    imports.work(clock=clock)
    batch.refresh_from_db()
    return batch


def filed(batch: ImportBatch) -> ImportBatch:
    imports.confirm(batch)
    imports.work(clock=clock)
    batch.refresh_from_db()
    return batch


def verdicts(batch: ImportBatch) -> list[tuple[int, str]]:
    return list(batch.rows.values_list("row", "verdict"))


def everything() -> list[object]:
    """All that stands in all books, to the last column."""
    kinds = (Contact, ContactNumber, ContactEmail)
    left_out = {"changed_at", "deleted_at", "deleted_by", "deleted_by_id"}
    shown = [{k: v for k, v in row.items() if k not in left_out} for row in live().order_by("pk").values()]
    return [shown, *(list(kind.objects.filter(contact__deleted_at=None).order_by("pk").values()) for kind in kinds[1:])]


@pytest.fixture
def book() -> Book:
    return book_of(person())


def test_a_file_is_read_shown_and_filed(book):
    batch = begun(book, f"{HEAD}Zoé,Dubois,Parc,+32 475 12 34 56,02 555 12 12,zoe@example.org,fr,hello\n")
    assert (batch.state, batch.rows_found, verdicts(batch)) == ("ready", 1, [(2, "new")])
    assert not Contact.objects.exists()
    assert not ImportPart.objects.exists()
    filed(batch)
    zoe = live().get()
    assert (batch.state, batch.made, batch.merged, batch.skipped, batch.refused) == ("done", 1, 0, 0, 0)
    assert (zoe.name, zoe.company, zoe.language, zoe.notes, zoe.batch) == ("Zoé Dubois", "Parc", "fr", "hello", batch)
    assert [(row.typed, row.kind, row.number, row.reason) for row in zoe.numbers.all()] == [
        ("+32 475 12 34 56", "mobile", "+32475123456", ""),
        ("02 555 12 12", "work", "+3225551212", "landline"),
    ]
    assert zoe.emails.get().address == "zoe@example.org"
    assert not ImportRow.objects.exclude(said={}).exists()


def test_a_number_of_no_kind_is_a_mobile_where_it_may_be_one(book):
    filed(begun(book, "Name,Phone\nAnna,+32 475 12 34 56\nBen,0476 00 00 01\nCarla,02 555 12 12\n"))
    assert list(ContactNumber.objects.order_by("pk").values_list("kind", "reason")) == [
        ("mobile", ""), ("mobile", "not_international"), ("other", "landline"),
    ]  # fmt: skip


JAN = {"first_name": "Jan", "last_name": "Peeters"}
BY_PHONE = [("+32 475 12 34 56", "mobile")]


@pytest.mark.parametrize(
    ("there", "row", "same"),
    [
        (Card(**JAN, numbers=BY_PHONE), "jan,PEETERS,,0475 12 34 56", True),
        (Card(**JAN, numbers=BY_PHONE), "Jan,Peeters,,+32 476 00 00 01", False),
        (Card(**JAN, numbers=BY_PHONE), "Ann,Peeters,,+32 475 12 34 56", False),
        (Card(numbers=BY_PHONE), "Jan,Peeters,,0475 12 34 56", True),
        (Card(**JAN, emails=[("Jan@Example.org", "work")]), "Jan,Peeters,,,,jan@example.org", True),
        (Card(**JAN), "Jan,Peeters,,+32 475 12 34 56", True),
        (Card(**JAN, numbers=BY_PHONE), "Jan,Peeters,,", True),
        (Card(company="Bouw"), ",,bouw,+32 475 12 34 56", True),
        (Card(company="Bouw"), "Jan,Peeters,Bouw,+32 475 12 34 56", False),
    ],
)  # fmt: skip
def test_who_is_the_same_person(book, there, row, same):
    contact = filing.file(book, there, country="BE", now=NOW)
    found = begun(book, f"{HEAD}{row}\n").rows.get()
    assert (found.verdict, found.twin_id) == (("twin", contact.pk) if same else ("new", None))


def test_merging_adds_what_is_new_and_changes_nothing_else(book):
    jan = contact(book, "Jan Peeters", "+32 475 12 34 56", company="Bouw", notes="old")
    text = f"{HEAD}Jan,Peeters,Other,0475 12 34 56,02 555 12 12,jan@example.org,nl,new\n"
    batch = filed(begun(book, text))
    assert (batch.made, batch.merged) == (0, 1)
    again = live().get()
    assert (again.pk, again.company, again.language, again.notes, again.batch) == (
        jan.pk,
        "Bouw",
        "nl",
        "old\nnew",
        None,
    )
    assert [row.typed for row in again.numbers.all()] == ["+32 475 12 34 56", "02 555 12 12"]
    assert [row.position for row in again.numbers.all()] == [0, 1]
    assert "25551212" in again.search
    assert "jan@example.org" in again.search


def test_skipping_leaves_who_is_there(book):
    contact(book, "Jan Peeters", "+32 475 12 34 56")
    before = everything()
    batch = filed(begun(book, f"{HEAD}Jan,Peeters,,0475 12 34 56,02 555 12 12\n", twins="skip"))
    assert (batch.made, batch.merged, batch.skipped) == (0, 0, 1)
    assert everything() == before


def test_somebody_twice_in_a_file_is_filed_once(book):
    text = (
        f"{HEAD}Jan,Peeters,,+32 475 12 34 56\nAnna,B,,+32 476 00 00 01\nJan,Peeters,Bouw,0475 12 34 56,02 555 12 12\n"
    )
    batch = begun(book, text)
    assert verdicts(batch) == [(2, "new"), (3, "new"), (4, "twin_row")]
    filed(batch)
    jan = live().get(last_name="Peeters")
    assert (batch.made, jan.company, jan.numbers.count()) == (2, "Bouw", 2)


def test_somebody_twice_in_a_file_is_skipped_where_that_was_chosen(book):
    text = f"{HEAD}Jan,Peeters,,+32 475 12 34 56\nJan,Peeters,Bouw,0475 12 34 56,02 555 12 12\n"
    batch = filed(begun(book, text, twins="skip"))
    assert (batch.made, batch.skipped, live().get().company) == (1, 1, "")


def test_who_came_into_the_book_after_the_preview_is_merged_not_doubled(book):
    batch = begun(book, f"{HEAD}Jan,Peeters,,0475 12 34 56,02 555 12 12\n")
    contact(book, "Jan Peeters", "+32 475 12 34 56")
    filed(batch)
    assert (batch.made, batch.merged, live().get().numbers.count()) == (0, 1, 2)


def test_who_left_the_book_after_the_preview_is_filed_anew(book):
    jan = contact(book, "Jan Peeters", "+32 475 12 34 56")
    batch = begun(book, f"{HEAD}Jan,Peeters,,0475 12 34 56\n")
    filing.delete(Contact.objects.filter(pk=jan.pk), by=book.user, now=NOW)
    filed(batch)
    assert (batch.made, batch.merged) == (1, 0)


def test_a_refused_row_is_named_and_the_others_are_filed(book):
    many = " ::: ".join(f"+32470{each:06}" for each in range(60))
    batch = begun(book, f"{HEAD}Jan,P,,+32 475 12 34 56\nMany,P,,{many}\n,,,,,,,only a note\n")
    assert list(batch.rows.filter(verdict="refused").values_list("row", "fault")) == [
        (3, "too_many_numbers"), (4, "nobody"),
    ]  # fmt: skip
    filed(batch)
    assert (batch.made, batch.refused) == (1, 2)


def test_a_file_that_cannot_be_read_leaves_nothing_and_says_where(book):
    rows = "Jan,P,,+32 475 12 34 56\n" * 2_500
    batch = begun(book, f'{HEAD}{rows}"half,quoted\n')
    assert (batch.state, batch.fault, batch.fault_row) == ("failed", Fault.HALF_QUOTED, 2_502)
    assert not ImportRow.objects.exists()
    assert not ImportPart.objects.exists()
    assert not Contact.objects.exists()


@pytest.mark.parametrize(("pieces", "fault"), [([], Fault.EMPTY), ([b"x" * (MOST_BYTES // 2)] * 3, Fault.TOO_BIG)])
def test_too_much_and_nothing_are_refused_and_not_kept(book, pieces: Iterable[bytes], fault):
    with pytest.raises(Unreadable) as caught:
        imports.begin(book, Upload("x", pieces), by=book.user, now=NOW)
    assert caught.value.fault == fault
    assert not ImportBatch.objects.exists()


def test_nothing_is_seen_of_an_import_until_all_of_it_is_there(book, monkeypatch):
    monkeypatch.setattr(import_filing, "CHUNK", 2)
    seen: list[int] = []
    monkeypatch.setattr(import_filing, "_merge", lambda *_args, **_kw: seen.append(live().count()) or 0)
    batch = filed(begun(book, HEAD + "".join(f"P{each},Q,,+32470{each:06}\n" for each in range(5))))
    assert (seen, batch.made, live().count()) == ([0], 5, 5)


def test_a_worker_that_dies_half_way_leaves_nothing_to_see_and_the_next_goes_on(book, monkeypatch):
    monkeypatch.setattr(import_filing, "CHUNK", 2)
    batch = begun(book, HEAD + "".join(f"P{each},Q,,+32470{each:06}\n" for each in range(7)))
    imports.confirm(batch)
    real, calls = filing.file_many, []

    def dies(*args, **kwargs):
        calls.append(1)
        if len(calls) == 3:
            raise RuntimeError("killed")
        return real(*args, **kwargs)

    monkeypatch.setattr(filing, "file_many", dies)
    imports.work(clock=clock)
    assert not live().exists()
    imports.work(clock=clock)
    assert not live().exists(), "the lease is not over"
    imports.work(clock=lambda: NOW + timedelta(minutes=3))
    batch.refresh_from_db()
    assert (batch.state, batch.made) == ("done", 7)
    assert sorted(live().values_list("first_name", flat=True)) == [f"P{each}" for each in range(7)]


def test_an_import_that_always_fails_ends_and_leaves_nothing(book, monkeypatch):
    batch = begun(book, f"{HEAD}Jan,P,,+32 475 12 34 56\n")
    imports.confirm(batch)
    monkeypatch.setattr(filing, "file_many", lambda *_args, **_kw: 1 / 0)
    for turn in range(10):
        imports.work(clock=lambda turn=turn: NOW + timedelta(minutes=3 * turn))
    batch.refresh_from_db()
    assert (batch.state, batch.fault) == ("failed", "trouble")
    assert not Contact.objects.exists()
    assert not ImportRow.objects.exists()


def test_who_lost_the_lease_writes_nothing(book):
    batch = begun(book, f"{HEAD}Jan,P,,+32 475 12 34 56\n")
    imports.confirm(batch)
    first = import_leases.claim(now=NOW)
    second = import_leases.claim(now=NOW + timedelta(minutes=3))
    assert first is not None
    assert second is not None
    with pytest.raises(import_leases.LostLease):
        import_filing.file_rows(first, clock=clock)
    assert not Contact.objects.exists()


def test_two_workers_do_not_take_one_import(book):
    imports.begin(book, Upload("x.csv", [HEAD.encode()]), by=book.user, now=NOW)
    assert import_leases.claim(now=NOW)
    assert import_leases.claim(now=NOW) is None


def test_of_two_that_saw_an_import_wait_one_gets_it(book):
    imports.begin(book, Upload("x.csv", [HEAD.encode()]), by=book.user, now=NOW)
    others = []

    def meanwhile(execute, sql, *args):
        if sql.startswith("UPDATE") and not others:
            others.append("claims")
            others.append(import_leases.claim(now=NOW))
        return execute(sql, *args)

    with connection.execute_wrapper(meanwhile):
        assert import_leases.claim(now=NOW) is None
    assert others[1].pk == ImportBatch.objects.get().pk


@pytest.mark.parametrize("state", sorted(set(ImportBatch.State.values) - set(import_leases.AT_WORK)))
def test_what_waits_for_a_person_or_is_over_is_not_worked_at(book, state):
    batch = imports.begin(book, Upload("x.csv", [HEAD.encode()]), by=book.user, now=NOW)
    over = {"finished_at": NOW, "undone_at": NOW if state == "undone" else None}
    ImportBatch.objects.filter(pk=batch.pk).update(state=state, **over if state in {"done", "undone"} else {})
    assert import_leases.claim(now=NOW) is None


def test_an_import_that_was_cancelled_is_lost_to_who_works_at_it(book):
    imports.begin(book, Upload("x.csv", [HEAD.encode()]), by=book.user, now=NOW)
    at_work = import_leases.claim(now=NOW)
    ImportBatch.objects.update(state="failed")
    with pytest.raises(import_leases.LostLease):
        import_leases.renew(at_work, now=NOW)


@pytest.mark.parametrize("twins", ["merge", "skip"])
def test_an_undone_import_leaves_everything_as_it_was(book, twins):
    contact(book, "Jan Peeters", "+32 475 12 34 56", notes="old")
    contact(book, "", "+32 476 00 00 01")
    before = everything()
    text = (
        f"{HEAD}Jan,Peeters,Bouw,0475 12 34 56,02 555 12 12,jan@example.org,nl,new\n"
        "Anna,Known,,0476 00 00 01\nZoé,Dubois,,+32 477 00 00 02\n"
    )
    batch = filed(begun(book, text, twins=twins))
    assert everything() != before
    imports.undo(batch, now=NOW)
    assert everything() == before
    with pytest.raises(TooLate):
        imports.undo(batch, now=NOW)


def test_undo_keeps_what_somebody_changed_since(book):
    jan = contact(book, "Jan Peeters", "+32 475 12 34 56")
    batch = filed(begun(book, f"{HEAD}Jan,Peeters,Bouw,0475 12 34 56,,,nl,\n"))
    Contact.objects.filter(pk=jan.pk).update(company="Bouw en zonen")
    imports.undo(batch, now=NOW)
    jan.refresh_from_db()
    assert (jan.company, jan.language) == ("Bouw en zonen", "")


def test_after_thirty_days_it_is_too_late(book):
    batch = filed(begun(book, f"{HEAD}Jan,P,,+32 475 12 34 56\n"))
    with pytest.raises(TooLate):
        imports.undo(batch, now=NOW + timedelta(days=30))
    assert live().exists()


def test_said_twice_filed_once(book):
    batch = begun(book, f"{HEAD}Jan,P,,+32 475 12 34 56\n")
    imports.confirm(batch)
    for late in (imports.confirm, imports.cancel, lambda batch: imports.choose(batch, twins="skip")):
        with pytest.raises(TooLate):
            late(batch)


def test_a_cancelled_file_is_gone(book):
    imports.cancel(begun(book, f"{HEAD}Jan,P,,+32 475 12 34 56\n"))
    assert not ImportBatch.objects.exists()
    assert not ImportRow.objects.exists()


def test_who_may_no_longer_write_in_the_group_files_nothing():
    shelf = shelves()
    Membership.objects.filter(user=shelf.ben).update(role="writer")
    batch = begun(shelf.shared, f"{HEAD}Jan,P,,+32 475 12 34 56\n", by=shelf.ben)
    Membership.objects.filter(user=shelf.ben).update(role="reader")
    filed(batch)
    assert (batch.state, batch.fault) == ("failed", "no_right")
    assert not Contact.objects.exists()


def test_what_is_no_longer_needed_is_forgotten(book):
    waiting = begun(book, f"{HEAD}Jan,P,,+32 475 12 34 56\n")
    done = filed(begun(book, f"{HEAD},,,only\nAnna,P,,+32 476 00 00 01\n,,,,,,,note\n"))
    imports.forget(now=NOW + timedelta(days=6))
    assert ImportBatch.objects.count() == 2
    imports.forget(now=NOW + timedelta(days=8))
    assert not ImportBatch.objects.filter(pk=waiting.pk).exists()
    assert done.rows.exists()
    imports.forget(now=NOW + timedelta(days=31))
    assert not done.rows.exists()
    assert live().exists()


@pytest.mark.parametrize(
    "wrong",
    [{"state": "x"}, {"twins": "x"}, {"state": "undone"}, {"undone_at": NOW}],
    ids=["state", "twins", "when", "what"],
)
def test_the_database_refuses_what_cannot_be(book, wrong):
    batch = imports.begin(book, Upload("x", [b"x"]), by=book.user, now=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        ImportBatch.objects.filter(pk=batch.pk).update(**wrong)


@pytest.mark.parametrize(
    "wrong", [{"verdict": "refused"}, {"verdict": "twin_row"}, {"fault": "nobody"}, {"verdict": "x"}]
)
def test_the_database_refuses_a_verdict_that_does_not_say_which(book, wrong):
    batch = imports.begin(book, Upload("x", [b"x"]), by=book.user, now=NOW)
    row = ImportRow.objects.create(batch=batch, row=1, verdict="new")
    with pytest.raises(IntegrityError), transaction.atomic():
        ImportRow.objects.filter(pk=row.pk).update(**wrong)


def test_the_statements_grow_with_the_chunks_not_with_the_rows(book):
    counts = []
    for start, many in ((0, 20), (1_000, 900)):
        text = HEAD + "".join(f"P{each},Q,,+32470{each:06}\n" for each in range(start, start + many))
        with CaptureQueriesContext(connection) as queries:
            filed(begun(book, text))
        counts.append(len(queries))
    assert counts[1] <= counts[0] + 2
