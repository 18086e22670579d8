"""The forms with which staff gives or takes credit, and with which a user tops up."""

from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision
from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from contacts import clock
from contacts.staff_acts import LONGEST_REASON, StatedForm
from contacts.templatetags.figures import money
from credit import topping_up
from credit.allowance import standing
from credit.models import Account, Plan, TopUp

UNITS = 10_000


class PlanForm(StatedForm[Plan]):
    """A plan, its prices written as money."""

    price_of_a_part = forms.DecimalField(
        label=_("Price of a part beyond the allowance"), required=False, decimal_places=4, min_value=0, max_value=1000,
        help_text=_("Empty: the office's price."),
    )  # fmt: skip
    price_of_a_month = forms.DecimalField(
        label=_("Price of a month, VAT included"), decimal_places=4, min_value=0, max_value=1_000_000
    )

    class Meta:
        model = Plan
        fields = ("name", "parts_a_month", "vat")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        price = self.instance.price
        self.initial["price_of_a_month"] = _money(self.instance.fee)
        self.initial["price_of_a_part"] = None if price is None else _money(price)

    def save(self, commit: bool = True) -> Plan:
        """Keep money in its units."""
        price = self.cleaned_data["price_of_a_part"]
        self.instance.price = None if price is None else int(price * UNITS)
        self.instance.fee = int(self.cleaned_data["price_of_a_month"] * UNITS)
        return super().save(commit)


class TellForm(forms.ModelForm[Account]):
    """What a user wants to be told of the credit, and from when on it is low."""

    low_below = forms.IntegerField(
        label=_("My credit is low below this many SMS"), min_value=0, max_value=1_000_000,
        help_text=_("Allowance and balance together."),
    )  # fmt: skip

    class Meta:
        model = Account
        fields = ["low_below", "tells_low", "tells_lapse", "tells_shortage"]


class AdjustForm(forms.ModelForm[Account]):
    """An account with what is to be given or taken; a reason is needed as soon as anything moves."""

    give_parts = forms.IntegerField(
        label=_("SMS to add this month"), required=False, min_value=-100_000, max_value=100_000,
        help_text=_("Added to this month's allowance; a negative number takes away."),
    )  # fmt: skip
    give_money = forms.DecimalField(
        label=_("Money to add to the balance"), required=False, decimal_places=4, min_value=-100_000, max_value=100_000,
        help_text=_("A negative amount takes away."),
    )  # fmt: skip
    why = forms.CharField(label=_("Reason"), required=False, max_length=200, help_text=_("The user reads this."))

    class Meta:
        model = Account
        fields = ["plan"]

    @property
    def parts(self) -> int:
        """Parts to give, negative to take."""
        return self.cleaned_data.get("give_parts") or 0

    @property
    def amount(self) -> int:
        """Money to give, in 1/10,000 of the currency, negative to take."""
        return int((self.cleaned_data.get("give_money") or Decimal(0)) * UNITS)

    def clean(self) -> dict[str, Any]:
        """Refuse a movement or a change of plan without a reason, and what takes more than there is."""
        cleaned = super().clean() or self.cleaned_data
        if (self.parts or self.amount or "plan" in self.changed_data) and not str(cleaned.get("why", "")).strip():
            self.add_error("why", _("Say why: the user reads it in the statement."))
        self._refuse_more_than_there_is()
        return cleaned

    def _refuse_more_than_there_is(self) -> None:
        has = standing(self.instance.user, now=clock.now())
        if has.available + self.parts < 0:
            self.add_error("give_parts", _("There are only %(parts)s SMS left this month.") % {"parts": has.available})
        if has.balance + self.amount < 0:
            self.add_error("give_money", _("The balance is only %(left)s.") % {"left": money(has.balance)})


class MoneyField(forms.DecimalField):
    """An amount as people write it: with a point or a comma, and with or without the sign of the currency."""

    widget = forms.TextInput

    def to_python(self, value: Any) -> Decimal | None:  # type: ignore[override]
        """Read what was typed."""
        typed = str(value or "").replace("€", "").replace(settings.CURRENCY, "").replace(",", ".")
        return super().to_python("".join(typed.split()))

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Ask a telephone for its keys with a comma."""
        return {"inputmode": "decimal", "autocomplete": "off"}

    def units(self, value: Decimal | None) -> int:
        """Return an amount in 1/10,000 of the currency."""
        return int((value or Decimal(0)) * UNITS)


def coin() -> int:
    """Return the currency's smallest coin, in units."""
    return UNITS // int(10 ** get_currency_precision(settings.CURRENCY))


class TopUpForm(forms.Form):
    """The amount of a top-up: one of the set ones, or an own one, which counts where both are given."""

    amount = forms.TypedChoiceField(
        label=_("Amount"), coerce=int, required=False, empty_value=None, widget=forms.RadioSelect
    )
    own = MoneyField(label=_("Another amount"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        amounts = [each for each in settings.TOP_UP_AMOUNTS if self.least <= each <= settings.TOP_UP_MOST]
        self.fields["amount"].choices = [(each, money(each)) for each in amounts]  # type: ignore[attr-defined]
        words = {"least": money(self.least), "most": money(settings.TOP_UP_MOST)}
        self.fields["own"].help_text = _("From %(least)s to %(most)s.") % words

    @property
    def least(self) -> int:
        """The smallest amount that can be paid, in units."""
        return max(int(settings.TOP_UP_LEAST), 1)

    @property
    def units(self) -> int:
        """What is to be paid, in units."""
        own = MoneyField().units(self.cleaned_data.get("own"))
        return own or int(self.cleaned_data.get("amount") or 0)

    def clean(self) -> dict[str, Any]:
        """Refuse no amount, one out of bounds, and one that no coins make."""
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        words = {"least": money(self.least), "most": money(settings.TOP_UP_MOST)}
        if cleaned.get("own") is None and not cleaned.get("amount"):
            self.add_error("amount", _("Choose an amount, or type one below."))
        elif not self.least <= self.units <= settings.TOP_UP_MOST:
            self.add_error("own", _("The amount must be from %(least)s to %(most)s.") % words)
        elif self.units % coin() or cleaned.get("own") not in (None, Decimal(self.units) / UNITS):
            self.add_error("own", _("Type whole cents, for example 12.50."))
        return cleaned


class RefundForm(forms.Form):
    """What staff pays back of a top-up, and why."""

    amount = MoneyField(label=_("Amount to pay back"))
    why = forms.CharField(
        label=_("Reason"), max_length=LONGEST_REASON, widget=forms.TextInput(attrs={"class": "vTextField"})
    )

    def __init__(self, *args: Any, top_up: TopUp, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.left = topping_up.refundable(top_up)
        self.fields["amount"].initial = Decimal(self.left) / UNITS
        self.fields["amount"].help_text = _("At most %(left)s is left of this payment.") % {"left": money(self.left)}

    @property
    def units(self) -> int:
        """What is to be paid back, in units."""
        return MoneyField().units(self.cleaned_data["amount"])

    def clean_amount(self) -> Decimal:
        """Refuse nothing, more than is left, and what no coins make."""
        amount: Decimal = self.cleaned_data["amount"]
        if not 0 < MoneyField().units(amount) <= self.left:
            raise forms.ValidationError(_("At most %(left)s is left of this payment.") % {"left": money(self.left)})
        if amount * UNITS % coin():
            raise forms.ValidationError(_("Type whole cents, for example 12.50."))
        return amount


def _money(units: int) -> Decimal:
    return Decimal(units) / UNITS
