"""An SMS again to those it did not reach: the page, the corrected number, the price, once."""

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from contacts.models import User
from credit.allowance import standing
from sms import dispatch, resending, submission, sweeper
from sms.gateways import configured
from sms.models import Delivery, Message
from sms.submission import Recipient, Request
from tests.people import numbers, person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def anna() -> User:
    return person(signature="Anna", now=timezone.now())


@pytest.fixture
def page(anna: User) -> Client:
    client = Client()
    client.force_login(anna)
    return client


@pytest.fixture
def memory(settings):
    settings.SMS_GATEWAYS = {"memory": {"BACKEND": "sms.gateways.memory.Memory", "OPTIONS": {}}}
    return configured.gateway("memory")


def send(user: User, count: int = 1) -> Message:
    to = [Recipient(number, name="Jan") for number in numbers(count)]
    request = Request(user, "See you at 9\nAnna", to, "form", str(uuid.uuid4()))
    return submission.submit(request, now=timezone.now()).message


def drain() -> int:
    return dispatch.drain("memory", clock=timezone.now)


@pytest.fixture
def failed(anna: User, memory) -> Message:
    """Four numbers: one left, three were refused."""
    message = send(anna, 4)
    memory.play(["accept", "refuse", "refuse", "refuse"])
    drain()
    return message


@pytest.fixture
def unconfirmed(anna: User, memory) -> Message:
    message = send(anna)
    memory.play(["time_out_after"])
    drain()
    sweeper.sweep(now=timezone.now() + timedelta(hours=25))
    return message


def address(message: Message, which: object = "failed") -> str:
    return f"/sms/{message.pk}/resend/?which={which}"


def fields(page: Client, message: Message, which: object = "failed") -> dict[str, object]:
    """What a browser posts from the page as it is first shown."""
    context = page.get(address(message, which)).context
    shown = context["resending"]
    posted = {f"number-{row.delivery.pk}": row.typed for row in shown.rows}
    posted |= {"take": [row.delivery.pk for row in shown.rows], "which": which, "earlier": len(shown.before)}
    posted |= {"people": shown.people, "shown": str(context["cost"].shown), "press": "send"}
    return posted | ({"others": "on"} if shown.others else {})


def post(page: Client, message: Message, posted: dict[str, object]):
    return page.post(f"/sms/{message.pk}/resend/", posted)


def again(message: Message) -> Message:
    [found] = resending.sent_again(message)
    return found


def to(message: Message) -> list[str]:
    return list(message.deliveries.order_by("position").values_list("number", flat=True))


def test_the_page_of_the_sms_offers_all_together_and_each_alone(page: Client, failed: Message) -> None:
    html = page.get(f"/sms/{failed.pk}/").content.decode()
    assert "Send again the 3 that failed" in html
    assert html.count("Send again, or to a corrected number") == 3


def test_those_that_failed_get_it_again_at_the_price_shown(page: Client, anna: User, failed: Message) -> None:
    html = page.get(address(failed)).content.decode()
    assert "3 SMS from this month&#x27;s allowance" in html or "3 SMS from this month's allowance" in html
    assert "the gateway “memory” refused it" in html
    answer = post(page, failed, fields(page, failed))
    sent = again(failed)
    assert (answer.status_code, answer["Location"]) == (303, f"/sms/{sent.pk}/")
    assert (to(sent), sent.text, sent.from_allowance) == (numbers(3, start=1), failed.text, 3)
    assert list(sent.deliveries.values_list("name", flat=True)) == ["Jan"] * 3
    assert standing(anna, now=timezone.now()).available == 30 - 1 - 3


def test_old_and_new_name_each_other(page: Client, failed: Message) -> None:
    post(page, failed, fields(page, failed))
    sent = again(failed)
    old = page.get(f"/sms/{failed.pk}/").content.decode()
    assert f'href="/sms/{sent.pk}/"' in old
    assert "Sent again to 3 people on" in old
    new = page.get(f"/sms/{sent.pk}/").content.decode()
    assert f'href="/sms/{failed.pk}/"' in new
    assert "You sent an earlier SMS again" in new
    assert "Within 10 seconds" in new, "there is time to change one's mind"


def test_a_double_click_sends_once(page: Client, failed: Message) -> None:
    posted = fields(page, failed)
    first, second = post(page, failed, posted), post(page, failed, posted)
    assert first["Location"] == second["Location"]
    assert Message.objects.count() == 2


def test_the_back_button_with_another_number_leads_to_the_first(page: Client, failed: Message) -> None:
    posted = fields(page, failed)
    first = post(page, failed, posted)
    second = post(page, failed, posted | {f"number-{posted['take'][0]}": "+32 475 99 99 99"})
    assert first["Location"] == second["Location"]
    assert Message.objects.count() == 2


def test_a_corrected_number_is_read_as_on_the_form(page: Client, failed: Message) -> None:
    posted = fields(page, failed)
    post(page, failed, posted | {f"number-{posted['take'][1]}": "0475 11 22 33"})
    assert to(again(failed)) == [numbers(1, start=1)[0], "+32475112233", numbers(1, start=3)[0]]


