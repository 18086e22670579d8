"""The address books on the page: found, filed, changed, deleted and brought back, by whom it may be."""

import html

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.models import Contact, ContactList, Group, Invitation, Membership
from tests.contacts.shelves import Shelves, a_list, contact, crowd, shelves
from tests.people import NOW

pytestmark = pytest.mark.django_db

ROWS = {f"{rows}-{name}": "0" for rows in ("numbers", "emails") for name in ("INITIAL_FORMS", "MIN_NUM_FORMS")}


@pytest.fixture
def books() -> Shelves:
    return shelves()


def said(client, user, address):
    client.force_login(user)
    return html.unescape(client.get(address).content.decode())


def posted(client, user, address, **data):
    client.force_login(user)
    return client.post(address, data, follow=True)


def words(answer):
    return html.unescape(answer.content.decode())


def card(*numbers, emails=(), **who):
    typed = {f"numbers-{place}-typed": number for place, (number, _kind) in enumerate(numbers)}
    kinds = {f"numbers-{place}-kind": kind for place, (_number, kind) in enumerate(numbers)}
    mails = {f"emails-{place}-typed": each for place, each in enumerate(emails)}
    totals = {"numbers-TOTAL_FORMS": len(numbers), "emails-TOTAL_FORMS": len(emails)}
    return ROWS | typed | kinds | mails | totals | who


def test_the_page_shows_whom_the_reader_may_see_and_nobody_else(client, books):
    contact(books.own, "Jan Peeters", "+32475123456")
    contact(books.shared, "Zoé Dubois", "0476 11 12 22")
    page = said(client, books.anna, "/contacts/")
    for words_of_it in ("Jan Peeters", "+32 475 12 34 56", "Zoé Dubois", "gets no SMS"):
        assert words_of_it in page
    assert "Jan Peeters" not in said(client, books.ben, "/contacts/")
    assert "No contacts yet" in said(client, books.carla, "/contacts/")


@pytest.mark.parametrize("query", ["zoe", "0476/11", "q=zoe&book={shared}"])
def test_what_is_searched_for_stands_in_the_address(client, books, query):
    contact(books.own, "Jan Peeters", "+32475123456")
    contact(books.shared, "Zoé Dubois", "0476 11 12 22")
    query = query.format(shared=books.shared.pk)
    page = said(client, books.anna, f"/contacts/?{query if '=' in query else f'q={query}'}")
    assert "Zoé Dubois" in page
    assert "Jan Peeters" not in page


def test_a_page_of_contacts_takes_six_statements_however_many_there_are(client, books):
    used = []
    client.force_login(books.anna)
    for many in (10, 300):
        crowd(books.own, many, start=(used and 100) or 0)
        client.get("/contacts/")
        with CaptureQueriesContext(connection) as queries:
            client.get("/contacts/", headers={"HX-Request": "true"})
        used.append(len(queries))
    assert used[0] == used[1] <= 6


def test_anothers_book_and_list_are_not_there(client, books):
    board = a_list(books.own, "Board")
    client.force_login(books.carla)
    for address in (f"?book={books.own.pk}", f"?book={books.shared.pk}", f"?list={board.pk}", "?book=x", "?list=9999"):
        assert client.get(f"/contacts/{address}").status_code == 404


def test_a_contact_is_filed_with_its_numbers_and_shown(client, books):
    told = posted(
        client, books.anna, "/contacts/new/",
        **card(("0475 12 34 56", "mobile"), ("+32 2 555 12 12", "work"), emails=["jan@example.org"], title="Dr.",
               first_name="Jan", last_name=" Peeters ", notes="Likes <b>tea</b>"),
    )  # fmt: skip
    page = words(told)
    assert "Dr. Jan Peeters is in your contacts." in page
    assert Contact.objects.get().name == "Dr. Jan Peeters"
    for shown in ("This number is not written in international format.", "This is a landline", "jan@example.org"):
        assert shown in page
    assert b"Likes &lt;b&gt;tea" in told.content


