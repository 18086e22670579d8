"""The browser of the journeys: its sizes, and that a page which misbehaves cannot go unnoticed."""

import asyncio
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import Witness, aside, axe


def test_two_widths(page: Page, request: pytest.FixtureRequest) -> None:
    width = page.evaluate("window.innerWidth")
    assert width == {"phone": 375, "desk": 1280}[request.node.callspec.params["page"]]


def test_without_javascript(open_page: Any) -> None:
    page = open_page(javascript=False)
    page.set_content("<noscript>plain</noscript>")
    assert page.inner_text("body") == "plain"


def test_another_host_is_refused_and_told(browser: Browser) -> None:
    context = browser.new_context()
    witness = Witness(context)
    context.new_page().set_content('<img src="https://elsewhere.invalid/pixel.png">')
    context.close()
    assert witness.complaints == ["request to another host: https://elsewhere.invalid/pixel.png"]


def test_a_script_error_is_told(browser: Browser) -> None:
    context = browser.new_context()
    witness = Witness(context)
    page = context.new_page()
    page.set_content("<script>throw new Error('oops')</script>")
    context.close()
    assert [complaint.split(":")[0] for complaint in witness.complaints] == ["script error"]


def test_axe_finds_an_image_without_words(desk_page: Page) -> None:
    desk_page.set_content('<html lang="en"><title>t</title><main><h1>h</h1><img src="data:,"></main></html>')
    with pytest.raises(AssertionError, match="image-alt"):
        axe(desk_page)


async def answer() -> str:
    return "done"


def test_an_event_loop_beside_the_page(desk_page: Page) -> None:
    assert aside(lambda: asyncio.run(answer())) == "done"
    assert desk_page.evaluate("1 + 1") == 2


@pytest.mark.usefixtures("chromium")
def test_an_event_loop_between_two_pages() -> None:
    assert asyncio.run(answer()) == "done"


def test_a_page_after_an_event_loop(desk_page: Page) -> None:
    assert desk_page.evaluate("1 + 1") == 2
