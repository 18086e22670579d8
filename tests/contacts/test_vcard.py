"""vCards as telephones, Outlook, Google and Apple write them, odd and hostile ones, and our own."""

import io
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts import vcard, vcard_writer
from contacts.file_records import MOST_ROWS, Fault, Record, Unreadable
from contacts.filing import Card

FILES = Path(__file__).parent / "files"


def read(content: bytes | str) -> list[Record]:
    return list(vcard.records(io.BytesIO(content.encode() if isinstance(content, str) else content)))


def of_file(name: str) -> list[Record]:
    with (FILES / name).open("rb") as file:
        return list(vcard.records(file))


def card(*lines: str, version: str = "3.0") -> str:
    return "\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""])


def fault(content: bytes | str) -> tuple[Fault, int]:
    with pytest.raises(Unreadable) as caught:
        read(content)
    return caught.value.fault, caught.value.row


def test_an_iphone():
    zoe, bakery = of_file("iphone.vcf")
    assert (zoe.prefix, zoe.first_name, zoe.middle_name, zoe.last_name) == ("Dr.", "Zoé", "Marie", "Dubois")
    assert zoe.company == "Clinique du Parc"
    assert zoe.numbers == [
        ("+32 475 12 34 56", "mobile"), ("02 555 12 12", "home"), ("+33 6 12 34 56 78", "mobile"),
        ("+32 2 555 12 13", "fax"),
    ]  # fmt: skip
    assert zoe.emails == [("zoe@example.org", "other"), ("dubois@clinique.example", "work")]
    assert zoe.notes == "Rappelle, de préférence; le matin.\nParle français."
    assert zoe.remarks == []
    assert (bakery.last_name, bakery.company, bakery.numbers) == (
        "", "Bakkerij De Zoete Zonde", [("+32 9 222 33 44", "work")],
    )  # fmt: skip


def test_an_android_of_version_2_1():
    anais, jan = of_file("android.vcf")
    assert (anais.first_name, anais.last_name) == ("Anaïs", "Lefèvre")
    assert anais.numbers == [("0475123456", "mobile"), ("+3225551212", "home"), ("+32476000001", "")]
    assert anais.notes.startswith("Une note très longue, avec une fin de ligne\net une suite")
    assert anais.notes.endswith("TEL;CELL:+32000")
    assert jan.numbers == [("+32 (0)476 00 00 02", "mobile")]


def test_outlook_with_its_own_letters_and_an_assistant_inside():
    [kaethe] = of_file("outlook.vcf")
    assert (kaethe.prefix, kaethe.first_name, kaethe.last_name) == ("Mevr.", "Käthe", "Müller")
    assert kaethe.company == "Müller & Zonen"
    assert kaethe.notes == "Betaalt in € – altijd op tijd.\nTweede regel."
    assert kaethe.numbers == [("+32 2 555 12 14", "work"), ("+32 477 00 00 03", "mobile"), ("+32 2 555 12 15", "fax")]


def test_google():
    [oemer] = of_file("google.vcf")
    assert (oemer.first_name, oemer.last_name, oemer.company) == ("Ömer", "Yılmaz", "Gemüse Yılmaz")
    assert oemer.numbers == [("+49 1512 3456789", "mobile"), ("+49 30 123456", "work"), ("+49 1512 3456790", "")]
    assert oemer.notes == "😀 mag emoji, auch im Namen"


def test_version_4():
    [ines] = of_file("version4.vcf")
    assert (ines.first_name, ines.language, ines.company) == ("Inès", "fr", "École des Champs, asbl")
    assert ines.numbers == [
        ("+32-470-00-00-04", "mobile"),
        ("+32-2-555-12-16 ext 12", "work"),
        ("+32 2 555 12 17", "fax"),
    ]
    assert "the middle of a word, and again after a blank here." in ines.notes


def test_an_odd_one_is_taken_and_what_it_lacks_is_said():
    odd, nobody = of_file("odd.vcf")
    assert (odd.first_name, odd.last_name) == ("Lower", "Case")
    assert odd.numbers == [("+32 470 00 00 05", "mobile")]
    assert odd.remarks == [("line", "this line means nothing"), ("email", "not an address")]
    assert (nobody.row, nobody.fault) == (2, "nobody")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", (Fault.EMPTY, 0)),
        ("First name,Mobile\n", (Fault.NO_CARD, 0)),
        (card("N:A") + "BEGIN:VCARD\nN:B\n", (Fault.NOT_CLOSED, 2)),
        ("BEGIN:VCARD\n" * 5, (Fault.NESTED, 1)),
        (card("N:A") + card("N:B\0"), (Fault.BINARY, 7)),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", (Fault.BINARY, 3)),
        (card(*(f"NOTE:{'x' * 60_000}" for _ in range(6))), (Fault.LARGE_CARD, 1)),
        (card(*(f"TEL:{each}" for each in range(15_000))), (Fault.LARGE_CARD, 1)),
        (b"BEGIN:VCARD\r\nFN:\x81\r\nEND:VCARD\r\n", (Fault.LETTERS, 1)),
        (card("N:A") * (MOST_ROWS + 1), (Fault.TOO_MANY_ROWS, MOST_ROWS + 1)),
    ],
)
def test_what_is_no_file_of_vcards_names_its_row(content, expected):
    assert fault(content) == expected


