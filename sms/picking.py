"""What a press on the SMS form means for the picker: where it looks next, and what was cured in it."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from contacts import clock, cures
from contacts.phone_numbers import shown
from sms.answers import signed_in
from sms.forms import whole


@dataclass(frozen=True, slots=True)
class Looks:
    """Where the picker looks (its fields q, tab and at), and whether its search has the focus.

    `cured` says what was just cured in it; `uncure` is the repair that can be undone, 0 where there is none.
    """

    where: Mapping[str, str]
    cured: str
    uncure: int
    focus: bool


def looks(request: HttpRequest, press: str, rest: str) -> Looks | None:
    """Return where the picker looks next; None where it is closed."""
    posted = request.POST
    if press == "close" or (press != "search" and posted.get("picker") != "open"):
        return None
    where = {name: posted.get(name, "") for name in ("q", "tab", "at")}
    if press == "tab":
        where = {"q": "", "tab": rest, "at": ""}
    elif press == "page":
        where["at"] = rest
    elif press == "look" or where["q"] != posted.get("q_was", ""):
        where["at"] = ""
    cured, uncure = _cured(request, press, rest)
    return Looks(where, cured, uncure, focus=press in ("search", "look"))


def _cured(request: HttpRequest, press: str, rest: str) -> tuple[str, int]:
    """Cure a number of a contact, or undo it; return what to say of it, and the repair that can be undone, if any."""
    user, now = signed_in(request), clock.now()
    key, _sep, number = rest.partition(":")
    if press == "cure":
        row = get_object_or_404(cures.curable(user), pk=whole(key))
        try:
            batch = cures.cure(row, to=number, by=user, now=now)
        except cures.NoCure:
            return _("This number was changed meanwhile. Look at it as it is now."), 0
        told = _("%(number)s is saved to %(name)s. It can get SMS now.")
        return told % {"number": shown(number), "name": row.contact.name}, batch.pk
    if press == "uncure":
        cures.undo(get_object_or_404(cures.undoable(user), pk=whole(key)), now=now)
        return _("The number is as it was."), 0
    return "", 0