def test_an_empty_card_and_a_wrong_address_are_told_and_nothing_typed_is_lost(client, books):
    told = posted(client, books.anna, "/contacts/new/", **card(notes="only this"))
    assert (told.status_code, "Fill in a name" in words(told), "only this" in words(told)) == (422, True, True)
    told = posted(client, books.anna, "/contacts/new/", **card(emails=["no address"], last_name="Peeters"))
    assert (told.status_code, 'value="no address"' in words(told)) == (422, True)
    assert not Contact.objects.exists()


def test_another_row_keeps_what_was_typed_without_javascript(client, books):
    told = posted(client, books.anna, "/contacts/new/", press="more:numbers", **card(("0475", "home"), last_name="P"))
    assert told.status_code == 200
    assert 'name="numbers-1-typed"' in words(told)
    assert 'value="0475"' in words(told)


@pytest.mark.parametrize("total", ["x", "-1", "9" * 30, ""])
def test_a_forged_count_of_rows_is_no_error_of_ours(client, books, total):
    data = card(last_name="P") | {"numbers-TOTAL_FORMS": total}
    assert posted(client, books.anna, "/contacts/new/", press="more:numbers", **data).status_code in (200, 422)
    assert posted(client, books.anna, "/contacts/new/", **data).status_code in (200, 422)


def test_too_many_numbers_are_told(client, books):
    data = card(*((f"+32470{each:06}", "mobile") for each in range(51)), last_name="P")
    assert posted(client, books.anna, "/contacts/new/", **data).status_code == 422
    assert not Contact.objects.exists()


def test_a_reader_of_a_group_reads_and_changes_nothing(client, books):
    zoe = contact(books.shared, "Zoé Dubois", "0476 11 12 22")
    page = said(client, books.ben, f"/contacts/{zoe.pk}/")
    assert "You may read this group, not change it." in page
    assert "wand-sparkles" not in page
    for address in (
        f"/contacts/{zoe.pk}/edit/",
        f"/contacts/{zoe.pk}/delete/",
        f"/contacts/numbers/{zoe.numbers.get().pk}/cure/",
    ):
        assert posted(client, books.ben, address, to="+32476111222").status_code == 404
    posted(client, books.ben, "/contacts/selected/", pick=[zoe.pk], press="delete")
    told = posted(client, books.ben, "/contacts/new/", into=books.shared.pk, **card(last_name="Sneaked"))
    assert told.status_code == 200
    assert [each.name for each in books.shared.contacts.filter(deleted_at=None)] == ["Zoé Dubois"]


def test_a_writer_changes_a_groups_contact(client, books):
    Membership.objects.filter(user=books.ben).update(role="writer")
    zoe = contact(books.shared, "Zoé Dubois", "0476 11 12 22")
    posted(client, books.ben, f"/contacts/{zoe.pk}/edit/", **card(("+32 476 11 12 22", "mobile"), last_name="Maes"))
    zoe.refresh_from_db()
    assert (zoe.name, zoe.numbers.get().reason) == ("Maes", "")


def test_what_was_deleted_is_brought_back_by_undo(client, books):
    jan = contact(books.own, "Jan Peeters")
    told = posted(client, books.anna, f"/contacts/{jan.pk}/delete/")
    assert "One contact deleted." in words(told)
    assert said(client, books.anna, "/contacts/").count("Jan Peeters") == 0
    moment = Contact.objects.get().deleted_at.isoformat()
    assert f'name="deleted_at" value="{moment}"' in words(told)
    assert client.get(f"/contacts/{jan.pk}/").status_code == 404
    assert "nothing to bring back" in words(posted(client, books.carla, "/contacts/restore/", deleted_at=moment))
    assert "One contact is back." in words(posted(client, books.anna, "/contacts/restore/", deleted_at=moment))


