"""Our number as a card: a vCard that phones read, for everybody, and none where SMS come from a name (N20)."""

import pytest

from tests.people import person

pytestmark = [pytest.mark.django_db, pytest.mark.row("N20")]
ADDRESS = "/sms/sender.vcf"


def test_the_card_says_the_offices_name_and_number(client, settings):
    settings.OFFICE_NAME, settings.SMS_SENDER = "Bakker; Zoon, & Co\\", "+32 460 00 00 00"
    answer = client.get(ADDRESS)
    lines = answer.content.decode().split("\r\n")
    assert lines[:2] == ["BEGIN:VCARD", "VERSION:3.0"]
    assert lines[-2:] == ["END:VCARD", ""]
    assert "FN:Bakker\\; Zoon\\, & Co\\\\" in lines
    assert "TEL;TYPE=CELL:+32460000000" in lines
    assert answer["Content-Type"] == "text/vcard; charset=utf-8"


def test_the_form_leads_to_it(client, settings):
    client.force_login(person())
    assert ADDRESS in client.get("/sms/").content.decode()
    settings.SMS_SENDER = "Bakkerij"
    assert ADDRESS not in client.get("/sms/").content.decode()
    assert client.get(ADDRESS).status_code == 404
