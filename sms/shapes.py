"""What the API takes and gives of SMS, field by field (CONTRACT.md, "API v1"); `api` does what is asked."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from contacts.api import ErrorSerializer
from contacts.number_reasons import How, Reason
from contacts.phone_numbers import Reading
from credit.api import LeftSerializer, MoneyField
from sms import departure, parts
from sms.models import Delivery, Message
from sms.parts import Encoding
from sms.quote import Quote

MOST_NUMBERS = 10_000
EARLIEST_DAY = date(1970, 1, 1)
STATES = sorted({"open", *Message.State.values, *Delivery.State.values})
_RECEIPTS = {receipt.value: receipt.name.lower() for receipt in Delivery.Receipt if receipt.value}
_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as an answer tells it; `states` counts its numbers by state, `deliveries` are the first hundred."""

    message: Message
    states: Mapping[str, int]
    deliveries: Sequence[Delivery]
    from_allowance: int
    from_balance: int
    reason: str | None
    cancelled: int = 0


@dataclass(frozen=True, slots=True)
class Quoted:
    """A quote and what was read of each entry of `to`."""

    quote: Quote
    readings: Sequence[Reading]

    @property
    def people(self) -> int:
        """How many entries can get it; some may share a number."""
        return sum(reading.ok for reading in self.readings)


# not only what `parts.clean` takes out
_SHOWS_SOMETHING = r"[^\s\u0000-\u001f\u007f-\u009f\ufeff]"


@extend_schema_field({"type": "string", "minLength": 1, "pattern": _SHOWS_SOMETHING})
class TextField(serializers.Field[str, str, str, str]):
    """Any text in which something is left once what no phone can show is taken out."""

    default_error_messages = {"invalid": _("This must be text."), "empty": _("Write a message.")}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        if not parts.clean(data).strip():
            self.fail("empty")
        return data

    def to_representation(self, value: str) -> str:
        return value


@extend_schema_field(
    {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MOST_NUMBERS,
     "example": ["+32 475 12 34 56", "Jan Peeters <0476 12 34 56>"]}
)  # fmt: skip
class NumbersField(serializers.Field[list[str], Any, list[str], list[str]]):
    """A list of texts, each a number as people write it."""

    default_error_messages = {
        "invalid": _("This must be a list of numbers, each as text."),
        "empty": _("Add at least one number."),
        "too_many": _("At most 10,000 numbers go into one call."),
    }

    def to_internal_value(self, data: Any) -> list[str]:
        if not isinstance(data, list) or not all(isinstance(each, str) for each in data):
            self.fail("invalid")
        if not data:
            self.fail("empty")
        if len(data) > MOST_NUMBERS:
            self.fail("too_many")
        return data

    def to_representation(self, value: list[str]) -> list[str]:
        return value


@extend_schema_field({"type": "boolean"})
class YesNoField(serializers.Field[bool, bool, bool, bool]):
    """true or false, and nothing that resembles them."""

    default_error_messages = {"invalid": _("This must be true or false.")}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data

    def to_representation(self, value: bool) -> bool:
        return value


@extend_schema_field({"type": "string", "format": "date-time"})
class MomentField(serializers.Field[datetime, str, str, datetime]):
    """A moment that says its zone (ISO 8601): without one we would have to guess."""

    default_error_messages = {
        "invalid": _("Give a moment such as 2027-03-01T14:30:00+01:00."),
        "no_zone": _("Say in which zone this moment is, such as 2027-03-01T14:30:00+01:00."),
    }

    def to_internal_value(self, data: Any) -> datetime:
        try:
            moment = parse_datetime(data) if isinstance(data, str) else None
        except ValueError:
            moment = None
        if moment is None:
            self.fail("invalid")
        if moment.tzinfo is None:
            self.fail("no_zone")
        return moment

    def to_representation(self, value: datetime) -> str:
        return value.isoformat()


