"""Plans and accounts for the office's staff; credit moves through `charging.adjust` only, with a reason."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacts import clock
from contacts.models import StaffAct
from contacts.staff_acts import Act, ReadOnlyAdmin, StaffAdmin, record, staff
from contacts.templatetags.figures import money, signed_money
from credit import charging, checkout, limit_admin, topping_up
from credit.allowance import Standing, price_of, standing
from credit.forms import AdjustForm, PlanForm, RefundForm
from credit.models import Account, Entry, Plan, RefundOrder, TopUp

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
            charging.regrant(obj, now=clock.now())


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
        now = clock.now()
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


@admin.register(TopUp)
class TopUpAdmin(ReadOnlyAdmin[TopUp]):
    """Payments by card: what was paid, what went back, and the page on which staff pays back."""

    list_display = ("created_at", "account", "amount_shown", "state", "refunded_shown", "doubt")
    list_filter = ("state", "doubt")
    list_select_related = ("account__user",)
    search_fields = ("account__user__username", "payment")
    fields = (
        "account",
        "amount_shown",
        "state",
        "created_at",
        "paid_at",
        "refunded_shown",
        "payment",
        "doubt",
        "orders",
    )
    readonly_fields = ("amount_shown", "refunded_shown", "orders")
    change_form_template = "credit/staff_top_up.html"

    @admin.display(description=_("amount"), ordering="amount")
    def amount_shown(self, top_up: TopUp) -> str:
        """Show money, not its units."""
        return money(top_up.amount)

    @admin.display(description=_("paid back"), ordering="refunded")
    def refunded_shown(self, top_up: TopUp) -> str:
        """Show money, not its units."""
        return money(top_up.refunded)

    @admin.display(description=_("refunds of staff"))
    def orders(self, top_up: TopUp) -> str:
        """Show what staff decided, and what Stripe made of it."""
        rows = (
            (money(each.amount), each.by, each.why, _outcome(each))
            for each in top_up.refund_orders.select_related("by")
        )
        return format_html_join(mark_safe("<br>"), "{} · {} · {} · {}", rows) or "-"

    def get_urls(self) -> list[URLPattern]:
        """Add the page for paying back."""
        view = self.admin_site.admin_view(self.refund_view)
        return [path("<path:object_id>/refund/", view, name="credit_topup_refund"), *super().get_urls()]

    def refund_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask how much goes back and why; the order and the act of staff are one, Stripe is asked after them."""
        if not request.user.has_perm("credit.change_topup"):
            raise PermissionDenied
        top_up = self.get_object(request, object_id)
        if top_up is None:
            raise Http404
        form = RefundForm(request.POST if request.method == "POST" else None, top_up=top_up)
        if request.method == "POST" and form.is_valid() and self._refund(request, top_up, form):
            return redirect("admin:credit_topup_change", object_id=top_up.pk)
        context = self.admin_site.each_context(request)
        context |= {"form": form, "top_up": top_up, "left": form.left, "has": standing_of(top_up), "opts": self.opts}
        return TemplateResponse(request, "credit/staff_refund.html", context)

    def _refund(self, request: HttpRequest, top_up: TopUp, form: RefundForm) -> bool:
        by, why, now = staff(request), form.cleaned_data["why"], clock.now()
        try:
            order = topping_up.order_refund(top_up, amount=form.units, why=why, by=by, now=now)
        except topping_up.CannotRefund:
            form.add_error("amount", _("Somebody else paid back of this payment just now."))
            return False
        record(Act(by, StaffAct.Kind.CHANGED, top_up, why, {"refund": [0, form.units]}), now=now)
        transaction.on_commit(lambda: checkout.ask_refund(order, now=clock.now()))
        return True


def standing_of(top_up: TopUp) -> Standing:
    """Return what the payer has now: what goes back beyond it becomes a debt."""
    return standing(top_up.account.user, now=clock.now())


def _outcome(order: RefundOrder) -> str:
    return order.refused or order.reference or gettext("being asked")
