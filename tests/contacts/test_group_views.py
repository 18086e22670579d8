"""The page of the groups: what asks a person in is shown to that person alone."""

import pytest
from django.urls import reverse

from contacts import group_members
from contacts.models import Membership
from tests.people import NOW, person

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("reader", "shown"), [("ben", True), ("carla", False)])
def test_an_invitation_is_shown_to_who_is_asked(client, reader, shown):
    anna, people = person("anna"), {name: person(name) for name in ("ben", "carla")}
    group_members.invite(group_members.make("Chess club", owner=anna), "ben", role="reader", by=anna, now=NOW)
    client.force_login(people[reader])
    assert ("Chess club" in client.get(reverse("contacts:groups")).content.decode()) == shown


def test_the_role_of_each_member_is_said_once(client):
    anna, ben = person("anna"), person("ben")
    club = group_members.make("Chess club", owner=anna)
    Membership.objects.create(group=club, user=ben, role=Membership.Role.WRITER)
    for reader, said in ((anna, 0), (ben, 1)):  # who may change it has it in a field
        client.force_login(reader)
        page = client.get(reverse("contacts:group", args=[club.pk])).content.decode()
        assert page.count('<span class="muted">reads and changes</span>') == said
