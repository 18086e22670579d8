"""SMS by program: quote, send once whatever is repeated, see what became of it, cancel; on both databases."""

import base64
import re
from datetime import timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.models import User
from credit import books as credit_books
from credit.allowance import standing
from sms import books, dispatch, releasing, submission
from sms.gateways import configured
from sms.models import Delivery, Message
from tests.people import MOBILE, numbers, person
from tests.program import Program

SPLIT = "0475 12 34 56, 0476 12 34 56"
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d|Z)")


def own(**more) -> tuple[User, Program]:
    user = person(now=timezone.now(), **more)
    return user, Program.of(user)


def assert_books_are_right() -> None:
    assert [*credit_books.check(), *books.check(now=timezone.now())] == []


@pytest.fixture
def memory(settings):
    settings.SMS_GATEWAYS = {"memory": {"BACKEND": "sms.gateways.memory.Memory", "OPTIONS": {}}}
    return configured.gateway("memory")


@pytest.mark.django_db
@pytest.mark.row("N1", "S3")
def test_a_quote_says_what_it_costs_who_pays_and_how_each_number_was_read() -> None:
    user, program = own(parts=3, balance=50_000, signature="Anna")
    to = [MOBILE, "0475/12.34.56", "+32 (0)476 12 34 56", "+32 2 555 12 12", "Jan <0477 12 34 56>"]
    answer = program.post("sms/quote/", {"to": to, "text": "a" * 150})
    assert answer.status_code == 200
    found = answer.json()
    each = found.pop("to")
    assert found == {
        "people": 4, "numbers": 3, "parts_each": 1, "parts": 3, "encoding": "gsm7", "from_allowance": 3,
        "from_balance": "0.0000", "left": {"allowance": 0, "balance": "5.0000"}, "missing_parts": 0,
        "missing_amount": "0.0000",
    }  # fmt: skip
    assert [(entry["number"], entry["ok"], entry["corrected"], entry["reason"]) for entry in each] == [
        ("+32475123456", True, False, None),
        ("+32475123456", True, False, None),
        ("+32476123456", True, True, None),
        (None, False, False, "landline"),
        ("+32477123456", True, False, None),
    ]
    assert [entry["typed"] for entry in each][1:4] == to[1:4]
    assert not Message.objects.exists()
    assert standing(user, now=timezone.now()).available == 3


@pytest.mark.django_db
def test_a_quote_shows_the_numbers_that_may_have_been_meant() -> None:
    _user, program = own(country="DE")
    [entry] = program.post("sms/quote/", {"to": ["32 475 123456"], "text": "x"}).json()["to"]
    assert (entry["ok"], entry["number"], entry["reason"]) == (False, None, "ambiguous")
    assert {"number": "+32475123456", "how": "as_international", "reason": None} in entry["repairs"]


@pytest.mark.django_db
@pytest.mark.row("S22")
def test_the_signature_is_counted_unless_left_off() -> None:
    _user, program = own(signature="Anna Peeters")
    text = "a" * 155
    assert program.post("sms/quote/", {"to": [MOBILE], "text": text}).json()["parts"] == 2
    assert program.post("sms/quote/", {"to": [MOBILE], "text": text, "sign": False}).json()["parts"] == 1


@pytest.mark.django_db
def test_a_quote_beyond_both_pockets_says_what_is_missing() -> None:
    _user, program = own(parts=1, balance=950)
    found = program.post("sms/quote/", {"to": numbers(5), "text": "x"}).json()
    assert (found["missing_parts"], found["missing_amount"]) == (3, "0.2850")
    assert found["left"] == {"allowance": 1, "balance": "0.0950"}


