"""The life-line of a message for support: found in seconds, its text only with a reason that its sender reads (N17).

What is shown is what the sender sees, from `sms/story.py`; only the text is not staff's to read without
saying why.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone, translation
from django.utils.cache import add_never_cache_headers
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacts import clock, notices, phone_numbers
from contacts.models import StaffAct, User
from contacts.staff_acts import Act, ReadOnlyAdmin, ReasonForm, acts_on, record, staff
from sms.gateways import configured
from sms.history import counts, deliveries_after
from sms.models import Delivery, Message, Slot
from sms.story import outcome, price_paid, state_of, story

DAY = re.compile(r"\S*\d[-/.]\d\S*")
LONGEST_ID = 18  # digits that fit the database's whole numbers


def _named(base: type[admin.FieldListFilter], name: Any) -> type[admin.FieldListFilter]:
    """Return a filter that bears this name; the field itself has none for readers."""

    def begin(self: admin.FieldListFilter, *args: Any, **kwargs: Any) -> None:
        base.__init__(self, *args, **kwargs)
        self.title = name

    return type(f"Named{base.__name__}", (base,), {"__init__": begin})


@admin.register(Message)
class LifelineAdmin(ReadOnlyAdmin[Message]):
    """Messages of all users: found by number, user, id, reference or day, and followed."""

    list_display = ("created_at_shown", "user_link", "recipients_shown", "parts_shown", "state_shown", "occasion_shown")
    list_display_links = ("created_at_shown",)
    list_filter = (
        ("state", _named(admin.ChoicesFieldListFilter, _("state"))),
        ("occasion", _named(admin.ChoicesFieldListFilter, _("occasion"))),
        ("created_at", _named(admin.DateFieldListFilter, _("day"))),
    )
    list_select_related = ("user",)
    ordering = ("-created_at", "-id")
    search_fields = ("user__username",)
    search_help_text = _(
        "A number written in any way, a user's name or e-mail address, a message's id, a gateway's reference, a day."
        " A day may stand beside one of the others."
    )

    def get_urls(self) -> list[URLPattern]:
        """Add the page that shows the text, once."""
        text = self.admin_site.admin_view(self.text_view)
        return [path("<path:object_id>/text/", text, name="sms_message_text"), *super().get_urls()]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """Narrow to a day that stands in the search, and to what the rest of it means."""
        day, rest = day_in(search_term)
        reader = staff(request)
        found = within(queryset, day, zone=reader.zone_name) if day else queryset
        return (found.filter(meant(rest, country=reader.country)) if rest else found), False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Name the page."""
        return super().changelist_view(request, {"title": _("Messages")} | (extra_context or {}))

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        """Show the life-line, without the text."""
        found = self.get_object(request, object_id)
        if not found:
            raise Http404
        if not self.has_view_permission(request, found):
            raise PermissionDenied
        return self._page(request, found)

    def text_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the text in this one answer, after the reason was written down and told to its sender."""
        found = self.get_object(request, object_id)
        if not found:
            raise Http404
        if not self.has_view_permission(request, found):
            raise PermissionDenied
        form = ReasonForm(request.POST or None)
        if request.method != "POST" or not form.is_valid():
            return self._page(request, found, form=form)
        read(found, by=staff(request), why=form.cleaned_data["why"], now=clock.now())
        return self._page(request, found, text=found.text)

    def _page(self, request: HttpRequest, found: Message, **more: Any) -> HttpResponse:
        by_state = counts([found])[found.pk]
        asked = request.GET.get("number", "")
        after = request.GET.get("after", "")
        rows, further = _rows(found, asked, after, country=staff(request).country)
        context = self.admin_site.each_context(request) | {
            "title": _("The life of a message"), "opts": self.opts, "message": found, "form": ReasonForm(),
            "outcome": outcome(found, by_state), "acts": acts_on(found), "asked": asked, "further": further,
            "paid": price_paid(found) if found.state == Message.State.ACCEPTED else "", "after": after,
            "rows": [(each, state_of(each), story(found, each)) for each in rows],
        }  # fmt: skip
        answer = TemplateResponse(request, "office/staff_message.html", context | more)
        add_never_cache_headers(answer)
        return answer

    @admin.display(description=_("written"), ordering="created_at")
    def created_at_shown(self, message: Message) -> datetime:
        """Tell when it was written."""
        return message.created_at

    @admin.display(description=_("user"), ordering="user__username")
    def user_link(self, message: Message) -> str:
        """Lead to the user."""
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:contacts_user_change", args=[message.user_id]), message.user
        )

    @admin.display(description=_("recipients"), ordering="recipients")
    def recipients_shown(self, message: Message) -> int:
        """Tell to how many it went."""
        return message.recipients

    @admin.display(description=_("parts"))
    def parts_shown(self, message: Message) -> int:
        """Tell what it cost in all."""
        return message.parts

    @admin.display(description=_("state"), ordering="state")
    def state_shown(self, message: Message) -> str:
        """Tell whether it was accepted."""
        return message.get_state_display()

    @admin.display(description=_("occasion"), ordering="occasion")
    def occasion_shown(self, message: Message) -> str:
        """Tell what it was sent for."""
        return message.get_occasion_display()


def read(message: Message, *, by: User, why: str, now: datetime) -> StaffAct:
    """Write down that `by` reads the text and tell its sender, with the reason. Needs a transaction."""
    act = record(Act(by, StaffAct.Kind.READ, message, why), now=now)
    owner = message.user
    with translation.override(owner.language), timezone.override(ZoneInfo(owner.zone_name)):
        moment = date_format(timezone.localtime(message.created_at), "DATETIME_FORMAT")
        text = gettext("%(staff)s of the office's staff read the text of your SMS of %(moment)s. The reason: %(why)s")
        told = text % {"staff": by, "moment": moment, "why": why}
    link = reverse("sms:message", args=[message.pk])
    notices.tell(notices.News(user_id=owner.pk, key=f"text-read:{act.pk}", text=told, link=link), now=now)
    return act


def day_in(search: str) -> tuple[date | None, str]:
    """Return the day that stands in a search, as the reader's language writes it or ISO, and what else stands there."""
    for word in DAY.findall(search):
        try:
            day = forms.DateField(localize=True).to_python(word)
        except forms.ValidationError:
            continue
        return day, search.replace(word, " ", 1).strip()
    return None, search.strip()


