"""Groups with their members, and what staff did, for the office's staff. Users: `office/staff_people.py`."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import Count, Q
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from contacts.books import book_of_group
from contacts.models import Book, Group, ImportBatch, Membership, StaffAct
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

    def save_model(self, request: Any, obj: Group, form: Any, change: bool) -> None:
        """Store the group; a new one gets its book."""
        super().save_model(request, obj, form, change)
        book_of_group(obj)

    @admin.display(description=_("members"))
    def members_shown(self, group: Group) -> str:
        """Name the members."""
        return ", ".join(str(member) for member in group.members.all())


@admin.register(Book)
class BookAdmin(ReadOnlyAdmin[Book]):
    """How much stands in each address book; whom it names is its owner's affair."""

    fields = ("owner_shown", "contacts_shown", "silent_shown", "lists_shown")
    readonly_fields = fields
    list_display = fields
    search_fields = ("user__username", "group__name")

    def get_queryset(self, request: Any) -> Any:
        """Bring the figures along: one statement for the whole list."""
        live = Q(contacts__deleted_at=None)
        silent = live & ~Q(contacts__numbers__reason="")
        return (
            super()
            .get_queryset(request)
            .select_related("user", "group")
            .annotate(
                many=Count("contacts", filter=live, distinct=True),
                silent=Count("contacts__numbers", filter=silent, distinct=True),
                written=Count("lists", filter=Q(lists__deleted_at=None), distinct=True),
            )
        )

    @admin.display(description=_("book of"))
    def owner_shown(self, book: Book) -> str:
        """Name the user or the group."""
        return str(book)

    @admin.display(description=_("contacts"))
    def contacts_shown(self, book: Book) -> int:
        """Count the contacts."""
        return int(getattr(book, "many", 0))

    @admin.display(description=_("numbers that get no SMS"))
    def silent_shown(self, book: Book) -> int:
        """Count the numbers that cannot be ticked."""
        return int(getattr(book, "silent", 0))

    @admin.display(description=_("lists"))
    def lists_shown(self, book: Book) -> int:
        """Count the lists."""
        return int(getattr(book, "written", 0))


@admin.register(ImportBatch)
class ImportBatchAdmin(ReadOnlyAdmin[ImportBatch]):
    """Imports and how they went, in figures; what the files said is nobody's but their owners'."""

    list_display = ("id", "by", "created_at", "state", "made", "merged", "skipped", "refused", "fault", "fault_row")
    list_filter = ("state", "created_at")
    list_select_related = ("by",)
    search_fields = ("by__username",)
    fields = (
        "by", "created_at", "state", "size", "rows_found", "made", "merged", "skipped", "refused", "fault",
        "fault_row", "tries", "leased_until", "finished_at", "undone_at",
    )  # fmt: skip


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
