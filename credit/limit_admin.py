"""Limits, refused ranges and numbers that get no SMS, for the office's staff."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from contacts.staff_acts import StaffAdmin
from contacts.templatetags.figures import phone
from credit.limit_forms import LimitForm, StaffBlockForm
from credit.limit_models import BlockedNumber, Limit, RefusedRange


@admin.register(Limit)
class LimitAdmin(StaffAdmin[Limit]):
    """How many SMS may go where; an empty figure lifts a limit."""

    form = LimitForm
    fields = ("kind", "of", "user", "window", "most", "why")
    list_display = ("kind", "of", "user", "window", "most")
    list_filter = ("kind",)
    list_select_related = ("user",)
    autocomplete_fields = ("user",)


@admin.register(RefusedRange)
class RefusedRangeAdmin(StaffAdmin[RefusedRange]):
    """Prefixes that get no SMS."""

    fields = ("prefix", "active", "why")
    list_display = ("prefix", "active")


@admin.register(BlockedNumber)
class BlockedNumberAdmin(StaffAdmin[BlockedNumber]):
    """Numbers whose owners asked not to be texted."""

    form = StaffBlockForm
    fields = ("number", "user", "active", "why")
    list_display = ("number_shown", "user", "active", "created_at")
    list_select_related = ("user",)
    autocomplete_fields = ("user",)

    @admin.display(description=_("number"))
    def number_shown(self, blocked: BlockedNumber) -> str:
        """Show the number as it is read."""
        return phone(blocked.number)