def test_ticked_contacts_are_put_in_a_list_and_taken_out(client, books):
    jan, zoe = contact(books.own, "Jan"), contact(books.shared, "Zoé")
    board, team = a_list(books.own, "Board"), a_list(books.shared, "Of Team")
    picked = {"pick": [jan.pk, zoe.pk, "x"], "press": "put_in"}
    assert "2 contacts are now in" in words(posted(client, books.anna, "/contacts/selected/", into=board.pk, **picked))
    told = words(posted(client, books.anna, "/contacts/selected/", into=team.pk, **picked))
    assert "One contact is now in" in told
    assert "holds contacts of that group only" in told
    posted(client, books.anna, "/contacts/selected/", pick=[jan.pk], press=f"take_out:{board.pk}")
    assert list(board.members.all()) == list(team.members.all()) == [zoe]
    page = said(client, books.anna, f"/contacts/?list={board.pk}")
    assert ("Zoé" in page, "Jan" in page) == (True, False)
    assert posted(client, books.carla, "/contacts/selected/", into=board.pk, **picked).status_code == 404


def test_a_list_is_made_renamed_deleted_and_brought_back(client, books):
    assert posted(client, books.anna, "/contacts/lists/", name=" ").status_code == 422
    posted(client, books.anna, "/contacts/lists/", name="Board")
    board = ContactList.objects.get()
    address = f"/contacts/lists/{board.pk}/"
    assert posted(client, books.anna, address, press="rename", name="").status_code == 422
    posted(client, books.anna, address, press="rename", name="The board")
    assert "The board" in said(client, books.anna, "/contacts/lists/")
    posted(client, books.anna, address, press="delete")
    assert "The board" not in said(client, books.anna, "/contacts/lists/").replace("“The board”", "")
    assert posted(client, books.ben, address, press="restore").status_code == 404
    assert "is back" in words(posted(client, books.anna, address, press="restore"))


def test_an_owner_asks_somebody_in_who_goes_in_and_leaves(client, books):
    address = f"/contacts/groups/{books.team.pk}/"
    asked = {"press": "invitation", "role": "writer"}
    assert "Nobody in the office" in words(posted(client, books.anna, address, who="nobody", **asked))
    assert "in the group already" in words(posted(client, books.anna, address, who="BEN", **asked))
    posted(client, books.anna, address, who="Carla", **asked)
    assert "in the group already" in words(posted(client, books.anna, address, who="carla", **asked))
    invitation = Invitation.objects.get()
    assert "invites you to the group Team" in said(client, books.carla, "/")
    assert "invites you to the group Team" in said(client, books.carla, "/contacts/groups/")
    assert posted(client, books.ben, f"/contacts/invitations/{invitation.pk}/", press="accept").status_code == 404
    posted(client, books.carla, f"/contacts/invitations/{invitation.pk}/", press="accept")
    assert books.team.membership_set.get(user=books.carla).role == "writer"
    posted(client, books.carla, address, press="leave")
    assert not books.team.membership_set.filter(user=books.carla).exists()


def test_the_last_owner_stays_and_only_an_owner_runs_the_group(client, books):
    address = f"/contacts/groups/{books.team.pk}/"
    for press in ("leave", f"remove:{books.anna.pk}", f"role:{books.anna.pk}"):
        assert "A group needs an owner" in words(posted(client, books.anna, address, press=press, role="reader"))
    for press in (f"remove:{books.anna.pk}", f"role:{books.ben.pk}", "end", "name", "invitation"):
        assert (
            posted(client, books.ben, address, press=press, role="owner", name="Mine", who="carla").status_code == 404
        )
    posted(client, books.anna, address, press=f"role:{books.ben.pk}", role="owner")
    posted(client, books.anna, address, press="leave")
    assert list(books.team.membership_set.values_list("user__username", "role")) == [("ben", "owner")]


def test_a_group_goes_only_when_it_is_empty(client, books):
    zoe = contact(books.shared, "Zoé Dubois")
    address = f"/contacts/groups/{books.team.pk}/"
    assert "still has contacts: 1" in words(posted(client, books.anna, address, press="end"))
    Contact.objects.filter(pk=zoe.pk).update(deleted_at=NOW)
    assert "is deleted" in words(posted(client, books.anna, address, press="end"))
    assert not Group.objects.exists()