def test_a_bad_number_says_why_at_its_row_and_nothing_is_sent(page: Client, failed: Message) -> None:
    posted = fields(page, failed)
    key = posted["take"][1]
    answer = post(page, failed, posted | {f"number-{key}": "+32 2 555 12 12"})
    html = answer.content.decode()
    assert answer.status_code == 422
    assert f'id="wrong-{key}"' in html
    assert 'value="+32 2 555 12 12"' in html
    assert "autofocus" in html
    assert "1 error:" in html
    assert Message.objects.count() == 1


def test_a_cure_is_one_click(page: Client, anna: User, failed: Message) -> None:
    User.objects.filter(pk=anna.pk).update(country="DE")
    posted = fields(page, failed)
    key = posted["take"][0]
    posted |= {f"number-{key}": "32 475 123456"}
    html = post(page, failed, posted).content.decode()
    assert f'value="cure:{key}:+32475123456"' in html
    html = post(page, failed, posted | {"press": f"cure:{key}:+32475123456"}).content.decode()
    assert 'value="+32475123456"' in html
    post(page, failed, posted | {f"number-{key}": "+32475123456"})
    assert to(again(failed))[0] == "+32475123456"


def test_a_row_that_is_not_ticked_does_not_go(page: Client, failed: Message) -> None:
    posted = fields(page, failed)
    post(page, failed, posted | {"take": posted["take"][1:]})
    assert to(again(failed)) == numbers(2, start=2)


def test_nobody_ticked_is_said(page: Client, failed: Message) -> None:
    answer = post(page, failed, fields(page, failed) | {"take": []})
    assert answer.status_code == 422
    assert "Tick at least one number." in answer.content.decode()


def test_one_alone(page: Client, failed: Message) -> None:
    second = failed.deliveries.get(position=2)
    post(page, failed, fields(page, failed, second.pk))
    assert to(again(failed)) == [second.number]


def test_the_price_is_asked_again_when_it_is_no_longer_what_was_shown(
    page: Client, anna: User, failed: Message
) -> None:
    posted = fields(page, failed)
    send(anna, 28)
    answer = post(page, failed, posted)
    assert answer.status_code == 422
    assert "The price or your credit changed meanwhile. Nothing was sent." in answer.content.decode()
    assert not resending.sent_again(failed)


def test_more_than_the_price_was_for_is_shown_first(page: Client, failed: Message) -> None:
    answer = post(page, failed, fields(page, failed) | {"people": 2})
    assert "This is what it costs. Press Send to agree." in answer.content.decode()
    assert not resending.sent_again(failed)


def test_too_little_credit_is_said_and_nothing_is_sent(page: Client, anna: User, failed: Message) -> None:
    send(anna, 80)
    html = page.get(address(failed)).content.decode()
    assert "2 SMS short" in html
    assert post(page, failed, fields(page, failed)).status_code == 422
    assert not resending.sent_again(failed)


@pytest.mark.row("N16")
def test_the_unconfirmed_may_arrive_twice_and_that_is_asked_once_more(page: Client, unconfirmed: Message) -> None:
    html = page.get(f"/sms/{unconfirmed.pk}/").content.decode()
    assert "Send again to the unconfirmed: it may arrive twice" in html
    posted = fields(page, unconfirmed, "unconfirmed")
    answer = post(page, unconfirmed, posted)
    assert answer.status_code == 422
    assert "Tick this first: it may arrive twice." in answer.content.decode()
    assert not resending.sent_again(unconfirmed)
    post(page, unconfirmed, posted | {"sure": "on"})
    assert to(again(unconfirmed)) == numbers(1)


def test_once_more_after_an_earlier_time_is_asked_too(page: Client, failed: Message) -> None:
    post(page, failed, fields(page, failed))
    html = page.get(address(failed)).content.decode()
    assert "Something of this SMS was sent again before:" in html
    posted = fields(page, failed)
    assert post(page, failed, posted).status_code == 422
    assert post(page, failed, posted | {"sure": "on"}).status_code == 303
    assert len(resending.sent_again(failed)) == 2


def test_a_long_list_goes_whole_though_only_its_first_rows_have_fields(page: Client, anna: User, memory) -> None:
    message = send(anna, 70)
    memory.play(["refuse"] * 70)
    drain()
    posted = fields(page, message)
    assert len(posted["take"]) == resending.SHOWN
    assert "and 20 more, to the same numbers" in page.get(address(message)).content.decode()
    post(page, message, posted)
    assert to(again(message)) == numbers(70)


def test_what_left_cannot_be_sent_again_from_there(page: Client, failed: Message) -> None:
    left = failed.deliveries.get(state=Delivery.State.SENT)
    for which in (left.pk, "unconfirmed", "nonsense", 10**30):
        answer = page.get(address(failed, which))
        assert (answer.status_code, answer["Location"]) == (303, f"/sms/{failed.pk}/")


def test_another_s_sms_does_not_exist(failed: Message) -> None:
    client = Client()
    client.force_login(person("carla"))
    assert client.get(address(failed)).status_code == 404
    assert client.post(f"/sms/{failed.pk}/resend/", {"press": "send"}).status_code == 404
    assert Message.objects.count() == 1
