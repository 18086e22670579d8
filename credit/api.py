"""How the API writes credit: parts are whole numbers, money a decimal string with four places ("0.4750")."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from credit.models import Entry

UNITS = 10_000


def amount(units: int) -> str:
    """Return `units` of 1/10,000 of the currency, zero or more, as a decimal string: 4750 is "0.4750"."""
    return f"{units // UNITS}.{units % UNITS:04}"


@extend_schema_field({"type": "string", "pattern": r"^\d+\.\d{4}$", "example": "0.4750"})
class MoneyField(serializers.Field[int, Any, str, int]):
    """An amount kept in units of 1/10,000 of the currency; written, never read."""

    def to_representation(self, value: int) -> str:
        return amount(value)


def signed_amount(units: int) -> str:
    """Return a movement of money as a decimal string: -950 is "-0.0950"."""
    return f"{'-' if units < 0 else ''}{amount(abs(units))}"


@extend_schema_field({"type": "string", "pattern": r"^-?\d+\.\d{4}$", "example": "-0.0950"})
class SignedMoneyField(serializers.Field[int, Any, str, int]):
    """A movement of money; written, never read."""

    def to_representation(self, value: int) -> str:
        return signed_amount(value)


class LineSerializer(serializers.Serializer[Any]):
    """One line of the statement. `parts` moved the allowance, `amount` the balance, `debt` the debt."""

    id = serializers.CharField(
        source="key", help_text="Empty for a grant or lapse of the calendar that no movement has written yet."
    )
    at = serializers.DateTimeField()
    kind = serializers.ChoiceField(choices=Entry.Kind.choices)
    parts = serializers.IntegerField()
    amount = SignedMoneyField()
    debt = SignedMoneyField()
    message = serializers.CharField(help_text="The id of the message that it was for, or empty.")
    top_up = serializers.CharField(help_text="The id of the top-up that it belongs to, or empty.")
    occasion = serializers.CharField()
    why = serializers.CharField()


class AllowanceSerializer(serializers.Serializer[Any]):
    """This month's parts: granted = available + sent + in_flight + lapsed."""

    granted = serializers.IntegerField(source="has.granted")
    available = serializers.IntegerField(source="has.available")
    sent = serializers.IntegerField(source="used.allowance_sent", help_text="Parts that have left.")
    in_flight = serializers.IntegerField(
        source="used.allowance_in_flight", help_text="Parts that wait, are being handed over, or of which nobody knows."
    )
    lapsed = serializers.IntegerField(source="has.lapsed")
    renews_at = serializers.DateTimeField(source="has.renews_at")


class BalanceSerializer(serializers.Serializer[Any]):
    """Money that never lapses; `sent` and `in_flight` are parts that it paid this month."""

    available = MoneyField(source="has.balance")
    parts = serializers.IntegerField(
        source="has.balance_parts",
        allow_null=True,
        help_text="How many parts it pays; null where a part costs nothing.",
    )
    sent = serializers.IntegerField(source="used.balance_sent")
    in_flight = serializers.IntegerField(source="used.balance_in_flight")
    currency = serializers.SerializerMethodField(help_text="ISO 4217.")

    def get_currency(self, _quota: Any) -> str:
        return settings.CURRENCY


class CreditSerializer(serializers.Serializer[Any]):
    """Both pockets, of something that `has` a `Standing` and has `used` what each pocket paid."""

    allowance = AllowanceSerializer(source="*")
    balance = BalanceSerializer(source="*")
    price = MoneyField(source="has.price", help_text="Of one part beyond the allowance, wherever it goes.")


class LimitSerializer(serializers.Serializer[Any]):
    """One limit that holds for the user."""

    limit = serializers.CharField(
        source="name", help_text="Its name, as a 429 says it: what it is for, and in what time."
    )
    of = serializers.CharField(help_text="The country or prefix that it is for; empty: each, or none.")
    most = serializers.IntegerField(help_text="At most so many SMS (parts); of number limits: messages.")
    used = serializers.IntegerField(allow_null=True, help_text="null where others use it too.")
    left = serializers.IntegerField(allow_null=True)
    frees_at = serializers.DateTimeField(help_text="When it counts anew.")


class LimitsSerializer(serializers.Serializer[Any]):
    """What a user may send, and where to."""

    limits = LimitSerializer(many=True)
    countries = serializers.ListField(
        child=serializers.CharField(),
        help_text="Countries that the user has confirmed, one's own first. To others go at most new_country_day SMS.",
    )


class LeftSerializer(serializers.Serializer[Any]):
    """What is left of both pockets after sending; what there is, where it cannot be paid."""

    allowance = serializers.IntegerField(source="left_allowance")
    balance = MoneyField(source="left_balance")