@pytest.mark.row("S19", "N3")
def test_a_cure_is_one_click_and_undone_by_another(client, books):
    jan = contact(books.own, "Jan Peeters", "0475 12 34 56", kind="work")
    page = said(client, books.anna, f"/contacts/{jan.pk}/")
    assert 'Save <span class="number">+32 475 12 34 56</span>, type Mobile, to Jan Peeters' in page
    number = jan.numbers.get()
    told = posted(client, books.anna, f"/contacts/numbers/{number.pk}/cure/", to="+32475123456")
    assert "+32 475 12 34 56 is saved to Jan Peeters. It can get SMS now." in words(told)
    again = posted(client, books.anna, f"/contacts/numbers/{number.pk}/cure/", to="+32475123456")
    assert "changed meanwhile" in words(again)
    batch = books.own.repairs.get()
    assert posted(client, books.ben, f"/contacts/repairs/{batch.pk}/undo/").status_code == 404
    assert "One number is as it was." in words(posted(client, books.anna, f"/contacts/repairs/{batch.pk}/undo/"))
    assert jan.numbers.get().typed == "0475 12 34 56"


@pytest.mark.row("N3")
def test_the_check_up_counts_previews_repairs_together_and_undoes(client, books):
    for each in range(7):
        contact(books.own, f"Jan {each}", f"0475 12 34 5{each}")
    contact(books.own, "Land Line", "+32 2 555 12 12")
    page = said(client, books.anna, "/contacts/check-up/")
    assert "8 numbers cannot get SMS. 7 can be repaired now." in " ".join(page.split())
    whole = "/contacts/check-up/?reason=not_international&how=international_form"
    assert ("Jan 6" in page, "See all 7" in page, "Jan 6" in said(client, books.anna, whole)) == (False, True, True)
    group = {"reason": "not_international", "how": "international_form"}
    assert "there are 7 such numbers" in words(posted(client, books.anna, "/contacts/check-up/", many="6", **group))
    told = words(posted(client, books.anna, "/contacts/check-up/", many="7", **group))
    assert "7 numbers are repaired." in told
    assert "1 number cannot get SMS. None of them can be repaired automatically." in " ".join(told.split())
    batch = books.own.repairs.get()
    assert "7 numbers are as they were." in words(posted(client, books.anna, f"/contacts/repairs/{batch.pk}/undo/"))
    assert posted(client, books.anna, "/contacts/check-up/", reason="x", how="y", many="1").status_code == 200


def test_a_reader_sees_the_check_up_of_a_group_and_repairs_nothing(client, books):
    contact(books.shared, "Zoé Dubois", "0476 11 12 22")
    address = f"/contacts/check-up/?book={books.shared.pk}"
    assert "You may read this group" in said(client, books.ben, address)
    group = {"reason": "not_international", "how": "international_form", "many": "1"}
    assert posted(client, books.ben, address, **group).status_code == 404
    client.force_login(books.carla)
    assert client.get(address).status_code == 404


@pytest.mark.row("S18", "S4")
def test_a_number_that_can_get_sms_opens_the_form_with_it_and_its_name(client, books):
    jan = contact(books.own, "Jan & Zoé", "+32475123456")
    page = client.force_login(books.anna) or client.get(f"/contacts/{jan.pk}/").content.decode()
    link = page.split('class="contact-sms" href="')[1].split('"')[0]
    form = html.unescape(client.get(html.unescape(link)).content.decode())
    assert ("Jan & Zoé" in form, "+32 475 12 34 56" in form) == (True, True)


def test_what_is_sought_in_contacts_is_not_put_into_the_search_of_the_history(client, books):
    assert said(client, books.anna, "/contacts/?q=zebra").count('value="zebra"') == 1
    assert said(client, books.anna, "/sms/history/?q=zebra").count('value="zebra"') == 2


def test_a_contact_that_is_not_there_yet_cannot_be_left_as_it_was(client, books):
    jan = contact(books.own, "Jan Peeters", "+32475123456")
    assert "Leave it as it was" in said(client, books.anna, f"/contacts/{jan.pk}/edit/")
    page = said(client, books.anna, "/contacts/new/")
    assert "Leave it as it was" not in page
    assert "Cancel" in page