def within(messages: QuerySet[Message], day: date, *, zone: str) -> QuerySet[Message]:
    """Return the messages written on a day of the zone."""
    begins = datetime.combine(day, time.min, tzinfo=ZoneInfo(zone))
    ends = datetime.combine(day + timedelta(days=1), time.min, tzinfo=ZoneInfo(zone))
    return messages.filter(created_at__gte=begins.astimezone(UTC), created_at__lt=ends.astimezone(UTC))


def meant(search: str, *, country: str) -> Q:
    """Return what a search means: a message's id, a number, a gateway's reference, a delivery's id or a user."""
    number = phone_numbers.read(search, country=country).understood
    if number:
        planned = Message.objects.filter(accepted_at=None).annotate(to=Cast("planned_to", TextField()))
        return _to(Q(number=number)) | _user(search) | Q(pk__in=planned.filter(to__contains=number).values("pk"))
    try:
        return Q(pk=UUID(search))
    except ValueError:
        known = {*configured.aliases(), *Slot.objects.values_list("alias", flat=True)}  # so that its index is used
        found = _user(search) | _to(Q(gateway__in=known, reference=search))
        delivery = search if search.isascii() and search.isdigit() and len(search) <= LONGEST_ID else None
        return found | _to(Q(pk=delivery)) if delivery else found


def _to(deliveries: Q) -> Q:
    return Q(pk__in=Delivery.objects.filter(deliveries).order_by().values("message_id"))


def _user(search: str) -> Q:
    named = Q(username__icontains=search) | Q(email__iexact=search) | Q(last_name__icontains=search)
    return Q(user__in=User.objects.filter(named).order_by().values("pk"))


def _rows(found: Message, asked: str, after: str, *, country: str) -> tuple[list[Delivery], int | None]:
    """Return the deliveries to show: the one to a number that is asked for, or the next ones of the list."""
    if asked:
        number = phone_numbers.read(asked, country=country).understood
        return list(found.deliveries.filter(number=number)), None
    position = int(after) if after.isascii() and after.isdigit() and len(after) < 9 else -1
    return deliveries_after(found, position=position)
