"""Credit as a person meets it in a browser: quota, limits, warnings, and the first SMS to a country."""

import os
import uuid
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from contacts.models import User
from credit.limit_models import BlockedNumber, KnownCountry, Limit
from sms import submission
from sms.models import Delivery
from sms.submission import Recipient, Request
from tests.browser import aside, axe
from tests.people import numbers, person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def anna(page: Page, sign_in) -> User:
    user = person(parts=20, now=timezone.now())
    for occasion, count in (("form", 9), ("api", 4), ("reminder", 10)):
        to = [Recipient(number) for number in numbers(count)]
        submission.submit(Request(user, "See you at 9", to, occasion, str(uuid.uuid4())), now=timezone.now())
    Delivery.objects.filter(position__lt=3).update(state="sending")
    Delivery.objects.filter(position__lt=3).update(state="sent", sent_at=timezone.now())
    Limit.objects.all().delete()
    Limit.objects.create(kind="user", window="day", most=200)
    Limit.objects.create(kind="country", window="hour", most=50)
    BlockedNumber.objects.create(user=user, number="+32475123456", created_at=timezone.now())
    KnownCountry.objects.create(user=user, country="JP", confirmed_at=timezone.now())
    sign_in(page, user)
    return user


def fits(page: Page) -> None:
    """Nothing sticks out at the side, and axe has nothing to say."""
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    if folder := os.environ.get("SHOTS"):
        name = (
            f"{page.url.split('//')[1].split('/', 1)[1].strip('/').replace('/', '-')}-{page.viewport_size['width']}.png"
        )
        page.screenshot(path=Path(folder) / name, full_page=True)


@pytest.mark.row("S14")
def test_the_quota_is_read_aloud_and_keeps_what_one_wants_to_be_told(page: Page, anna: User) -> None:
    page.goto("/settings/quota/account/")
    picture = page.get_by_role("img", name="0 SMS available, 9 sent, 11 on their way, 0 lapsed")
    expect(picture).to_be_visible()
    expect(page.get_by_role("cell", name="reminder")).to_be_visible()
    fits(page)
    page.get_by_label("My credit is low below this many SMS").fill("77")
    page.get_by_label("before SMS of my allowance lapse").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("My credit is low below this many SMS")).to_have_value("77")
    expect(page.get_by_label("before SMS of my allowance lapse")).not_to_be_checked()
    page.goto("/")
    expect(page.get_by_text("Your credit runs low")).to_be_visible()
    fits(page)


@pytest.mark.row("N18")
def test_limits_are_seen_and_a_number_is_blocked(page: Page, anna: User) -> None:
    page.goto("/settings/limits/")
    expect(page.get_by_text("You send at most 200 SMS in one day.")).to_be_visible()
    fits(page)
    page.get_by_label("Number that asked not to get SMS").fill("0476 12 34")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_label("Number that asked not to get SMS")).to_have_value("0476 12 34")
    page.get_by_label("Number that asked not to get SMS").fill("0476 12 34 56")
    page.get_by_role("button", name="Add").click()
    page.get_by_role("button", name="Take out +32 476 12 34 56").click()
    expect(page.get_by_text("+32 476 12 34 56")).to_have_count(0)
    page.goto("/help/credit/")
    fits(page)


@pytest.mark.row("N18")
@pytest.mark.parametrize("javascript", [True, False])
def test_the_first_sms_to_a_country_is_confirmed_on_the_form(open_page, sign_in, javascript: bool) -> None:
    user = aside(lambda: person(now=timezone.now()))
    page = open_page(javascript=javascript)
    sign_in(page, user)
    page.goto("/sms/")
    page.get_by_label("Mobile", exact=True).fill("+31 6 12345678")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("button", name="Take out +31 6 12345678")).to_be_visible()
    page.get_by_label("Message").fill("See you at 9")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("You have not sent SMS to Netherlands before.")).to_be_visible()
    if javascript:
        fits(page)
    page.get_by_role("button", name="Send", exact=True).click()
    page.wait_for_url("**/sms/*-*/")
    assert aside(Delivery.objects.get).number == "+31612345678"
