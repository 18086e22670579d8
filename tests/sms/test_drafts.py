"""What a user was writing is one's own to see and to drop, on both databases."""

from sms import drafts, submission
from sms.models import Draft
from sms.submission import Recipient, Request
from tests.people import MOBILE, NOW, person


def test_another_s_draft_is_neither_seen_nor_dropped(database):
    anna, ben = person("anna"), person("ben")
    drafts.keep(Draft(user=anna, text="only Anna's", request_key="k1"), now=NOW)
    assert (drafts.draft_of(anna).text, drafts.draft_of(ben).text) == ("only Anna's", "")
    drafts.forget(ben)
    assert drafts.draft_of(anna).text == "only Anna's"


def test_what_another_sent_under_the_same_key_leaves_ones_draft(database):
    anna, ben = person("anna"), person("ben")
    drafts.keep(Draft(user=anna, text="only Anna's", request_key="k1"), now=NOW)
    for user, left in ((ben, "only Anna's"), (anna, "")):
        submission.submit(Request(user, "x", [Recipient(MOBILE)], "form", "k1"), now=NOW)
        assert drafts.draft_of(anna).text == left
