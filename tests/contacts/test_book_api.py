"""Contacts, lists and groups by program: said, read, changed, deleted; own ones only, 404 for others'."""

import pytest

from contacts.models import Contact, ContactList, Group
from tests.contacts.shelves import Shelves, a_list, contact, crowd, shelves
from tests.program import Program

pytestmark = pytest.mark.django_db


@pytest.fixture
def books() -> Shelves:
    return shelves()


@pytest.fixture
def anna(books: Shelves) -> Program:
    return Program.of(books.anna)


def test_a_contact_is_filed_and_told_with_how_each_number_was_read(anna):
    numbers = [{"typed": "0475 12 34 56"}, {"typed": "+32 2 555 12 12", "kind": "work"}]
    emails = [{"address": "jan@example.org"}]
    body = {"first_name": "Jan", "last_name": "Peeters", "numbers": numbers, "emails": emails}
    answer = anna.post("contacts/", body)
    told = answer.json()
    assert (answer.status_code, told["name"], told["group"]) == (201, "Jan Peeters", None)
    assert told["numbers"] == [
        {
            "typed": "0475 12 34 56", "kind": "mobile", "number": "+32475123456", "ok": False,
            "reason": "not_international", "repair": {"number": "+32475123456", "how": "international_form"},
        },
        {
            "typed": "+32 2 555 12 12", "kind": "work", "number": "+3225551212", "ok": False,
            "reason": "landline", "repair": None,
        },
    ]  # fmt: skip
    assert anna.get(f"contacts/{told['id']}/").json() == told


def test_what_no_database_stores_is_left_out(anna):
    assert anna.post("contacts/", {"last_name": "a\0b\ud800 \n c"}).json()["name"] == "ab c"


def test_put_says_all_anew_and_patch_some_of_it(anna):
    body = {"last_name": "Peeters", "notes": "tea", "numbers": [{"typed": "+32475123456"}]}
    key = anna.post("contacts/", body).json()["id"]
    patched = anna.call("PATCH", f"contacts/{key}/", {"company": "Bakkerij"}).json()
    assert (patched["last_name"], patched["company"], len(patched["numbers"])) == ("Peeters", "Bakkerij", 1)
    put = anna.call("PUT", f"contacts/{key}/", {"company": "Bakkerij"}).json()
    assert (put["name"], put["notes"], put["numbers"]) == ("Bakkerij", "", [])
    assert anna.call("DELETE", f"contacts/{key}/").status_code == 204
    assert anna.get(f"contacts/{key}/").status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "last_name"),
        ({"last_name": 1}, "last_name"),
        ({"last_name": "x" * 81}, "last_name"),
        ({"lastname": "x"}, "lastname"),
        ({"last_name": "x", "language": "de"}, "language"),
        ({"last_name": "x", "numbers": "0475"}, "numbers"),
        ({"last_name": "x", "numbers": [{"typed": ""}]}, "numbers"),
        ({"last_name": "x", "numbers": [{"typed": "1"}] * 51}, "numbers"),
        ({"last_name": "x", "emails": [{"address": "none"}]}, "emails"),
        ({"last_name": "x", "group": "0"}, "group"),
    ],
)
def test_what_is_wrong_is_told_by_field_and_nothing_is_filed(anna, body, field):
    answer = anna.post("contacts/", body)
    assert (answer.status_code, list(answer.json()["fields"])) == (400, [field])
    assert not Contact.objects.exists()


@pytest.mark.row("S17")
def test_contacts_are_listed_page_by_page_and_narrowed(anna, books):
    crowd(books.own, 60)
    zoe = contact(books.shared, "Zoé Dubois", "+32476111222")
    board = a_list(books.own, "Board", zoe)
    first = anna.get("contacts/").json()
    assert (first["count"], len(first["results"]), first["previous"]) == (61, 50, None)
    second = anna.get(first["next"].split("/api/v1/")[1]).json()
    assert [len(second["results"]), second["next"]] == [11, None]
    for query in ("q=zoe", "q=0476/11", f"list={board.pk}", f"group={books.team.pk}"):
        assert [each["name"] for each in anna.get(f"contacts/?{query}").json()["results"]] == ["Zoé Dubois"]
    for query in ("list=999999", "group=999999", "list=x"):
        assert anna.get(f"contacts/?{query}").status_code == 404


def test_lists_are_made_filled_and_deleted(anna, books):
    jan, zoe = contact(books.own, "Jan"), contact(books.shared, "Zoé")
    assert anna.post("lists/", {"name": " "}).status_code == 400
    made = anna.post("lists/", {"name": "Board"}).json()
    assert (made["name"], made["group"], made["contacts"]) == ("Board", None, 0)
    address = f"lists/{made['id']}/"
    assert anna.post(f"{address}members/", {"add": [str(jan.pk), str(zoe.pk)]}).json()["contacts"] == 2
    assert anna.post(f"{address}members/", {"remove": [str(jan.pk), "999999"]}).json()["contacts"] == 1
    assert anna.call("PUT", address, {"name": "The board"}).json()["name"] == "The board"
    assert [each["name"] for each in anna.get("lists/").json()["results"]] == ["The board"]
    of_team = anna.post("lists/", {"name": "Of Team", "group": str(books.team.pk)}).json()
    assert anna.post(f"lists/{of_team['id']}/members/", {"add": [str(jan.pk), str(zoe.pk)]}).json()["contacts"] == 1
    assert anna.call("DELETE", address).status_code == 204
    assert anna.get(address).status_code == 404


def test_a_reader_reads_and_a_stranger_sees_nothing(books):
    zoe, board = contact(books.shared, "Zoé"), a_list(books.shared, "Board")
    ben, carla = Program.of(books.ben), Program.of(books.carla)
    for address in (f"contacts/{zoe.pk}/", f"lists/{board.pk}/", f"groups/{books.team.pk}/"):
        assert ben.get(address).status_code == 200
        assert ben.call("PUT", address, {"name": "x"}).status_code == 404
        assert ben.call("DELETE", address).status_code == 404
        assert {carla.call(verb, address, {}).status_code for verb in ("GET", "PUT", "DELETE")} == {404}
    filed = ben.post("contacts/", {"last_name": "Sneaked", "group": str(books.team.pk)})
    assert filed.status_code == 404
    assert ben.post(f"lists/{board.pk}/members/", {"add": []}).status_code == 404
    assert carla.get("contacts/").json()["count"] == carla.get("lists/").json()["count"] == 0
    assert (Contact.objects.count(), ContactList.objects.count(), Group.objects.count()) == (1, 1, 1)


def test_an_id_beyond_all_measure_is_404(anna):
    for address in ("contacts", "lists", "groups"):
        for verb in ("GET", "PUT", "DELETE"):
            assert anna.call(verb, f"{address}/{10**30}/", {}).status_code == 404
