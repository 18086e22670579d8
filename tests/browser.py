"""A real Chromium (Debian's own) for the journeys, and axe to judge what it shows.

    def test_sending(page, live_server, sign_in):          # once at 375 px, once at 1280 px
        sign_in(page, anna)
        page.goto(f"{live_server.url}/sms/")
        axe(page)

Playwright's event loop occupies the thread of a test that uses a page; what brings a loop of its own, such as the
dispatch loop, runs `aside(function, …)` there.

`open_page(width=…, javascript=False, language="nl")` opens any other. Every page watches itself: a request to another
host, a script error, a policy violation or an answer 5xx fails the test, whatever else it checks.
"""

import asyncio
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.db import connections
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response, sync_playwright

from tests.servers import programs

PHONE = (375, 812)
DESK = (1280, 800)
QUIET = [  # Chromium's own conversations with its makers
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]
OWN_HOSTS = ("http://localhost:", "http://127.0.0.1:", "data:", "blob:", "about:")
SECONDS = 10

OpenPage = Callable[..., Page]
Answer = TypeVar("Answer")


class Witness:
    """Notes what no page of ours may do, from its first request to its last."""

    def __init__(self, context: BrowserContext) -> None:
        self.complaints: list[str] = []
        context.route(lambda url: not url.startswith(OWN_HOSTS), self.refuse)
        context.on("console", self.listen)
        context.on("response", self.look)
        context.on("weberror", lambda error: self.complaints.append(f"script error: {error.error}"))

    def refuse(self, route: Any, request: Request) -> None:
        self.complaints.append(f"request to another host: {request.url}")
        route.abort()

    def listen(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            self.complaints.append(f"policy violation at {message.location}: {message.text}")

    def look(self, response: Response) -> None:
        if response.status >= 500:
            self.complaints.append(f"answer {response.status}: {response.request.method} {response.url}")


@pytest.fixture(scope="session")
def chromium() -> Generator[Browser, None, None]:
    """Debian's Chromium; playwright's own would be a download."""
    try:
        path = programs.find("chromium", package="chromium")
    except programs.NotInstalled as missing:
        pytest.skip(str(missing))
    root = ["--no-sandbox"] if programs.is_root() else []  # its sandbox refuses root
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=[*QUIET, *root])
        loop = asyncio.get_running_loop()
        asyncio._set_running_loop(None)
        yield started
        asyncio._set_running_loop(loop)
        started.close()


@pytest.fixture
def browser(chromium: Browser) -> Generator[Browser, None, None]:
    """Chromium for one test. Playwright leaves its loop "running" in this thread: between its tests it is not.

    With a running loop Django has other database connections than without. They end with the test: one to a server of a
    test's own would be there for the next page, when that server is gone.
    """
    asyncio._set_running_loop(chromium._loop)
    yield chromium
    for connection in connections.all(initialized_only=True):
        connection.close()
        del connections[connection.alias]
    asyncio._set_running_loop(None)


def aside(function: Callable[..., Answer], *arguments: Any) -> Answer:
    """Call a function in another thread, with a database connection of its own, and return its answer."""

    def call() -> Answer:
        try:
            return function(*arguments)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


@pytest.fixture
def open_page(browser: Browser, live_server: Any) -> Generator[OpenPage, None, None]:
    """Opens a page in a browser profile of its own: width and height in CSS pixels, language of the browser."""
    opened: list[tuple[BrowserContext, Witness]] = []

    def open_one(
        *, width: int = DESK[0], height: int = DESK[1], javascript: bool = True, language: str = "en", **more: Any
    ) -> Page:
        context = browser.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": height},
            has_touch=width <= PHONE[0],
            java_script_enabled=javascript,
            locale=language,
            **more,
        )
        context.set_default_timeout(SECONDS * 1000)
        opened.append((context, Witness(context)))
        return context.new_page()

    yield open_one
    for context, _ in opened:
        context.close()
    complaints = [complaint for _, witness in opened for complaint in witness.complaints]
    assert not complaints, "\n".join(complaints)


@pytest.fixture
def phone_page(open_page: OpenPage) -> Page:
    """A page of 375 by 812."""
    return open_page(width=PHONE[0], height=PHONE[1])


@pytest.fixture
def desk_page(open_page: OpenPage) -> Page:
    """A page of 1280 by 800."""
    return open_page()


@pytest.fixture(params=["phone", "desk"])
def page(request: pytest.FixtureRequest) -> Page:
    """The same test on a telephone and at a desk."""
    found: Page = request.getfixturevalue(f"{request.param}_page")
    return found


@pytest.fixture
def sign_in(live_server: Any) -> Callable[[Page, Any], None]:
    """Signs a user in on a page, past the form; journeys that tell of signing in type instead."""

    def signed_in(page: Page, user: Any) -> None:
        client = Client()
        client.force_login(user)
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])

    return signed_in


def axe(page: Page) -> None:
    """Fail with what axe-core finds wrong on the page as it stands. The page needs JavaScript switched on."""
    results = Axe().run(page)
    assert not results.response["violations"], f"{page.url}\n{results.generate_report()}"
