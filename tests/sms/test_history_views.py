"""The page of the history, and the table to take along."""

import csv
import io
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.models import User
from sms import dispatch, submission
from sms.export import safe
from sms.models import Message
from sms.submission import Recipient, Request
from tests.people import numbers, person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def anna() -> User:
    return person(balance=10_000_000, now=timezone.now())


@pytest.fixture
def page(anna: User) -> Client:
    client = Client()
    client.force_login(anna)
    return client


def send(user: User, *to: Recipient, text: str = "See you at 9", **more) -> Message:
    recipients, key = to or (Recipient("+32475123456"),), str(uuid.uuid4())
    request = Request(user=user, text=text, to=recipients, occasion="form", request_key=key, **more)
    return submission.submit(request, now=timezone.now()).message


def drain() -> int:
    return dispatch.drain("memory", clock=timezone.now)


def table(page: Client, query: str = "", delimiter: str = ",") -> list[list[str]]:
    answer = page.get(f"/sms/history/sms.csv{query}")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text), delimiter=delimiter))


def test_an_empty_history_teaches_and_offers_the_first_step(page: Client) -> None:
    html = page.get("/sms/history/").content.decode()
    assert "Nothing sent yet" in html
    assert 'href="/sms/"' in html


@pytest.mark.row("S20")
def test_each_sms_shows_to_whom_what_when_its_state_and_its_cost(page: Client, anna: User) -> None:
    message = send(anna, Recipient("+32475123456", "Jan Peeters"), *map(Recipient, numbers(39)))
    drain()
    html = page.get("/sms/history/").content.decode()
    assert f'href="/sms/{message.pk}/"' in html
    for words in ("Jan Peeters", "and 39 more", "See you at 9", "left our system", "40 SMS · €0.95"):
        assert words in html
    assert '<span class="figure">40</span>' in html


def test_the_filter_stands_in_the_address_and_goes_along(page: Client, anna: User) -> None:
    for _ in range(51):
        send(anna)
    answer = page.get("/sms/history/?q=0475&state=open&from=2020-01-01&to=")
    assert "?q=0475&state=open&from=2020-01-01&before=" in answer.context["next"]
    older = page.get(f"/sms/history/{answer.context['next']}")
    assert len(older.context["rows"]) == 1
    assert 'value="0475"' in older.content.decode()
    assert "Nothing found" in page.get("/sms/history/?q=somebody").content.decode()


@pytest.mark.parametrize(
    "query",
    [
        "?from=yesterday", "?state=nonsense", "?before=x", "?q=%00", f"?q={'a' * 200}", "?from=0001-01-01",
        "?to=0001-01-01", "?from=1999-12-31", f"?before=0001-01-01T00:00:00%2B23:00_{'0' * 32}",
    ],
)  # fmt: skip
def test_a_filter_that_cannot_be_read_is_said_and_filters_nothing(page: Client, anna: User, query: str) -> None:
    send(anna)
    answer = page.get(f"/sms/history/{query}")
    assert answer.status_code == 200
    assert len(answer.context["rows"]) == 1


def test_a_day_before_all_sms_is_said_and_the_table_stands(page: Client, anna: User) -> None:
    send(anna)
    assert "Choose a day from the year 2000 on." in page.get("/sms/history/?from=1999-12-31").content.decode()
    assert "Choose a day" not in page.get("/sms/history/?from=2000-01-01").content.decode()
    assert len(table(page, "?from=0001-01-01&to=0001-01-01")) == 2


def test_htmx_gets_the_list_alone(page: Client) -> None:
    assert "<html" not in page.get("/sms/history/", headers={"HX-Request": "true"}).content.decode()


def test_a_page_takes_few_statements_however_long_the_history(page: Client, anna: User) -> None:
    used = []
    for _ in range(2):
        for _ in range(30):
            send(anna, *map(Recipient, numbers(3)))
        with CaptureQueriesContext(connection) as queries:
            page.get("/sms/history/")
        used.append(len(queries))
    assert used[0] == used[1] <= 6


def test_the_table_has_a_line_per_number_with_what_each_pocket_paid(page: Client, anna: User) -> None:
    send(anna, *map(Recipient, numbers(2)), text="a" * 161)
    drain()
    head, *rows = table(page)
    lines = [dict(zip(head, row, strict=True)) for row in rows]
    assert [line["Number"] for line in lines] == ["'+32470000000", "'+32470000001"]
    assert {line["State"] for line in lines} == {"left our system"}
    assert {(line["SMS"], line["From the allowance"], line["Paid back"]) for line in lines} == {("2", "2", "no")}
    assert all(line["Reference"].startswith("memory-") for line in lines)


def test_the_table_is_under_the_same_filter(page: Client, anna: User) -> None:
    send(anna, text="One")
    send(anna, Recipient("+32477999999"), text="Other", release_at=timezone.now() + timedelta(days=1))
    assert [row[3] for row in table(page, "?q=0475")[1:]] == ["One"]
    assert [row[1:5] for row in table(page, "?state=planned")[1:]] == [["'+32477999999", "", "Other", "planned"]]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert safe(text) == f"'{text}"


def test_a_text_that_is_a_formula_is_text_in_the_table(page: Client, anna: User) -> None:
    send(anna, Recipient("+32475123456", "=cmd|'/c calc'!A0"), text='=HYPERLINK("http://x";"y")')
    assert table(page)[1][2:4] == ["'=cmd|'/c calc'!A0", '\'=HYPERLINK("http://x";"y")']


def test_excel_reads_it_in_the_language_of_the_reader(page: Client, anna: User) -> None:
    User.objects.filter(pk=anna.pk).update(language="nl")
    send(anna, text="Tot straks; om 9 uur")
    answer = page.get("/sms/history/sms.csv")
    content = b"".join(answer.streaming_content)
    assert content.startswith(b"\xef\xbb\xbf")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert table(page, delimiter=";")[1][3] == "Tot straks; om 9 uur"


def test_another_s_history_is_empty(anna: User) -> None:
    send(anna)
    client = Client()
    client.force_login(person("carla"))
    assert client.get("/sms/history/").context["rows"] == []
    assert len(table(client)) == 1
