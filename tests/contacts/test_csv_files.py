"""CSV as Outlook, Google, Excel and people write it, hostile ones, and our own, which no spreadsheet computes."""

import csv
import io
import time
from pathlib import Path

import pytest
from django.utils import translation

from contacts import csv_files
from contacts.csv_columns import columns
from contacts.file_records import Fault, Record, Unreadable
from tests.contacts.test_vcard import FULL

FILES = Path(__file__).parent / "files"
HEAD = "First name,Last name,Mobile,Notes\n"


def read(content: bytes | str) -> list[Record]:
    return list(csv_files.records(io.BytesIO(content.encode() if isinstance(content, str) else content)))


def of_file(name: str) -> list[Record]:
    with (FILES / name).open("rb") as file:
        return list(csv_files.records(file))


def fault(content: bytes | str) -> tuple[Fault, int]:
    with pytest.raises(Unreadable) as caught:
        read(content)
    return caught.value.fault, caught.value.row


def test_outlook_in_english():
    zoe, bakery = of_file("outlook-en.csv")
    assert (zoe.row, zoe.prefix, zoe.first_name, zoe.last_name, zoe.language) == (2, "Ms", "Zoé", "Dubois", "fr")
    assert zoe.numbers == [("+32 2 555 12 13", "fax"), ("+32 2 555 12 12", "work"), ("+32 475 12 34 56", "mobile")]
    assert [address for address, _kind in zoe.emails] == ["zoe@example.org", "z@example.org"]
    assert zoe.notes == 'Says "hello", always\nSecond line'
    assert (bakery.row, bakery.company) == (5, "Bakery")


def test_outlook_in_dutch_with_semicolons_and_the_letters_of_windows():
    [jan] = of_file("outlook-nl.csv")
    assert (jan.prefix, jan.first_name, jan.last_name, jan.company) == (
        "Dhr.",
        "Jan",
        "Van den Berg",
        "Bouw ’t Hoekske",
    )
    assert jan.numbers == [
        ("02 555 12 13", "fax"), ("02 555 12 12", "work"), ("02 555 12 14", "work"), ("0475 12 34 56", "mobile"),
    ]  # fmt: skip
    assert (jan.language, jan.notes) == ("nl", "Belt met €-tarief")


def test_outlook_in_french():
    [anais] = of_file("outlook-fr.csv")
    assert (anais.first_name, anais.last_name, anais.company) == ("Anaïs", "Lefèvre", "Crêperie d’Œuf")
    assert anais.numbers == [("+32 2 555 12 12", "work"), ("+32 477 00 00 03", "mobile")]


def test_google_of_today_and_of_before():
    [oemer] = of_file("google.csv")
    assert oemer.numbers == [("+49 1512 3456789", "mobile"), ("+49 1512 3456790", "mobile"), ("+49 30 123456", "fax")]
    assert oemer.emails == [("omer@example.org", "home"), ("y@example.org", "work")]
    [ines] = of_file("google-old.csv")
    assert (ines.first_name, ines.last_name, ines.company) == ("Inès", "Moreau", "École des Champs")
    assert ines.numbers == [("+32 470 00 00 04", "mobile"), ("02 555 12 16", "home")]


def test_plain_lists_in_three_languages():
    jan, anna = of_file("plain-en.csv")
    assert (jan.first_name, jan.last_name, jan.numbers) == ("Jan", "Van den Berg", [("+32 475 12 34 56", "")])
    assert (anna.first_name, anna.last_name) == ("", "Anna")
    jan, anna = of_file("plain-nl.csv")
    assert (jan.row, jan.numbers, jan.notes) == (3, [("+32475123456", "mobile")], 'Rij met ; en "aanhaling"')
    assert (anna.row, anna.numbers) == (5, [("0476 00 00 02", "mobile"), ("0476 00 00 03", "mobile")])
    [anais] = of_file("plain-fr.csv")
    assert (anais.first_name, anais.last_name, anais.numbers) == ("Anaïs", "Lefèvre", [("+32 477 FLOWER", "mobile")])
    assert anais.remarks == [("email", "pas une adresse")]
    assert of_file("mac.csv")[0].last_name == "Dubois"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", (Fault.EMPTY, 0)),
        ("colour,size\nred,1\n", (Fault.NO_COLUMNS, 1)),
        (f'{HEAD}Jan,Peeters,1,x\n"Anna,Dubois,2,y\nBen,B,3,z\n', (Fault.HALF_QUOTED, 3)),
        (f'{HEAD}"Jan"x,Peeters,1,x\n', (Fault.HALF_QUOTED, 2)),
        (f"{HEAD}Jan\0,Peeters,1,x\n", (Fault.BINARY, 2)),
        (b"PK\x03\x04\x14\0\x06\0", (Fault.BINARY, 1)),
        (f"{HEAD}{'x' * 200_000}", (Fault.LONG_LINE, 2)),
        (f"{HEAD}{'x,' * 2_000}\n", (Fault.LONG_LINE, 2)),
        (b"First name\n\x81\n", (Fault.LETTERS, 1)),
        (HEAD + "x,y,1,\n" * 20_001, (Fault.TOO_MANY_ROWS, 20_002)),
    ],
)
def test_what_is_no_list_of_contacts_names_its_row(content, expected):
    assert fault(content) == expected


def test_a_quotation_mark_that_is_never_closed_costs_no_memory():
    assert fault(f'{HEAD}"' + "x,y,1,z\n" * 300_000) == (Fault.HALF_QUOTED, 2)


def test_cells_beyond_the_columns_are_said():
    [record] = read(f"{HEAD}Jan,Peeters,1,x,and more\n")
    assert record.remarks == [("columns", "and more")]


def test_a_row_of_nobody_is_named():
    [record] = read(f"{HEAD},,,only a note\n")
    assert (record.row, record.fault) == (2, "nobody")


def test_what_is_too_long_is_shortened_and_said():
    [record] = read(f"{HEAD}{'x' * 81},P,1,\n")
    assert (len(record.first_name), record.remarks) == (80, [("shortened", "x" * 40)])


@pytest.mark.parametrize("language", ["en", "nl", "fr"])
def test_our_own_file_says_what_it_said_in_each_language(language):
    most = {"mobile": 1, "home": 1, "work": 1, "fax": 1, "other": 1, "email": 2}
    with translation.override(language):
        cells = list(csv_files.rows([FULL], most=most))
    assert all(each.what for each in columns(cells[0])), cells[0]
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows(cells)
    [record] = read("\ufeff" + text.getvalue())
    assert sorted(record.numbers) == sorted(FULL.numbers)
    assert [address for address, _kind in record.emails] == ["zoe@example.org", "z@example.org"]
    assert (record.first_name, record.last_name, record.suffix) == (FULL.first_name, FULL.last_name, FULL.suffix)
    assert (record.prefix, record.company, record.language, record.notes) == (
        FULL.prefix,
        FULL.company,
        "fr",
        FULL.notes,
    )


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_begins_a_formula(begin):
    assert csv_files.safe(f"{begin}1+1") == f"'{begin}1+1"
    assert csv_files.safe("1+1") == "1+1"


def test_ten_thousand_rows_take_a_second():
    began = time.process_time()
    assert len(read(HEAD + "Jan,Peeters,+32 475 12 34 56,note\n" * 10_000)) == 10_000
    assert time.process_time() - began < 4
