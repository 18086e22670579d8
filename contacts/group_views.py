"""Groups on the page: made by anybody, run by their owners, seen by their members only."""

from collections.abc import Callable, Mapping

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from contacts import clock, group_members
from contacts.answers import signed_in
from contacts.book_forms import InvitationForm, NameForm
from contacts.book_views import number_in, tabs
from contacts.models import Group, Invitation, Membership


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def groups(request: HttpRequest) -> HttpResponse:
    """Show the user's groups and who asks the user into one; make a group where a name is posted."""
    user = signed_in(request)
    form = NameForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = group_members.make(form.cleaned_data["name"], owner=user)
        messages.success(request, _("The group “%(name)s” is there. Invite people.") % {"name": made.name})
        return redirect("contacts:group", made.pk)
    context = {
        "form": form,
        "shelf": tabs(user),
        "places": Membership.objects.filter(user=user).select_related("group__book").order_by("group__name", "pk"),
        "invitations": Invitation.objects.filter(user=user).select_related("group", "by"),
    }
    return render(request, "contacts/groups.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def group(request: HttpRequest, group_id: int) -> HttpResponse:
    """Show a group of the user's with its members, or do what was pressed."""
    user = signed_in(request)
    place = get_object_or_404(Membership.objects.select_related("group__book"), group=group_id, user=user)
    forms = {"invitation": InvitationForm(), "name": NameForm(initial={"name": place.group.name})}
    if request.method == "POST":
        press, _sep, rest = request.POST.get("press", "").partition(":")
        if press not in _FOR_ALL and place.role != Membership.Role.OWNER:
            raise Http404
        if press in _FORMS:
            forms |= {press: _FORMS[press](request.POST)}
            done = forms[press].is_valid() and _DO_FORM[press](request, place, forms[press])
        else:
            done = _DO.get(press, _nothing)(request, place, rest)
        if done:
            return redirect("contacts:groups" if press in ("leave", "end") else request.path)
    wrong = any(form.errors for form in forms.values() if form.is_bound)
    context = {
        "place": place,
        "shelf": tabs(user),
        "owns": place.role == Membership.Role.OWNER,
        "members": place.group.membership_set.select_related("user").order_by("user__username"),
        "invitations": place.group.invitations.select_related("user"),
        "roles": Membership.Role.choices,
        "forms": forms,
    }
    return render(request, "contacts/group.html", context, status=422 if wrong else 200)


@login_required
@require_POST
def answer(request: HttpRequest, invitation_id: int) -> HttpResponse:
    """Go into the group that one was asked into, or stay out."""
    invitation = get_object_or_404(
        Invitation.objects.select_related("group"), pk=invitation_id, user=signed_in(request)
    )
    if request.POST.get("press") == "accept":
        place = group_members.accept(invitation)
        messages.success(request, _("You are in the group “%(name)s”.") % {"name": place.group})
        return redirect("contacts:group", place.group_id)
    group_members.decline(invitation)
    messages.success(request, _("You are not in the group “%(name)s”.") % {"name": invitation.group})
    return redirect("contacts:groups")


def _invite(request: HttpRequest, place: Membership, form: InvitationForm) -> bool:
    said = form.cleaned_data
    try:
        asked = group_members.invite(
            place.group, said["who"], role=said["role"], by=signed_in(request), now=clock.now()
        )
    except group_members.Unknown:
        form.add_error("who", _("Nobody in the office has this name or address. Check how it is written."))
        return False
    except group_members.AlreadyIn:
        form.add_error("who", _("This person is in the group already, or has been invited."))
        return False
    messages.success(request, _("%(who)s is invited to the group.") % {"who": asked.user})
    return True


def _rename(request: HttpRequest, place: Membership, form: NameForm) -> bool:
    group_members.rename(place.group, form.cleaned_data["name"])
    messages.success(request, _("Saved."))
    return True


def _change_role(request: HttpRequest, place: Membership, rest: str) -> bool:
    other, role = _member(place.group, rest), request.POST.get("role", "")
    if role in Membership.Role.values:
        _try(request, lambda: group_members.change_role(other, role), told=_("Saved."))
    return True


def _remove(request: HttpRequest, place: Membership, rest: str) -> bool:
    other = _member(place.group, rest)
    told = _("%(who)s is no longer in the group.") % {"who": other.user}
    _try(request, lambda: group_members.leave(other), told=told)
    return True


def _leave(request: HttpRequest, place: Membership, _rest: str) -> bool:
    told = _("You are no longer in the group “%(name)s”.") % {"name": place.group}
    return _try(request, lambda: group_members.leave(place), told=told)


def _take_back(request: HttpRequest, place: Membership, rest: str) -> bool:
    group_members.decline(get_object_or_404(place.group.invitations, pk=number_in(rest)))
    messages.success(request, _("The invitation is taken back."))
    return True


def _end(request: HttpRequest, place: Membership, _rest: str) -> bool:
    try:
        group_members.end(place.group)
    except group_members.NotEmpty as why:
        told = _("The group still has contacts: %(many)s. Delete them first; then it is clear what goes.")
        messages.error(request, told % {"many": why.many})
        return False
    messages.success(request, _("The group “%(name)s” is deleted.") % {"name": place.group.name})
    return True


def _nothing(_request: HttpRequest, _place: Membership, _rest: str) -> bool:
    return True


def _try(request: HttpRequest, act: Callable[[], None], *, told: str) -> bool:
    try:
        act()
    except group_members.LastOwner:
        messages.error(request, _("A group needs an owner. Make somebody else an owner first."))
        return False
    messages.success(request, told)
    return True


def _member(group: Group, user_id: str) -> Membership:
    return get_object_or_404(Membership.objects.select_related("user"), group=group, user=number_in(user_id))


_FOR_ALL = ("leave",)
_FORMS: Mapping[str, type[InvitationForm] | type[NameForm]] = {"invitation": InvitationForm, "name": NameForm}
_DO_FORM: Mapping[str, Callable[..., bool]] = {"invitation": _invite, "name": _rename}
_DO: Mapping[str, Callable[[HttpRequest, Membership, str], bool]] = {
    "role": _change_role,
    "remove": _remove,
    "leave": _leave,
    "take_back": _take_back,
    "end": _end,
}