class SmsSerializer(serializers.Serializer[Any]):
    """One text to one or many numbers."""

    to = NumbersField(help_text="Numbers as people write them; each number gets the SMS once.")
    text = TextField()
    sign = YesNoField(default=True, help_text="Whether the signature of the personal record goes with it.")
    send_at = MomentField(
        required=False, allow_null=True, default=None,
        help_text="Not before this moment, at most a year away; it is paid when it goes.",
    )  # fmt: skip

    def to_internal_value(self, data: Any) -> Any:
        """Refuse names that mean nothing here: a misspelt `send_at` would send at once."""
        read = super().to_internal_value(data)
        unknown = [str(name) for name in data if name not in self.fields]
        if unknown:
            raise serializers.ValidationError({name: [_("There is no such field.")] for name in unknown})
        return read


@extend_schema_field({"type": "string", "anyOf": [{"format": "date"}, {"maxLength": 0}]})
class DayField(serializers.DateField):
    """A day such as 2027-03-01."""


class HistorySerializer(serializers.Serializer[Any]):
    """What the history is narrowed to; the days are the user's own, both included. Empty: not narrowed."""

    q = serializers.CharField(
        max_length=100, required=False, allow_blank=True, help_text="A name, a number or words of the text."
    )
    state = serializers.ChoiceField(
        STATES, required=False, allow_blank=True, help_text="`open` is queued, sending or relayed."
    )

    def get_fields(self) -> dict[str, Any]:
        """Return the fields; `from` is a word of Python's."""
        days = {name: DayField(required=False, help_text="Such as 2027-03-01.") for name in ("from", "to")}
        return {**super().get_fields(), **days}

    def to_internal_value(self, data: Any) -> Any:
        """Read what is not empty; a character that no database stores is nothing."""
        given = {name: value.replace("\0", "").strip() for name, value in data.items()}
        return super().to_internal_value({name: value for name, value in given.items() if value})


