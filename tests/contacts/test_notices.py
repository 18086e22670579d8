"""A notice is told once; its mail leaves at least once, and a mail server that is away harms nothing."""

import smtplib
from datetime import timedelta

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import transaction

from contacts import notices
from contacts.models import Notice
from contacts.notices import News
from tests.people import NOW, person

pytestmark = pytest.mark.django_db


class Away(EmailBackend):
    """A mail server that cannot be reached."""

    def open(self):
        raise ConnectionRefusedError


class HangsUp(EmailBackend):
    """A mail server that hangs up at the first mail."""

    def send_messages(self, messages):
        raise smtplib.SMTPServerDisconnected


class Refuses(EmailBackend):
    """A mail server that does not know ben."""

    def send_messages(self, messages):
        for message in messages:
            if message.to == ["ben@example.com"]:
                raise smtplib.SMTPRecipientsRefused({message.to[0]: (550, b"no such user")})
        return super().send_messages(messages)


@pytest.fixture
def anna():
    return person("anna", email="anna@example.com", first_name="Anna")


@pytest.fixture
def ben():
    return person("ben", email="ben@example.com")


@pytest.fixture
def backend(settings):
    """Return a function that puts another mail server in place."""

    def use(cls):
        settings.EMAIL_BACKEND = f"{__name__}.{cls.__name__}"

    return use


def tell(user, key="k", **more) -> None:
    notices.tell(News(user.pk, key, "Your SMS did not leave.", "/sms/1/", **more), now=NOW)


def test_a_key_is_told_once_per_user(anna, ben):
    tell(anna)
    tell(anna)
    tell(ben)
    assert notices.unseen(anna).count() == notices.unseen(ben).count() == 1


def test_many_are_told_in_one_statement(anna, django_assert_num_queries):
    tell(anna, "0")
    with django_assert_num_queries(1):
        notices.tell_many([News(anna.pk, str(each), "text") for each in range(100)], now=NOW)
    assert notices.unseen(anna).count() == 100


def test_telling_belongs_to_the_transaction_of_the_caller(anna):
    with transaction.atomic():
        tell(anna)
        transaction.set_rollback(True)
    assert not notices.unseen(anna).exists()


def test_newest_first_and_only_ones_own_are_marked_seen(anna, ben):
    notices.tell_many([News(anna.pk, "old", "x")], now=NOW)
    notices.tell_many([News(anna.pk, "new", "x")], now=NOW + timedelta(seconds=1))
    tell(ben)
    assert [notice.key for notice in notices.unseen(anna)] == ["new", "old"]
    everything = list(Notice.objects.values_list("pk", flat=True))
    assert notices.mark_seen(anna, ids=everything, now=NOW) == 2
    assert not notices.unseen(anna).exists()
    assert notices.unseen(ben).exists()
    assert notices.mark_seen(anna, ids=everything, now=NOW) == 0


@pytest.mark.row("S21")
def test_the_mail_says_it_in_the_users_language_with_the_way_there(anna, settings):
    settings.BASE_URL, settings.OFFICE_NAME = "https://office.example", "Our\nOffice"
    tell(anna)
    assert notices.mail_due(now=NOW) == 1
    [sent] = mail.outbox
    assert sent.to == ["anna@example.com"]
    assert "Your SMS did not leave." in sent.body
    assert "https://office.example/sms/1/" in sent.body
    assert "Hello Anna," in sent.body
    assert sent.extra_headers["Auto-Submitted"] == "auto-generated"
    assert sent.subject == "Our Office: a message for you"
    assert notices.mail_due(now=NOW + timedelta(days=1)) == 0


def test_a_name_with_signs_of_html_stands_in_the_mail_as_it_is(anna):
    anna.first_name = "D'Hondt & <Co>"
    anna.save()
    tell(anna)
    notices.mail_due(now=NOW)
    assert "Hello D'Hondt & <Co>," in mail.outbox[0].body


def test_no_mail_where_none_is_wanted_or_nobody_gets_it(anna, ben):
    tell(anna, mail=False)
    tell(ben)
    tell(person("carla", email=""))
    tell(person("dirk", email="dirk@example.com", is_active=False))
    assert notices.mail_due(now=NOW) == 1
    assert [sent.to for sent in mail.outbox] == [["ben@example.com"]]
    assert not Notice.objects.filter(mail_from_at__isnull=False).exists()


def test_a_round_takes_no_more_than_asked(anna):
    for each in range(3):
        tell(anna, str(each))
    assert notices.mail_due(now=NOW, limit=2) == 2
    assert notices.mail_due(now=NOW, limit=2) == 1


@pytest.mark.parametrize("cls", [Away, HangsUp])
def test_a_mail_server_that_is_away_costs_nothing_but_time(anna, ben, backend, cls):
    backend(cls)
    tell(anna)
    tell(ben)
    assert notices.mail_due(now=NOW) == 0
    backend(EmailBackend)
    assert notices.mail_due(now=NOW + notices.RETRY_AFTER) == 2
    assert notices.mail_due(now=NOW + 2 * notices.RETRY_AFTER) == 0


def test_a_refused_address_stops_no_other_and_is_given_up_after_two_days(anna, ben, backend):
    backend(Refuses)
    tell(ben)
    tell(anna)
    assert notices.mail_due(now=NOW) == 1
    assert notices.mail_due(now=NOW + timedelta(minutes=1)) == 0, "asked again at once"
    backend(EmailBackend)
    later = NOW + notices.GIVE_UP_AFTER
    assert notices.mail_due(now=later) == 0
    assert not Notice.objects.filter(mail_from_at__isnull=False).exists()


def test_who_dies_between_mail_and_note_costs_a_second_mail_never_a_lost_one(anna, monkeypatch):
    tell(anna)

    class Died(BaseException):
        """The process is gone."""

    def die(*_args, **_kwargs):
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(notices, "_mail", die)
        with pytest.raises(Died):
            notices.mail_due(now=NOW)
    assert notices.mail_due(now=NOW + timedelta(minutes=1)) == 0, "taken, so nobody else sends it meanwhile"
    assert notices.mail_due(now=NOW + notices.RETRY_AFTER) == 1


def test_of_two_that_take_one_notice_one_gets_it(anna):
    tell(anna)
    [first] = Notice.objects.select_related("user")
    [second] = Notice.objects.select_related("user")
    assert [notices._take(first, now=NOW), notices._take(second, now=NOW)] == [True, False]
