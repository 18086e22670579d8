"""What the API takes and gives of contacts and lists, field by field; `book_api` does what is asked."""

import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from contacts.filing import MOST_EMAILS, MOST_NUMBERS, Card
from contacts.models import TYPED_LENGTH, Contact, EmailKind, NumberKind
from contacts.models.books import NAME_LENGTH
from contacts.number_reasons import How, Reason

NOTES_LENGTH = 10_000
MOST_MEMBERS = 10_000
PARTS = ("prefix", "first_name", "middle_name", "last_name", "suffix", "company", "language", "notes")
ID = {"type": "string", "pattern": "^[1-9][0-9]{0,17}$"}
_ID = re.compile("[1-9][0-9]{0,17}")
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
# what is left of a text must show something
_SHOWS_SOMETHING = r"[^\s\u0000-\u001f\u007f-\u009f\ufeff\ud800-\udfff]"


class WordsField(serializers.Field[str, Any, str, str]):
    """Text of so many characters at most, without those that no database stores; on one line unless told otherwise."""

    default_error_messages = {
        "invalid": _("This must be text."),
        "too_long": _("At most %(most)s characters fit."),
        "empty": _("This must not be empty."),
    }

    def __init__(self, *, most: int, least: int = 0, lines: bool = False, **more: Any) -> None:
        super().__init__(**more)
        self.most, self.least, self.lines = most, least, lines

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        if len(data) > self.most:
            raise serializers.ValidationError(str(self.error_messages["too_long"]) % {"most": self.most})
        stored = _UNSTORABLE.sub("", data)
        said = stored.strip() if self.lines else " ".join(stored.split())
        if len(said) < self.least:
            self.fail("empty")
        return said

    def to_representation(self, value: str) -> str:
        return value


@extend_schema_field({"type": "string", "maxLength": NAME_LENGTH})
class NamePartField(WordsField):
    """A part of a name."""


@extend_schema_field({"type": "string", "minLength": 1, "maxLength": NAME_LENGTH, "pattern": _SHOWS_SOMETHING})
class NameField(WordsField):
    """A name that says something."""


@extend_schema_field({"type": "string", "maxLength": NOTES_LENGTH})
class NotesField(WordsField):
    """Notes of several lines."""


@extend_schema_field({"type": "string", "minLength": 1, "maxLength": TYPED_LENGTH, "pattern": _SHOWS_SOMETHING})
class TypedField(WordsField):
    """A number as people write it."""


@extend_schema_field({"type": "string", "format": "email", "maxLength": 254})
class AddressField(WordsField):
    """An e-mail address."""

    def to_internal_value(self, data: Any) -> str:
        said = super().to_internal_value(data)
        try:
            validate_email(said)
        except ValidationError as wrong:
            raise serializers.ValidationError(wrong.messages) from None
        return said


class OneOfField(serializers.ChoiceField):
    """One of some words, written exactly so."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=data)
        return super().to_internal_value(data)


@extend_schema_field(ID)
class IdField(serializers.Field[int, Any, str, int]):
    """The id of something, as text."""

    default_error_messages = {"invalid": _("This is no id.")}

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, str) or not _ID.fullmatch(data):
            self.fail("invalid")
        return int(data)

    def to_representation(self, value: int) -> str:
        return str(value)


class StrictSerializer(serializers.Serializer[Any]):
    """A body that has no other fields: a misspelt one would be lost in silence."""

    def to_internal_value(self, data: Any) -> Any:
        """Refuse names that mean nothing here."""
        read = super().to_internal_value(data)
        unknown = [str(name) for name in data if name not in self.fields]
        if unknown:
            raise serializers.ValidationError({name: [_("There is no such field.")] for name in unknown})
        return read


class StrictDescription(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Says in the API's description that a body has no other fields."""

    target_class = StrictSerializer
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        """Return the shape of the body."""
        shape = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return {**shape, "additionalProperties": False}


class NumberBody(StrictSerializer):
    """A number of a contact, as it is said."""

    typed = TypedField(most=TYPED_LENGTH, least=1)
    kind = OneOfField(NumberKind.values, default=NumberKind.MOBILE)


class EmailBody(StrictSerializer):
    """An e-mail address of a contact."""

    address = AddressField(most=254, least=1)
    kind = OneOfField(EmailKind.values, default=EmailKind.OTHER)


def _part() -> NamePartField:
    return NamePartField(most=NAME_LENGTH, default="")


class ContactChange(StrictSerializer):
    """What is said of a contact that is there."""

    prefix, first_name, middle_name, last_name, suffix, company = (_part() for _each in range(6))
    language = OneOfField(["", *(code for code, _name in settings.LANGUAGES)], default="")
    notes = NotesField(most=NOTES_LENGTH, lines=True, default="")
    numbers = NumberBody(many=True, default=list, max_length=MOST_NUMBERS)  # type: ignore[call-arg]  # many's own
    emails = EmailBody(many=True, default=list, max_length=MOST_EMAILS)  # type: ignore[call-arg]  # many's own


