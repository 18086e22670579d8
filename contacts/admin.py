"""Groups with their members, and what staff did, for the office's staff. Users: `office/staff_people.py`."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from contacts.models import Group, Membership, StaffAct
from contacts.staff_acts import ReadOnlyAdmin, StaffAdmin


class MembershipInline(admin.TabularInline[Membership, Group]):
    """The members of a group."""

    model = Membership
    autocomplete_fields = ("user",)
    extra = 1


@admin.register(Group)
class GroupAdmin(StaffAdmin[Group]):
    """Groups and who is in them."""

    fields = ("name", "why")
    list_display = ("name", "members_shown")
    search_fields = ("name",)
    inlines = (MembershipInline,)

    def get_queryset(self, request: Any) -> Any:
        """Bring the members along: one statement for the whole list."""
        return super().get_queryset(request).prefetch_related("members")

    @admin.display(description=_("members"))
    def members_shown(self, group: Group) -> str:
        """Name the members."""
        return ", ".join(str(member) for member in group.members.all())


@admin.register(StaffAct)
class StaffActAdmin(ReadOnlyAdmin[StaffAct]):
    """Who of the staff did what to what, when and why; nobody can change it, not even in the database."""

    list_display = ("at", "by", "kind", "object_shown", "changes_shown", "why")
    list_display_links = None
    list_filter = ("kind", "at")
    list_select_related = ("by",)
    search_fields = ("by__username", "why", "key")
    search_help_text = _("The name of somebody of the staff, words of the reason, or the key of the object.")
    fields = ("at", "by", "kind", "object_shown", "changes_shown", "why")

    def changelist_view(self, request: Any, extra_context: Any = None) -> Any:
        """Name the page."""
        return super().changelist_view(request, {"title": _("What staff did")} | (extra_context or {}))

    @admin.display(description=_("to what"))
    def object_shown(self, act: StaffAct) -> str:
        """Name the object, as a link where it has a page."""
        meta = apps.get_model(act.model)._meta
        name = f"{meta.verbose_name} {act.key}".strip()
        try:
            address = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[act.key])
        except NoReverseMatch:
            return name
        return format_html('<a href="{}">{}</a>', address, name)

    @admin.display(description=_("changes"))
    def changes_shown(self, act: StaffAct) -> str:
        """Tell the changes in one line."""
        return "; ".join(_told(name, change) for name, change in act.changes.items())


def _told(name: str, change: Any) -> str:
    if isinstance(change, dict):
        lines = [f"{what} {_line(line)}" for what, found in change.items() for line in found]
        return f"{name}: {', '.join(lines)}"
    before, after = change
    return name if before is None and after is None else f"{name}: {before} → {after}"


def _line(line: dict[str, Any]) -> str:
    cells = (f"{name} {_one(value)}" for name, value in line.items())
    return f"({', '.join(cells)})"


def _one(value: Any) -> str:
    return f"{value[0]} → {value[1]}" if isinstance(value, list) else f"{value}"