@pytest.mark.row("S12", "S3")
def test_what_is_sent_is_accepted_paid_and_stored(database) -> None:
    user, program = own(parts=1, balance=50_000)
    answer = program.send("0475 12 34 56", "Jan Peeters <32 476 123456>", SPLIT)
    assert answer.status_code == 201
    message = answer.json()
    first, second = message.pop("deliveries")
    assert message == {
        "id": message["id"], "text": "See you at 9", "occasion": "api", "created_at": message["created_at"],
        "send_at": None, "parts": 2, "from_allowance": 1, "from_balance": "0.0950", "states": {"queued": 2},
        "reason": None,
    }  # fmt: skip
    assert ISO.fullmatch(message["created_at"])
    assert isinstance(first["id"], str)
    assert (first["number"], second["number"], second["name"]) == ("+32475123456", "+32476123456", "Jan Peeters")
    assert {first[name] for name in ("sent_at", "gateway", "reference", "receipt", "reason")} == {None}
    stored = Message.objects.get()
    assert (str(stored.pk), stored.user, stored.occasion) == (message["id"], user, "api")
    assert_books_are_right()


@pytest.mark.row("S20")
def test_what_has_left_says_so_with_the_gateway_s_reference(database, memory) -> None:
    _user, program = own()
    memory.play(["accept", "refuse"])
    message = program.send(*numbers(2)).json()
    dispatch.drain("memory", clock=timezone.now)
    told = program.get(f"sms/{message['id']}/").json()
    assert told["states"] == {"sent": 1, "refused": 1}
    sent, refused = told["deliveries"]
    assert (sent["state"], sent["gateway"], bool(sent["reference"]), sent["reason"]) == ("sent", "memory", True, None)
    assert ISO.fullmatch(sent["sent_at"])
    assert (refused["state"], refused["sent_at"], bool(refused["reason"])) == ("refused", None, True)


def test_the_same_key_and_body_get_the_first_answer_again(database, memory) -> None:
    user, program = own(parts=5)
    first = program.send("0475 12 34 56", key="a key")
    dispatch.drain("memory", clock=timezone.now)
    user.signature, user.country = "Anna", "DE"
    user.save()
    again = program.send("0475 12 34 56", key="a key")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert Message.objects.count() == 1
    assert standing(user, now=timezone.now()).available == 4


@pytest.mark.django_db
@pytest.mark.parametrize(
    "other", [{"text": "See you at 10"}, {"sign": False}, {"send_at": "2999-01-01T00:00:00Z"}, {"to": [MOBILE]}]
)
def test_the_same_key_with_another_body_is_a_conflict(other) -> None:
    _user, program = own()
    program.send(*numbers(2))
    body = {"to": numbers(2), "text": "See you at 9"} | other
    answer = program.post("sms/", body, **{"Idempotency-Key": "k1"})
    assert (answer.status_code, answer.json()["code"]) == (409, "key_reused")
    assert Message.objects.count() == 1


@pytest.mark.django_db
def test_keys_are_each_user_s_own_and_apart_from_those_of_the_form() -> None:
    user, program = own()
    carla = Program.of(person("carla", now=timezone.now()))
    assert program.send(MOBILE).json()["id"] != carla.send(MOBILE).json()["id"]
    form = submission.Request(user, "x", [submission.Recipient(MOBILE)], "form", request_key="k2")
    submission.submit(form, now=timezone.now())
    assert program.send(MOBILE, key="k2").status_code == 201


def send_same(key: str, tries: int) -> list[list[str]]:
    """In a process of its own: the same call several times."""
    answers = [Program(key).send(*numbers(2)) for _ in range(tries)]
    return [[str(answer.status_code), answer.json()["id"]] for answer in answers]


def test_of_eight_processes_with_one_key_one_sends(database) -> None:
    user, program = own(parts=5, balance=0)
    answers = [answer for process in database.processes(8, send_same, program.key, 3) for answer in process]
    assert sorted(status for status, _id in answers) == ["200"] * 23 + ["201"]
    assert len({message for _status, message in answers}) == 1
    assert Message.objects.count() == 1
    assert standing(user, now=timezone.now()).available == 3
    assert_books_are_right()


@pytest.mark.django_db
def test_without_a_key_nothing_is_sent() -> None:
    _user, program = own()
    for headers in ({}, {"Idempotency-Key": ""}, {"Idempotency-Key": "x" * 256}, {"Idempotency-Key": "é"}):
        answer = program.post("sms/", {"to": [MOBILE], "text": "x"}, **headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "key_missing")
        assert answer.json()["fields"]["Idempotency-Key"]
    assert not Message.objects.exists()