class SmsDescription(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Says in the API's description that an SMS has no other fields."""

    target_class = SmsSerializer

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        """Return the shape of an SMS."""
        shape = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return {**shape, "additionalProperties": False}


class RepairSerializer(serializers.Serializer[Any]):
    """A number that may have been meant."""

    number = serializers.CharField(help_text="E.164.")
    how = serializers.ChoiceField([how.value for how in How])
    reason = serializers.ChoiceField(
        [reason.value for reason in Reason], source="refused", allow_null=True,
        help_text="Why an SMS could not go to this one either, or null.",
    )  # fmt: skip


class ReadingSerializer(serializers.Serializer[Any]):
    """One entry of `to` as it was read. A number read with a correction is `ok`."""

    typed = serializers.CharField()
    number = serializers.CharField(allow_null=True, help_text="E.164 where an SMS may go to it, else null.")
    ok = serializers.BooleanField()
    corrected = serializers.BooleanField()
    reason = serializers.ChoiceField([reason.value for reason in Reason], allow_null=True)
    repairs = RepairSerializer(many=True)


class QuoteSerializer(serializers.Serializer[Any]):
    """What it will cost and which pocket pays; nothing is taken."""

    people = serializers.IntegerField(help_text="Entries of `to` that can get it.")
    numbers = serializers.IntegerField(source="quote.recipients", help_text="Different numbers among them.")
    parts_each = serializers.IntegerField(source="quote.parts_each")
    parts = serializers.IntegerField(source="quote.parts")
    encoding = serializers.ChoiceField([encoding.value for encoding in Encoding], source="quote.encoding")
    from_allowance = serializers.IntegerField(source="quote.from_allowance")
    from_balance = MoneyField(source="quote.from_balance")
    left = LeftSerializer(source="quote")
    missing_parts = serializers.IntegerField(source="quote.missing_parts", help_text="Zero where it can be paid.")
    missing_amount = MoneyField(source="quote.missing_amount")
    to = ReadingSerializer(source="readings", many=True)


class DeliverySerializer(serializers.Serializer[Any]):
    """The message to one number. null: not known, or not yet."""

    id = serializers.CharField(source="pk")
    number = serializers.CharField(help_text="E.164.")
    name = serializers.CharField()
    state = serializers.ChoiceField(Delivery.State.values)
    parts = serializers.IntegerField(source="message.parts_each")
    sent_at = serializers.DateTimeField(allow_null=True, help_text="When it left our system.")
    gateway = serializers.SerializerMethodField(help_text="The gateway that it was handed to.")
    reference = serializers.SerializerMethodField(help_text="The gateway's own reference.")
    receipt = serializers.SerializerMethodField(help_text="What the operator said later; information, not proof.")
    reason = serializers.SerializerMethodField(help_text="Why it was refused, as a code.")
    proof = serializers.SerializerMethodField(help_text="Where anyone can check the proof of departure.")

    def get_gateway(self, delivery: Delivery) -> str | None:
        """Return the alias of the gateway; what only waits has been handed to none."""
        return delivery.gateway if delivery.handed_at else None

    def get_reference(self, delivery: Delivery) -> str | None:
        """Return the gateway's reference."""
        return delivery.reference or None

    @extend_schema_field({"type": "string", "enum": list(_RECEIPTS.values()), "nullable": True})
    def get_receipt(self, delivery: Delivery) -> str | None:
        """Return the receipt as a code."""
        return _RECEIPTS.get(delivery.receipt)

    def get_reason(self, delivery: Delivery) -> str | None:
        """Return the reason as a code."""
        return delivery.reason or None

    def get_proof(self, delivery: Delivery) -> str | None:
        """Return the address of the proof's check; what has not left has none."""
        return departure.address_of(delivery) if delivery.state == Delivery.State.SENT else None


class MessageSerializer(serializers.Serializer[Any]):
    """One text to one or many numbers, with what became of it."""

    id = serializers.UUIDField(source="message.pk")
    text = serializers.CharField(source="message.text", help_text="As it is sent, signature included.")
    occasion = serializers.ChoiceField(Message.Occasion.values, source="message.occasion")
    created_at = serializers.DateTimeField(source="message.created_at")
    send_at = serializers.DateTimeField(source="message.release_at", allow_null=True)
    parts = serializers.IntegerField(source="message.parts", help_text="For all numbers together.")
    from_allowance = serializers.IntegerField()
    from_balance = MoneyField()
    states = serializers.DictField(child=serializers.IntegerField(), help_text="How many numbers are in which state.")
    reason = serializers.CharField(allow_null=True, help_text="Why a planned message was not sent, as a code.")
    deliveries = DeliverySerializer(many=True, help_text="The first hundred.")


class CancelledSerializer(MessageSerializer):
    """A message after `cancel`; `cancelled` is how many numbers that spared."""

    cancelled = serializers.IntegerField()


class NotSentSerializer(ErrorSerializer):
    """Nothing was sent and nothing was paid."""

    to = ReadingSerializer(many=True, required=False, help_text="Each entry as it was read, where one cannot be used.")


class NotEnoughSerializer(ErrorSerializer):
    """Allowance and balance together do not pay for all: nothing was sent and nothing was paid."""

    missing_parts = serializers.IntegerField()
    missing_amount = MoneyField()
    payable = serializers.IntegerField(help_text="How many of the numbers could be paid, in their order.")


class OverLimitSerializer(ErrorSerializer):
    """Too many calls in one minute, or a limit on sending that it would pass: nothing was sent and nothing was paid.

    A program cannot confirm a country that is new to its user: up to `new_country_day` SMS a day go there all the
    same, more once the user has confirmed the country in Settings > Limits or on the form.
    """

    limit = serializers.CharField(help_text="The limit's name, such as `user_day`; GET limits/ tells all.")
    left = serializers.IntegerField(required=False, help_text="How many SMS would still fit.")
    frees_at = serializers.DateTimeField(required=False, help_text="When it counts anew.")


def request_key(header: str | None) -> str | None:
    """Return what an Idempotency-Key is kept as, apart from every other key; None where it cannot be one.

    One to 255 printable characters of ASCII, no blank at its ends.
    """
    if header is None or not _KEY.fullmatch(header):
        return None
    return f"api:{hashlib.sha256(header.encode()).hexdigest()[:60]}"


def digest_of(read: Mapping[str, Any]) -> str:
    """Return a digest of what a body says, however it was written down."""
    said = [read["to"], read["text"], read["sign"], read["send_at"] and read["send_at"].isoformat()]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()