class ContactBody(ContactChange):
    """What is said of a new contact."""

    group = IdField(required=False, allow_null=True, help_text="In whose book it is filed; null: in the own one.")


class RepairShape(serializers.Serializer[Any]):
    """What a number may become so that it can get SMS."""

    number = serializers.CharField(help_text="E.164.")
    how = serializers.ChoiceField([how.value for how in How])


class NumberShape(serializers.Serializer[Any]):
    """A number of a contact, as said and as read."""

    typed = serializers.CharField()
    kind = serializers.ChoiceField(NumberKind.values)
    number = serializers.CharField(
        allow_null=True, help_text="E.164, also of a landline; null where it cannot be read."
    )
    ok = serializers.BooleanField(help_text="Whether an SMS may go to it.")
    reason = serializers.ChoiceField([reason.value for reason in Reason], allow_null=True)
    repair = RepairShape(allow_null=True)


class EmailShape(serializers.Serializer[Any]):
    """An e-mail address of a contact."""

    address = serializers.CharField()
    kind = serializers.ChoiceField(EmailKind.values)


class ContactShape(serializers.Serializer[Any]):
    """A contact of the own book or of a group's."""

    id = serializers.CharField()
    group = serializers.CharField(allow_null=True, help_text="The group in whose book it is; null: the own one.")
    name = serializers.CharField(help_text="As it is shown.")
    prefix, first_name, middle_name = serializers.CharField(), serializers.CharField(), serializers.CharField()
    last_name, suffix, company = serializers.CharField(), serializers.CharField(), serializers.CharField()
    language, notes = serializers.CharField(), serializers.CharField()
    numbers = NumberShape(many=True)
    emails = EmailShape(many=True)
    created_at, changed_at = serializers.DateTimeField(), serializers.DateTimeField()

    def to_representation(self, instance: Contact) -> dict[str, Any]:
        """Return the contact as the API tells it."""
        return told(instance)


class ListBody(StrictSerializer):
    """A list of contacts."""

    name = NameField(most=NAME_LENGTH, least=1)
    group = IdField(required=False, allow_null=True, help_text="Whose list it is; null: one's own.")


class NameBody(StrictSerializer):
    """The name of a list or a group."""

    name = NameField(most=NAME_LENGTH, least=1)


class MembersBody(StrictSerializer):
    """Which contacts go into a list and which leave it."""

    add = serializers.ListField(child=IdField(), default=list, max_length=MOST_MEMBERS)
    remove = serializers.ListField(child=IdField(), default=list, max_length=MOST_MEMBERS)


class ListShape(serializers.Serializer[Any]):
    """A list of contacts; they are `GET /contacts/?list=`."""

    id = serializers.CharField(source="pk")
    name = serializers.CharField()
    group = serializers.CharField(source="book.group_id", allow_null=True)
    contacts = serializers.IntegerField(source="many", help_text="How many it holds.")


class NarrowedBy(serializers.Serializer[Any]):
    """What the contacts are narrowed to. Empty: not narrowed."""

    q = serializers.CharField(
        max_length=200, required=False, allow_blank=True, help_text="A name, a company or any part of a number."
    )
    list = serializers.CharField(max_length=18, required=False, allow_blank=True, help_text="The id of a list.")
    group = serializers.CharField(max_length=18, required=False, allow_blank=True, help_text="The id of a group.")

    def to_internal_value(self, data: Any) -> Any:
        """Read what is not empty; a character that no database stores is nothing."""
        given = {name: value.replace("\0", "").strip() for name, value in data.items()}
        return super().to_internal_value({name: value for name, value in given.items() if value})


def card_of(said: Mapping[str, Any], *, before: Contact | None = None) -> Card:
    """Return the card that a body says; what it leaves out is as `before`."""
    known = told(before) if before else {}
    whole = {**{name: known[name] for name in (*PARTS, "numbers", "emails") if name in known}, **said}
    return Card(
        **{part: whole[part] for part in PARTS},
        numbers=list(dict.fromkeys((each["typed"], each["kind"]) for each in whole["numbers"])),
        emails=list(dict.fromkeys((each["address"], each["kind"]) for each in whole["emails"])),
    )


def told(contact: Contact) -> dict[str, Any]:
    """Return a contact as the API tells it."""
    group = contact.book.group_id
    return {
        "id": str(contact.pk), "group": str(group) if group else None, "name": contact.name,
        **{part: getattr(contact, part) for part in PARTS},
        "numbers": [
            {
                "typed": row.typed, "kind": row.kind, "number": row.number or None, "ok": not row.reason,
                "reason": row.reason or None, "repair": {"number": row.cure, "how": row.how} if row.cure else None,
            }
            for row in contact.numbers.all()
        ],
        "emails": [{"address": row.address, "kind": row.kind} for row in contact.emails.all()],
        "created_at": contact.created_at.isoformat(), "changed_at": contact.changed_at.isoformat(),
    }  # fmt: skip
