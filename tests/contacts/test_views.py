"""Language and notices: one's own only."""

import pytest
from django.utils import timezone

from contacts import notices
from contacts.models import Notice
from contacts.notices import News
from tests.people import person

pytestmark = pytest.mark.django_db


def test_a_chosen_language_stays_with_the_person_and_with_the_browser(client):
    anna = person("anna", language="en")
    client.force_login(anna)
    answer = client.post("/language/", {"language": "fr", "next": "/help/sms/"})
    assert answer.headers["Location"] == "/help/sms/"
    anna.refresh_from_db()
    assert anna.language == "fr"
    assert '<html lang="fr">' in client.get("/help/sms/").content.decode()
    client.post("/accounts/logout/")
    assert '<html lang="fr">' in client.get("/accounts/login/").content.decode()


@pytest.mark.parametrize("language", ["xx", "", "../nl"])
def test_an_unknown_language_changes_nothing(client, language):
    anna = person("anna", language="en")
    client.force_login(anna)
    client.post("/language/", {"language": language, "next": "https://example.org/"})
    anna.refresh_from_db()
    assert anna.language == "en"


def test_the_record_wins_over_the_browser_and_the_browser_counts_at_the_door(client):
    assert '<html lang="nl">' in client.get("/accounts/login/", headers={"accept-language": "nl"}).content.decode()
    client.force_login(person("anna", language="fr"))
    assert '<html lang="fr">' in client.get("/help/sms/", headers={"accept-language": "nl"}).content.decode()


def test_hours_are_in_the_persons_zone(client):
    anna = person("anna", language="en", time_zone="Asia/Tokyo")
    at = timezone.now().replace(year=2026, month=11, day=23, hour=20, minute=15)
    notices.tell(News(anna.pk, "a", "Something happened"), now=at)
    client.force_login(anna)
    assert "24 November 2026, 05:15" in client.get("/").content.decode()


def test_a_notice_is_put_away_by_its_owner_only(client):
    anna, carla = person("anna"), person("carla")
    notices.tell(News(anna.pk, "a", "Something happened"), now=timezone.now())
    notice = Notice.objects.get()
    assert client.post(f"/notices/{notice.pk}/seen/").status_code == 302
    client.force_login(carla)
    assert client.post(f"/notices/{notice.pk}/seen/").status_code == 404
    notice.refresh_from_db()
    assert notice.seen_at is None
    client.force_login(anna)
    assert client.get(f"/notices/{notice.pk}/seen/").status_code == 405
    assert "Something happened" in client.get("/").content.decode()
    client.post(f"/notices/{notice.pk}/seen/")
    assert "Something happened" not in client.get("/").content.decode()