@pytest.mark.django_db
@pytest.mark.row("S19")
def test_a_number_that_cannot_get_it_stops_all_and_leaves_the_key_free() -> None:
    user, program = own()
    answer = program.send(MOBILE, "+32 2 555 12 12", "")
    assert answer.status_code == 400
    told = answer.json()
    assert told["code"] == "bad_numbers"
    assert list(told["fields"]) == ["to"]
    assert [(entry["ok"], entry["reason"]) for entry in told["to"]] == [
        (True, None), (False, "landline"), (False, "empty"),
    ]  # fmt: skip
    assert not Message.objects.exists()
    assert standing(user, now=timezone.now()).available == 30
    assert program.send(MOBILE).status_code == 201


@pytest.mark.row("S12")
def test_too_little_for_all_sends_nothing_and_leaves_the_key_free(database) -> None:
    user, program = own(parts=1, balance=950)
    answer = program.send(*numbers(4))
    assert answer.status_code == 402
    told = answer.json()
    assert (told["code"], told["missing_parts"], told["missing_amount"], told["payable"]) == (
        "not_enough", 2, "0.1900", 2,
    )  # fmt: skip
    assert not Message.objects.exists()
    has = standing(user, now=timezone.now())
    assert (has.available, has.balance) == (1, 950)
    assert program.send(*numbers(2)).status_code == 201
    assert_books_are_right()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"to", "text"}),
        ({"to": [], "text": "x"}, {"to"}),
        ({"to": MOBILE, "text": "x"}, {"to"}),
        ({"to": [32475123456], "text": "x"}, {"to"}),
        ({"to": None, "text": "x"}, {"to"}),
        ({"to": [MOBILE] * 10_001, "text": "x"}, {"to"}),
        ({"to": [SPLIT] * 6_000, "text": "x"}, {"to"}),
        ({"to": [MOBILE], "text": ""}, {"text"}),
        ({"to": [MOBILE], "text": " \n\0"}, {"text"}),
        ({"to": [MOBILE], "text": 5}, {"text"}),
        ({"to": [MOBILE], "text": "a" * 1531}, {"text"}),
        ({"to": [MOBILE], "text": "x", "sign": "yes"}, {"sign"}),
        ({"to": [MOBILE], "text": "x", "sendat": "2027-03-01T10:00:00Z"}, {"sendat"}),
        ({"to": [MOBILE], "text": "x", "send_at": "2027-03-01T10:00:00"}, {"send_at"}),
        ({"to": [MOBILE], "text": "x", "send_at": "tomorrow"}, {"send_at"}),
        ({"to": [MOBILE], "text": "x", "send_at": "2020-03-01T10:00:00Z"}, {"send_at"}),
        ({"to": [MOBILE], "text": "x", "send_at": "2099-03-01T10:00:00Z"}, {"send_at"}),
        ([], set()),
        ("x", set()),
        (None, {"to", "text"}),
    ],
)
def test_what_cannot_be_read_is_said_at_its_field_and_nothing_is_sent(body, wrong) -> None:
    user, program = own()
    answer = program.post("sms/", body, **{"Idempotency-Key": "k1"})
    assert answer.status_code == 400
    told = answer.json()
    assert set(told["fields"]) == wrong
    assert all(sentence for sentences in told["fields"].values() for sentence in sentences)
    assert told["detail"]
    assert not Message.objects.exists()
    assert standing(user, now=timezone.now()).available == 30


@pytest.mark.django_db
def test_signs_that_no_phone_shows_and_no_database_stores_are_left_out() -> None:
    _user, program = own()
    headers = {"Idempotency-Key": "k1", "Authorization": f"Token {program.key}"}
    client = Client(headers=headers)
    body = '{"to": ["\\u200e+32475123456\\u00a0"], "text": "a\\u0000b\\ud83d"}'
    sent = client.post("/api/v1/sms/", body, content_type="application/json")
    assert (sent.status_code, sent.json()["text"]) == (201, "ab")
    body = '{"to": ["\\ud800+32475123456\\u0000"], "text": "a"}'
    quoted = client.post("/api/v1/sms/quote/", body, content_type="application/json")
    assert quoted.status_code == 200
    assert quoted.json()["to"][0]["typed"] == "+32475123456"


