"""Users for the office's staff: made by an invitation, found, suspended and readmitted, with their credit and SMS."""

import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import translation
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacts import clock, phone_numbers
from contacts.models import Membership, StaffAct, User
from contacts.staff_acts import Act, ReasonForm, StaffAdmin, StatedForm, record, staff
from contacts.templatetags.figures import money, phone
from credit import charging
from credit.allowance import standing
from office.people import password_link

log = structlog.get_logger(__name__)


class PersonForm(StatedForm[User]):
    """The personal record; a mobile number may be typed in any way."""

    class Meta:
        model = User
        fields = ("username", "first_name", "last_name", "email", "mobile", "country", "language", "is_staff")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["mobile"] = forms.CharField(label=_("Mobile"), required=False, max_length=40)
        self.fields["is_staff"].label = _("Staff")
        self.fields["is_staff"].help_text = _("May use these pages, all of them.")
        self.fields["email"].required = self.instance.pk is None  # the invitation goes there

    def clean_email(self) -> str:
        """Refuse the address of another user: it opens the door."""
        email: str = self.cleaned_data["email"]
        if email and User.objects.filter(email__iexact=email).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("This is the address of another user."))
        return email

    def clean(self) -> dict[str, Any]:
        """Read the mobile number by the record's own country."""
        cleaned = super().clean() or self.cleaned_data
        typed, country = cleaned.get("mobile", ""), cleaned.get("country", self.instance.country)
        reading = phone_numbers.read(typed, country=country) if typed else None
        if reading and not reading.ok:
            self.add_error("mobile", reading.sentence)
        if "mobile" in self.changed_data:
            self.instance.mobile_typed = typed
        cleaned["mobile"] = (reading.number or "") if reading else ""
        return cleaned


@dataclass(frozen=True, slots=True)
class Step:
    """Something done to a user on a page that asks why: the words of that page, and what it does."""

    kind: StaffAct.Kind
    title: Any
    explained: Any
    does: Callable[["PersonAdmin", HttpRequest, User], None]


class MembershipLines(admin.TabularInline[Membership, User]):
    """The groups that the user is in."""

    model = Membership
    autocomplete_fields = ("group",)
    extra = 0


