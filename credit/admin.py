"""Plans and accounts for the office's staff; credit moves through `charging.adjust` only, with a reason."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.staff_acts import StaffAdmin
from contacts.templatetags.figures import money, signed_money
from credit import charging, limit_admin
from credit.allowance import price_of
from credit.forms import AdjustForm, PlanForm
from credit.models import Account, Entry, Plan

__all__ = ["AccountAdmin", "PlanAdmin", "limit_admin"]  # the last for Django, which looks here


@admin.register(Plan)
class PlanAdmin(StaffAdmin[Plan]):
    """What subscriptions grant and cost."""

    form = PlanForm
    fields = ("name", "parts_a_month", "price_of_a_part", "price_of_a_month", "vat", "why")
    list_display = ("name", "parts_a_month", "price_shown", "fee_shown", "vat")

    @admin.display(description=_("price of a part"), ordering="price")
    def price_shown(self, plan: Plan) -> str:
        """Show money, not its units."""
        return money(price_of(plan))

    @admin.display(description=_("price of a month"), ordering="fee")
    def fee_shown(self, plan: Plan) -> str:
        """Show money, not its units."""
        return money(plan.fee)

    def save_model(self, request: HttpRequest, obj: Plan, form: Any, change: bool) -> None:
        """Save the plan; more parts a month count at once for all who have it, fewer from next month."""
        super().save_model(request, obj, form, change)
        if change and "parts_a_month" in form.changed_data:
            charging.regrant(obj, now=timezone.now())


class EntryInline(admin.TabularInline[Entry, Account]):
    """The account's statement: read only, as in the database."""

    model = Entry
    fk_name = "account"
    fields = readonly_fields = ("created_at", "kind", "parts", "amount_shown", "occasion", "why", "by")
    extra = 0
    can_delete = False
    ordering = ("-created_at", "-id")
    max_num = 0

    @admin.display(description=_("amount"))
    def amount_shown(self, entry: Entry) -> str:
        """Show money, not its units."""
        return signed_money(entry.amount) if entry.amount else ""

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the latest hundred lines: an account may have a million."""
        entries = super().get_queryset(request)
        account_id = request.resolver_match.kwargs.get("object_id", 0) if request.resolver_match else 0
        latest = entries.filter(account_id=account_id).order_by("-created_at", "-id").values("pk")[:100]
        return entries.filter(pk__in=list(latest.values_list("pk", flat=True)))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes an entry."""
        return False


@admin.register(Account)
class AccountAdmin(StaffAdmin[Account]):
    """One user's credit: give or take with a reason, change the plan, read the statement."""

    form = AdjustForm
    list_display = ("user", "plan", "balance_shown")
    list_select_related = ("user", "plan")
    search_fields = ("user__username", "user__last_name")
    readonly_fields = ("user", "balance_shown")
    fields = ("user", "balance_shown", "plan", "give_parts", "give_money", "why")
    inlines = (EntryInline,)

    @admin.display(description=_("balance"), ordering="balance")
    def balance_shown(self, account: Account) -> str:
        """Show money, not its units."""
        return money(account.balance)

    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: bool) -> None:
        """Change the plan and move credit through the functions that own them."""
        now = timezone.now()
        if "plan" in form.changed_data:
            charging.subscribe(obj, plan=obj.plan, now=now)
        if form.parts or form.amount:
            by, why = request.user, form.cleaned_data["why"]
            charging.adjust(obj, charging.Adjustment(parts=form.parts, amount=form.amount, why=why, by=by), now=now)  # type: ignore[arg-type]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """An account comes with its user."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Books are kept."""
        return False