@pytest.mark.row("N13")
def test_what_still_waits_can_be_cancelled_and_is_paid_back(database, memory) -> None:
    user, program = own(parts=5, balance=50_000)
    message = program.send(*numbers(6)).json()
    told = program.post(f"sms/{message['id']}/cancel/")
    assert told.status_code == 200
    assert (told.json()["cancelled"], told.json()["states"]) == (6, {"cancelled": 6})
    assert program.post(f"sms/{message['id']}/cancel/").json()["cancelled"] == 0
    has = standing(user, now=timezone.now())
    assert (has.available, has.balance) == (5, 50_000)
    dispatch.drain("memory", clock=timezone.now)
    assert program.get(f"sms/{message['id']}/").json()["states"] == {"cancelled": 6}
    assert_books_are_right()


def test_a_planned_sms_is_paid_when_it_goes_and_its_first_answer_stays(database) -> None:
    user, program = own(parts=5, balance=0)
    moment = timezone.now() + timedelta(days=1)
    first = program.send(*numbers(2), send_at=moment.isoformat())
    assert first.status_code == 201
    told = first.json()
    assert (told["states"], told["deliveries"], told["from_allowance"]) == ({"planned": 2}, [], 0)
    assert ISO.fullmatch(told["send_at"])
    assert standing(user, now=timezone.now()).available == 5
    releasing.release_due(now=moment)
    assert program.get(f"sms/{told['id']}/").json()["states"] == {"queued": 2}
    again = program.send(*numbers(2), send_at=moment.isoformat())
    assert (again.status_code, again.json()) == (200, told)


@pytest.mark.django_db
def test_a_planned_sms_that_was_not_paid_says_why() -> None:
    _user, program = own(parts=0, balance=0)
    moment = timezone.now() + timedelta(days=1)
    told = program.send(MOBILE, send_at=moment.isoformat()).json()
    releasing.release_due(now=moment)
    told = program.get(f"sms/{told['id']}/").json()
    assert (told["states"], told["reason"]) == ({"not_accepted": 1}, "no_credit")


def walk(program: Program, path: str) -> list[list[str]]:
    """The ids on each page, forward to the end, having gone back from each page once."""
    pages, before = [], None
    while path:
        page = program.get(path).json()
        assert (page["previous"] is None) == (before is None)
        if before:
            back = program.get(page["previous"].partition("/api/v1/")[2]).json()
            assert [row["id"] for row in back["results"]] == before
        before = [row["id"] for row in page["results"]]
        pages.append(before)
        path = (page["next"] or "").partition("/api/v1/")[2]
    return pages


def test_deliveries_come_in_pages_of_a_hundred_in_their_order(database) -> None:
    _user, program = own(parts=300)
    message = program.send(*numbers(250)).json()
    assert [row["number"] for row in message["deliveries"]] == numbers(100)
    pages = walk(program, f"sms/{message['id']}/deliveries/")
    assert [len(page) for page in pages] == [100, 100, 50]
    by_position = Delivery.objects.order_by("position").values_list("pk", flat=True)
    assert [each for page in pages for each in page] == list(map(str, by_position))
    assert program.get(f"sms/{message['id']}/deliveries/").json()["count"] == 250


def test_messages_of_one_moment_are_each_on_one_page(database) -> None:
    user, program = own(parts=300)
    wanted = [
        submission.Request(user, "x", [submission.Recipient(MOBILE)], "reminder", request_key=f"k{index}")
        for index in range(120)
    ]
    submission.submit_many(wanted, now=timezone.now())
    pages = walk(program, "sms/?q=x")
    assert [len(page) for page in pages] == [50, 50, 20]
    assert len({each for page in pages for each in page}) == 120


