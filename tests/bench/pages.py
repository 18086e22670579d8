"""Pages: the history of a user who has sent much, against a minimal view with the same SQL and template."""

from collections.abc import Callable, Iterator

from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.test import Client, RequestFactory, override_settings
from django.utils import translation

from contacts.models import User
from sms import history, history_views
from sms.forms import HistoryForm
from tests.bench import raw
from tests.bench.accept import send, wealthy
from tests.bench.figures import Figure, percentile, ratio, value
from tests.bench.queue import fill
from tests.bench.rows import row
from tests.bench.run import Run, inside, milliseconds
from tests.people import numbers

PLAIN_FILES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}


@row
def list_page(run: Run) -> Iterator[Figure]:
    """The history, 50 rows, signed in; and the same in an office with a million deliveries."""
    few, many = run.size(10_000, tiny=50), run.size(1_000_000, tiny=100)
    with override_settings(STORAGES=PLAIN_FILES), run.office(main={}) as small:
        user, client = reader(run, few)
        key = client.session.session_key

        def page() -> float:
            return percentile(pages(run, lambda: view(client)), 0.95)

        def page_of_large() -> float:
            return percentile(pages(run, lambda: view(of_large)), 0.95)

        def floor() -> float:
            return percentile(pages(run, lambda: minimal(user, key)), 0.95)

        yield run.compare(
            "list_page.p95", unit="ms", ours=page, floor=floor, goal=ratio(at_most=1.3),
            floor_is="its SQL and its template alone",
        )  # fmt: skip
        yield Figure("list_page.queries", "queries", [len(raw.statements(lambda: view(client)))], goal=value(at_most=6))
        with run.office(main={}) as large:
            _user, of_large = reader(run, many)
            yield run.compare(
                "list_page.of_a_million", unit="ms", floor=inside(small, page), floor_is=f"with {few} deliveries",
                ours=inside(large, page_of_large), goal=ratio(at_most=1.3),
            )  # fmt: skip


def reader(run: Run, others: int) -> tuple[User, Client]:
    """Make a user with a page full of messages, signed in, in an office with so many other deliveries."""
    user = wealthy()
    for _message in range(run.size(60, tiny=3)):
        send(user, numbers(3))
    fill(wealthy("bert"), others)
    client = Client()
    client.force_login(user)
    return user, client


def pages(run: Run, page: Callable[[], object]) -> list[float]:
    """Return how long each of 20 pages takes, in ms."""
    page()
    return [milliseconds(page) for _page in range(run.size(20, tiny=2))]


def view(client: Client) -> None:
    answer = client.get("/sms/history/")
    assert answer.status_code == 200, answer


def minimal(user: User, key: str) -> None:
    """Do what no view can do without: the session's user, the page's own statements, its template."""
    request: HttpRequest = RequestFactory().get("/sms/history/")
    request.session = SessionStore(session_key=key)
    request.user = User.objects.get(pk=request.session["_auth_user_id"])
    with translation.override(user.language):
        found = history.page(history.messages_of(user, history.Filter()))
        rows = [history_views._row(message, found.counts[message.pk]) for message in found.messages]
        render_to_string("sms/history.html", {"rows": rows, "form": HistoryForm(request.GET)}, request=request)
