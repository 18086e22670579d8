"""The SMS form, with and without JavaScript: each button is a posted `press`, and everything typed is kept."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from contacts import clock
from contacts.phone_numbers import MAX_CHARACTERS, read
from credit.allowance import standing
from sms import drafts
from sms.answers import go_to, signed_in, wants_fragment
from sms.costs import cost_of
from sms.forms import ComposeForm, whole
from sms.gateways.configured import NoGateway
from sms.hints import nights
from sms.picker import Picker
from sms.picking import Looks, looks
from sms.recipients import entry
from sms.refusals import Trouble, trouble_of
from sms.sender_card import sender_number
from sms.submission import NotAccepted, submit

PEOPLE_PART, WHO_PART, PICKER_PART, ROWS_PART = "#sms-people", "#sms-who", "#sms-picker", "#picker-rows"
PAGE, FORM, PEOPLE, COST = "sms/compose.html", "sms/compose_form.html", "sms/people.html", "sms/cost_alone.html"


@dataclass(frozen=True, slots=True)
class Part:
    """The part of the form that htmx puts in place, and where the picker looks, if it is open."""

    selector: str
    looks: Looks | None


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def compose(request: HttpRequest) -> HttpResponse:
    """Show the form as it was left (to htmx the form alone), or do what was pressed."""
    user, now = signed_in(request), clock.now()
    if request.method == "POST":
        return _pressed(request, ComposeForm(request.POST, user=user, now=now))
    form = ComposeForm.of_draft(drafts.draft_of(user), now=now, mobile=_in_address(request.GET))
    if form.data["mobile"]:
        form.add()
    return _show(request, form)


@login_required
@require_POST
def cost(request: HttpRequest) -> HttpResponse:
    """Return the line under the text for the number of `people` that the page has, and keep the text.

    What was wrong before the text changed no longer stands there.
    """
    user, now = signed_in(request), clock.now()
    form = ComposeForm(request.POST, user=user, now=now)
    drafts.keep_text(form.draft(), now=now)
    price = cost_of(form, has=standing(user, now=now), recipients=form.people_shown)
    return render(request, COST, {"form": form, "cost": price})


def _pressed(request: HttpRequest, form: ComposeForm) -> HttpResponse:
    """Do what the button says; without a button (a changed list) the form is read and shown anew."""
    press, rest = _press(request, form)
    if press in ("send", "send_first"):
        return _send(request, form, first=whole(rest) if press == "send_first" else None)
    if press == "clear":
        drafts.forget(form.user)
        return _show(request, ComposeForm({"sign": "on"}, user=form.user, now=form.now))
    if press == "plain":
        form.replace()
    elif press in _ON_PEOPLE:
        _ON_PEOPLE[press](form, rest)
    _keep(form)
    if press == "plain":
        return _show(request, form, focus="text")
    return _show(request, form, part=Part(_PARTS.get(press, PEOPLE_PART), looks(request, press, rest)))


def _press(request: HttpRequest, form: ComposeForm) -> tuple[str, str]:
    """Return what was pressed and about what, once what was ticked in the picker has been taken over.

    Enter in the search of the picker presses Add where there is no JavaScript: then it is a search.
    """
    posted = request.POST
    form.pick(posted.getlist("seen"), posted.getlist("pick"))
    press, _sep, rest = posted.get("press", "").partition(":")
    searches = press == "add" and not form.data["mobile"].strip() and posted.get("q", "") != posted.get("q_was", "")
    return ("look", "") if searches else (press, rest)


def _send(request: HttpRequest, form: ComposeForm, *, first: int | None) -> HttpResponse:
    """Submit what stands on the form, or show it again with why not; nothing typed is lost either way."""
    if form.data["mobile"]:
        form.add()
    everybody, people = list(form.recipients.typed), list(form.recipients.people)
    agrees = form.agrees(people=len(people))
    if first == 0:
        return _refused(
            request, form, everybody, Trouble(_("Nobody was chosen, so nothing was sent. Press Send to send to all."))
        )
    if first is not None:
        form.keep_first(first)
    if not form.ready_to_send():
        return _refused(request, form, everybody, None)
    if not agrees:
        return _refused(request, form, everybody, Trouble(_("This is what it costs. Press Send to agree.")))
    try:
        submitted = submit(form.request(), now=form.now)
    except (NotAccepted, NoGateway) as why:
        return _refused(request, form, everybody, trouble_of(why, form))
    if not submitted.repeated:
        _keep_the_others(request, form, [person.typed for person in people[len(form.recipients.people) :]])
    return go_to(request, reverse("sms:message", args=[submitted.message.pk]))


def _refused(request: HttpRequest, form: ComposeForm, everybody: list[str], trouble: Trouble | None) -> HttpResponse:
    form.put(everybody)
    _keep(form)
    return _show(request, form, trouble=trouble)


def _keep(form: ComposeForm) -> None:
    """Keep what stands on the form as the draft; an empty form is none."""
    if form.recipients.people or form.data["text"].strip():
        drafts.keep(form.draft(to=form.recipients.typed), now=form.now)
    else:
        drafts.forget(form.user)


def _keep_the_others(request: HttpRequest, form: ComposeForm, others: list[str]) -> None:
    """Forget the draft, but for recipients whom the credit did not reach."""
    if not others:
        drafts.forget(form.user)
        return
    form.new_token()
    drafts.keep(form.draft(to=others), now=form.now)
    told = ngettext(
        "The other recipient waits in your draft.", "The other %(many)s recipients wait in your draft.", len(others)
    )
    messages.info(request, told % {"many": len(others)})


def _show(
    request: HttpRequest,
    form: ComposeForm,
    *,
    trouble: Trouble | None = None,
    part: Part | None = None,
    focus: str = "mobile",
) -> HttpResponse:
    """Return the page; to htmx the form, or only a part of it and the line of costs, so that no typing is undone.

    The answer is a 422 where something is wrong with what was posted.
    """
    recipients = form.recipients
    form.put(recipients.typed)
    numbers = [person.reading.number or "" for person in recipients.good]
    context = {
        "form": form,
        "recipients": recipients,
        "cost": cost_of(form, has=standing(form.user, now=form.now), recipients=len(recipients.good)),
        "nights": nights(numbers, at=form.moment, zone=form.user.zone_name),
        "sender": settings.SMS_SENDER,
        "has_card": sender_number() is not None,
        "trouble": trouble,
        "error_count": len(form.errors) + (trouble is not None),
    }
    picked = part.looks if part else None
    if picked:
        context |= {"picker": Picker(picked.where, user=form.user, recipients=recipients), "looks": picked}
    if context["error_count"] == 0 and _takes_focus(part):
        form.fields[focus].widget.attrs["autofocus"] = True
    template = PAGE
    if wants_fragment(request):
        template = PEOPLE if part else FORM
    response = render(request, template, context, status=422 if context["error_count"] else 200)
    if part and template == PEOPLE:
        response["HX-Retarget"] = response["HX-Reselect"] = part.selector
        response["HX-Reswap"] = "outerHTML"
    patch_vary_headers(response, ["HX-Request"])
    return response


def _takes_focus(part: Part | None) -> bool:
    """Return whether the focus goes to the field of the form, and not stay in the picker."""
    return part is None or (part.selector == PEOPLE_PART and not (part.looks and part.looks.focus))


def _cure(form: ComposeForm, rest: str) -> None:
    number, _sep, typed = rest.partition(":")
    if read(number, country=None).number == number:
        form.repair(number, typed)


_PARTS = {"pick": WHO_PART, "look": ROWS_PART, "tab": PICKER_PART, "page": PICKER_PART}
_ON_PEOPLE: dict[str, Callable[[ComposeForm, str], None]] = {
    "add": lambda form, _rest: form.add(),
    "remove": lambda form, typed: form.remove(typed),
    "remove_bad": lambda form, _rest: form.remove_bad(),
    "repair": _cure,
}


def _in_address(asked: Mapping[str, str]) -> str:
    """Return the number or list of the address, under the name there: the plus of `?to=+32…` arrives as a blank."""
    typed, name = asked.get("to", ""), " ".join(asked.get("name", "").split())
    typed = f"+{typed[1:]}" if typed[:1] == " " and typed[1:2].isdigit() else typed
    return entry(name[:MAX_CHARACTERS], typed) if typed else ""