@pytest.mark.django_db
def test_a_page_takes_as_many_statements_however_much_is_on_it(memory) -> None:
    _user, program = own(parts=300)
    counts = []
    for key in ("k1", "k2"):
        program.send(*numbers(3), key=key)
        with CaptureQueriesContext(connection) as statements:
            program.get("sms/")
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 6


@pytest.mark.django_db
def test_the_history_is_narrowed_by_words_state_and_day(settings) -> None:
    _user, program = own(time_zone="Pacific/Auckland")
    program.send("Jan Peeters <0475 12 34 56>", text="Dentist", key="k1")
    program.send("0476 12 34 56", text="Garage", key="k2")
    program.post(f"sms/{Message.objects.get(text='Garage').pk}/cancel/")

    def found(query: str) -> set[str]:
        answer = program.get(f"sms/?{query}")
        assert answer.status_code == 200, answer.content
        assert answer.json()["count"] == len(answer.json()["results"])
        return {row["text"] for row in answer.json()["results"]}

    today = timezone.now().astimezone(ZoneInfo("Pacific/Auckland")).date()
    assert found("q=&from=&to=&state=") == found("q=%00") == {"Dentist", "Garage"}
    assert found("q=peeters") == found("q=0475%2012") == found("q=dent") == {"Dentist"}
    assert found("state=cancelled") == {"Garage"}
    assert found("state=open") == found("state=queued") == {"Dentist"}
    assert found(f"from={today}&to={today}") == {"Dentist", "Garage"}
    assert found(f"to={today - timedelta(days=1)}") == found(f"from={today + timedelta(days=1)}") == set()
    assert found("from=0001-01-01&to=9999-12-31") == {"Dentist", "Garage"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "field"),
    [("state=lost", "state"), ("from=yesterday", "from"), ("to=2026-02-30", "to"), ("q=" + "x" * 101, "q")],
)
def test_a_filter_that_cannot_be_read_is_said_at_its_name(query, field) -> None:
    _user, program = own()
    answer = program.get(f"sms/?{query}")
    assert answer.status_code == 400
    assert list(answer.json()["fields"]) == [field]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "said",
    [
        "x", "é", "[", "5", "[false]", '[false, "2026-11-23T10:00:00Z"]', '[false, "2026-11-23T10:00:00Z", "x"]',
        '[false, "2026-11-23T10:00:00Z", 5]',
        '[false, "0001-01-01T00:00:00+14:00", "b7ba503c-de47-413f-9560-1d9628334e8a"]',
        "[" * 100_000,
    ],
)  # fmt: skip
def test_a_cursor_that_names_no_page_is_404(said) -> None:
    _user, program = own()
    for cursor in (said[:100], base64.urlsafe_b64encode(said.encode()).decode()[:3_900]):
        answer = program.get(f"sms/?cursor={quote(cursor)}")
        assert (answer.status_code, answer.json()["code"]) == (404, "no_such_page")
        assert list(answer.json()["fields"]) == ["cursor"]


@pytest.mark.django_db
def test_without_a_gateway_nothing_is_accepted(settings) -> None:
    settings.SMS_GATEWAYS = {}
    _user, program = own()
    answer = program.send(MOBILE)
    assert (answer.status_code, answer.json()["code"]) == (503, "no_gateway")
    assert not Message.objects.exists()


@pytest.mark.django_db
def test_the_sentences_are_in_the_user_s_language() -> None:
    _user, program = own(language="nl")
    english = Program.of(person("carla", now=timezone.now())).get("sms/?state=x")
    dutch = program.get("sms/?state=x")
    assert (dutch["Content-Language"], english["Content-Language"]) == ("nl", "en")
    assert dutch.json()["code"] == english.json()["code"]
    assert dutch.json()["fields"] != english.json()["fields"]


def test_a_list_of_ten_thousand_is_one_call(database) -> None:
    _user, program = own(parts=10_000)
    program.send(MOBILE, key="warm")
    with CaptureQueriesContext(connection) as statements:
        answer = program.send(*numbers(9_999), key="list")
    assert answer.status_code == 201
    assert len(answer.json()["deliveries"]) == 100
    assert len(statements) < 30