@admin.register(User)
class PersonAdmin(StaffAdmin[User]):
    """User, account and SMS one click from each other; nobody but the user sets a password."""

    form = PersonForm
    change_form_template = "office/staff_person.html"
    list_display = ("username", "first_name", "last_name", "mobile_shown", "account_link", "messages_link", "is_active")
    list_filter = ("is_active", "is_staff", "office_groups")
    search_fields = ("username", "first_name", "last_name", "email")
    search_help_text = _("A name, an e-mail address, or a mobile number written in any way.")
    ordering = ("username",)
    inlines = (MembershipLines,)
    written = ("username", "first_name", "last_name", "email", "mobile", "country", "language", "is_staff", "why")
    state = ("state_shown", "credit_link", "messages_link")
    readonly_fields = state

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Bring the accounts along."""
        return super().get_queryset(request).select_related("account")

    def get_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Show where a user stands above the record; a new one stands nowhere yet."""
        return (*self.state, *self.written) if obj else self.written

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """Find by name, address or number."""
        found, doubles = super().get_search_results(request, queryset, search_term)
        number = phone_numbers.read(search_term, country=staff(request).country).number
        return (queryset.filter(Q(pk__in=found.values("pk")) | Q(mobile=number)) if number else found), doubles

    def get_urls(self) -> list[URLPattern]:
        """Add the pages that ask why."""
        step = self.admin_site.admin_view(self.step_view)
        return [path("<int:user_id>/do/<str:step>/", step, name="contacts_user_step"), *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Save the record; a new user gets an account and an invitation. Staff may do all that staff does."""
        if "is_staff" in form.changed_data:
            obj.is_superuser = obj.is_staff
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)
        if not change:
            charging.account_of(obj)
            self.invite(request, obj)

    def step_view(self, request: HttpRequest, user_id: int, step: str) -> HttpResponse:
        """Ask why, then do it: invite, suspend or readmit."""
        user, wanted = self.get_object(request, str(user_id)), STEPS.get(step)
        if not user or not wanted:
            raise Http404
        if not self.has_change_permission(request, user) or user == request.user:
            raise PermissionDenied
        form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            wanted.does(self, request, user)
            record(Act(staff(request), wanted.kind, user, form.cleaned_data["why"]), now=clock.now())
            return redirect("admin:contacts_user_change", user.pk)
        back = reverse("admin:contacts_user_change", args=[user.pk])
        context = self.admin_site.each_context(request)
        context |= {"title": wanted.title, "explained": wanted.explained, "about": user, "form": form, "back": back}
        return TemplateResponse(request, "office/staff_reason.html", context)

    def invite(self, request: HttpRequest, user: User) -> None:
        """Mail the link that sets a password, once this is committed; say whether it left."""
        transaction.on_commit(partial(_invite, request, user))

    def suspend(self, request: HttpRequest, user: User) -> None:
        """Shut the door; what waits in the queue is refused and paid back when its turn comes."""
        self._switch(user, on=False)

    def readmit(self, request: HttpRequest, user: User) -> None:
        """Open the door again."""
        self._switch(user, on=True)

    def _switch(self, user: User, *, on: bool) -> None:
        user.is_active = on
        user.save(update_fields=["is_active"])

    @admin.display(description=_("state"))
    def state_shown(self, user: User) -> str:
        """Tell whether the user may come in, and has set a password."""
        if not user.is_active:
            return gettext("Suspended: cannot sign in or send.")
        return gettext("May sign in and send.") if user.has_usable_password() else gettext("Invited: no password yet.")

    @admin.display(description=_("mobile"), ordering="mobile")
    def mobile_shown(self, user: User) -> str:
        """Show the number as it is read."""
        return phone(user.mobile) if user.mobile else ""

    @admin.display(description=_("credit"))
    def credit_link(self, user: User) -> str:
        """Lead to the account, with what it holds."""
        if not hasattr(user, "account"):
            return gettext("no account yet")
        has = standing(user, now=clock.now())
        words = gettext("%(parts)s SMS and %(money)s") % {"parts": has.available, "money": money(has.balance)}
        return _account_link(user, words)

    @admin.display(description=_("balance"), ordering="account__balance")
    def account_link(self, user: User) -> str:
        """Lead to the account, with what the row itself tells: a list asks nothing more per user."""
        return _account_link(user, money(user.account.balance)) if hasattr(user, "account") else ""

    @admin.display(description=_("SMS"))
    def messages_link(self, user: User) -> str:
        """Lead to what the user sent."""
        address = f"{reverse('admin:sms_message_changelist')}?user__id__exact={user.pk}"
        return format_html('<a href="{}">{}</a>', address, gettext("What was sent"))


STEPS = {
    "invite": Step(
        StaffAct.Kind.INVITED, _("Send the link to choose a password"),
        _("The link goes to the user's e-mail address. It works once, and for three days."), PersonAdmin.invite,
    ),
    "suspend": Step(
        StaffAct.Kind.SUSPENDED, _("Suspend this user"),
        _("The user can no longer sign in or send. What still waits is refused when its turn comes, and paid back."),
        PersonAdmin.suspend,
    ),
    "readmit": Step(
        StaffAct.Kind.READMITTED, _("Readmit this user"), _("The user can sign in and send again."),
        PersonAdmin.readmit,
    ),
}  # fmt: skip


def _account_link(user: User, words: str) -> str:
    return format_html('<a href="{}">{}</a>', reverse("admin:credit_account_change", args=[user.account.pk]), words)


def _invite(request: HttpRequest, user: User) -> None:
    try:
        _invitation(user).send()
    except (OSError, smtplib.SMTPException, ValueError):  # ValueError: no such address can be
        log.warning("invitation_not_mailed", user_id=user.pk, exc_info=True)
        messages.error(request, _("The mail server did not take the invitation. Send the link again in a while."))
    else:
        messages.success(request, _("The invitation is on its way."))


def _invitation(user: User) -> EmailMessage:
    """Return the mail with the one-use link, in the user's language."""
    with translation.override(user.language):
        words = {"user": user, "office": settings.OFFICE_NAME, "link": password_link(user), "name": user.username}
        return EmailMessage(
            subject=gettext("%(office)s: choose your password") % {"office": " ".join(settings.OFFICE_NAME.split())},
            body=render_to_string("office/staff_invitation.txt", words),
            to=[user.email],
        )
