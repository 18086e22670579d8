"""Groups by program: made, run by their owners, joined and left; 404 for who is not in them."""

import pytest

from contacts.models import Group, Invitation, Membership, Notice
from tests.contacts.shelves import Shelves, contact, shelves
from tests.program import Program

pytestmark = pytest.mark.django_db


@pytest.fixture
def books() -> Shelves:
    return shelves()


@pytest.fixture
def anna(books: Shelves) -> Program:
    return Program.of(books.anna)


@pytest.fixture
def team(books: Shelves) -> str:
    """The address of the group of which anna is the owner and ben a reader."""
    return f"groups/{books.team.pk}/"


def roles(group: Group) -> dict[str, str]:
    return dict(Membership.objects.filter(group=group).values_list("user__username", "role"))


def code(answer):
    return answer.status_code, answer.json()["code"]


def test_groups_are_made_renamed_and_deleted_when_empty(anna, books, team):
    made = anna.post("groups/", {"name": "Choir"}).json()
    assert made["members"] == [{"user": "anna", "role": "owner"}]
    assert anna.call("PUT", f"groups/{made['id']}/", {"name": "Band"}).json()["name"] == "Band"
    contact(books.shared, "Zoé")
    assert code(anna.call("DELETE", team)) == (409, "not_empty")
    assert anna.call("DELETE", f"groups/{made['id']}/").status_code == 204
    assert [each["name"] for each in anna.get("groups/").json()["results"]] == ["Team"]


def test_who_is_asked_in_is_told_and_answers(anna, books, team):
    asked = anna.post(f"{team}members/", {"user": "Carla", "role": "writer"})
    assert (asked.status_code, asked.json()["invited"]) == (201, [{"user": "carla", "role": "writer"}])
    assert Notice.objects.filter(user=books.carla).count() == 1
    carla = Program.of(books.carla)
    [waiting] = carla.get("invitations/").json()["results"]
    assert (waiting["group"], waiting["role"], waiting["by"]) == ("Team", "writer", "anna")
    inside = carla.post(f"invitations/{waiting['id']}/", {})
    assert (inside.status_code, inside.json()["name"], inside.json()["invited"]) == (200, "Team", [])
    assert roles(books.team) == {"anna": "owner", "ben": "reader", "carla": "writer"}
    assert carla.get("invitations/").json()["results"] == []


def test_one_may_stay_out_and_an_owner_takes_an_invitation_back(anna, books, team):
    carla = Program.of(books.carla)
    anna.post(f"{team}members/", {"user": "carla", "role": "reader"})
    [waiting] = carla.get("invitations/").json()["results"]
    assert carla.call("DELETE", f"invitations/{waiting['id']}/").status_code == 204
    anna.post(f"{team}members/", {"user": "carla", "role": "reader"})
    assert anna.call("DELETE", f"{team}members/carla/").status_code == 204
    assert not Invitation.objects.exists()
    assert roles(books.team) == {"anna": "owner", "ben": "reader"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"user": "nobody", "role": "reader"}, (400, "invalid")),
        ({"user": "carla", "role": "king"}, (400, "invalid")),
        ({"user": "carla"}, (400, "invalid")),
        ({"user": "ben", "role": "reader"}, (409, "already_in")),
    ],
)
def test_whom_one_cannot_ask_is_said_at_the_field(anna, team, body, expected):
    answer = anna.post(f"{team}members/", body)
    assert code(answer) == expected
    assert expected[0] == 409 or answer.json()["fields"]
    assert not Invitation.objects.exists()


def test_roles_change_people_go_and_one_owner_stays(anna, books, team):
    assert code(anna.call("PUT", f"{team}members/anna/", {"role": "reader"})) == (409, "last_owner")
    assert code(anna.call("DELETE", f"{team}members/anna/")) == (409, "last_owner")
    assert anna.call("PUT", f"{team}members/ben/", {"role": "owner"}).status_code == 200
    assert anna.call("DELETE", f"{team}members/anna/").status_code == 204
    assert roles(books.team) == {"ben": "owner"}
    assert anna.get(team).status_code == 404
    assert Program.of(books.ben).call("DELETE", f"{team}members/carla/").status_code == 404


def test_who_only_reads_may_leave_and_nothing_else(books, team):
    ben = Program.of(books.ben)
    assert ben.post(f"{team}members/", {"user": "carla", "role": "reader"}).status_code == 404
    assert ben.call("PUT", f"{team}members/ben/", {"role": "owner"}).status_code == 404
    assert ben.call("DELETE", f"{team}members/anna/").status_code == 404
    assert ben.call("DELETE", f"{team}members/ben/").status_code == 204
    assert roles(books.team) == {"anna": "owner"}


def test_anothers_invitation_is_nobodys(anna, books, team):
    anna.post(f"{team}members/", {"user": "carla", "role": "reader"})
    waiting = Invitation.objects.get()
    assert anna.get("invitations/").json()["results"] == []
    for verb in ("POST", "DELETE"):
        assert anna.call(verb, f"invitations/{waiting.pk}/", {}).status_code == 404
    assert Program.of(books.carla).get(team).status_code == 404


@pytest.mark.parametrize("name", ["", "/", "%00", "a b", "x" * 151, "é" * 40])
def test_a_name_that_nobody_has_is_404(anna, team, name):
    for verb in ("PUT", "DELETE"):
        assert anna.call(verb, f"{team}members/{name}/", {"role": "reader"}).status_code in {404, 405}