def test_ten_thousand_numbers_on_one_card_are_refused_and_named():
    [record] = read(card("N:Many", *(f"TEL:+32470{each:06}" for each in range(10_000))))
    assert (record.row, record.fault) == (1, "too_many_numbers")


@pytest.mark.parametrize(
    "line",
    [
        "TEL" + ";" * 60_000 + "x:1",
        "TEL" + ";a=b,c" * 10_000 + ":1",
        "TEL" + ';a="b"' * 10_000 + "1",
        'TEL;a="' + "b" * 60_000,
        "a." * 30_000 + "TEL:1",
        "N:" + "\\" * 60_001,
        "N:" + ";" * 60_000,
        "NOTE;ENCODING=QUOTED-PRINTABLE:" + "=" * 60_000,
        "TEL;CHARSET=no-such-letters;ENCODING=QUOTED-PRINTABLE:=31",
    ],
)
def test_a_line_made_to_keep_us_busy_does_not(line):
    began = time.process_time()
    read(card("N:Jan", line))
    assert time.process_time() - began < 1


@pytest.mark.parametrize("letters", ["cp1252", "utf-16", "utf-8-sig"])
def test_other_letters_are_read(letters):
    [record] = read("BEGIN:VCARD\nN:Désirée\nEND:VCARD\n".encode(letters))
    assert record.last_name == "Désirée"


FULL = Card(
    prefix="Dr.", first_name="Zoé, dite", middle_name="M;", last_name="Dubois \\ fils", suffix="Jr.",
    company="Œuf, « Crème » & Cie; asbl", language="fr", notes="Ligne 1\nLigne 2; 😀, fin\\",
    numbers=[
        ("+32 475 12 34 56", "mobile"), ("02 555 12 12", "home"), ("+32 2 555 12 13", "fax"),
        ("+32 470 00 00 05", "other"), ("+32 470 00 00 06", "work"),
    ],
    emails=[("zoe@example.org", "work"), ("z@example.org", "other")],
)  # fmt: skip


def test_our_own_card_says_what_it_said():
    [record] = read(vcard_writer.write(FULL))
    expected = {name: getattr(FULL, name) for name in ("prefix", "first_name", "middle_name", "last_name", "suffix")}
    assert {name: getattr(record, name) for name in expected} == expected
    assert (record.company, record.notes, record.language) == (FULL.company, FULL.notes, "fr")
    assert record.emails == FULL.emails
    assert record.numbers == [
        ("+32475123456", "mobile"), ("02 555 12 12", "home"), ("+3225551213", "fax"), ("+32470000005", "other"),
        ("+32470000006", "work"),
    ]  # fmt: skip


def test_our_own_card_is_of_version_4_and_folded():
    text = vcard_writer.write(FULL)
    lines = text.split("\r\n")
    assert lines[:2] == ["BEGIN:VCARD", "VERSION:4.0"]
    assert lines[-2:] == ["END:VCARD", ""]
    assert "TEL;VALUE=uri;TYPE=cell:tel:+32475123456" in lines
    assert all(len(each.encode()) <= 75 for each in lines)
    assert "\n" not in text.replace("\r\n", "")


@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\r\n"), max_size=300))
def test_a_folded_line_is_whole_again_when_unfolded(text):
    assert vcard_writer.folded(text).removesuffix("\r\n").replace("\r\n ", "") == text
    assert all(len(piece.encode()) <= 75 for piece in vcard_writer.folded(text).split("\r\n"))


def test_ten_thousand_cards_take_seconds():
    content = card(
        "N:Peeters;Jan;;;", "FN:Jan Peeters", "ORG:Bouw", "TEL;TYPE=CELL:+32 475 12 34 56",
        "TEL;TYPE=HOME:02 555 12 12",         "EMAIL:jan@example.org", "NOTE:a note",
    )  # fmt: skip
    began = time.process_time()
    assert len(read(content * 10_000)) == 10_000
    assert time.process_time() - began < 8
