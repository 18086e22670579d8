"""What is typed about contacts, lists and groups; nothing that was typed is lost when something is wrong with it."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.conf import settings
from django.forms.formsets import BaseFormSet, formset_factory
from django.utils.translation import gettext_lazy as _

from contacts.filing import MOST_EMAILS, MOST_NUMBERS, Card
from contacts.models import TYPED_LENGTH, Contact, EmailKind, Membership, NumberKind
from contacts.models.books import NAME_LENGTH

NOTES_LENGTH = 10_000
PARTS = ("title", "first_name", "middle_name", "last_name", "suffix", "company", "language", "notes")
_STORED = {"title": "prefix"}  # a form has a prefix of its own


def _line(label: Any) -> forms.CharField:
    widget = forms.TextInput({"autocomplete": "off"})
    return forms.CharField(label=label, required=False, max_length=NAME_LENGTH, widget=widget)


class CardForm(forms.Form):
    """Who somebody is; the numbers and addresses stand in rows of their own."""

    title = _line(_("Title"))
    first_name = _line(_("First name"))
    middle_name = _line(_("Middle name"))
    last_name = _line(_("Last name"))
    suffix = _line(_("Suffix"))
    company = _line(_("Company"))
    language = forms.ChoiceField(label=_("Language"), required=False, choices=[("", _("unknown")), *settings.LANGUAGES])
    notes = forms.CharField(
        label=_("Notes"), required=False, max_length=NOTES_LENGTH, widget=forms.Textarea({"rows": 3})
    )


class NumberRow(forms.Form):
    """One number as typed, and what it is for."""

    typed = forms.CharField(
        label=_("Number"), required=False, max_length=TYPED_LENGTH,
        widget=forms.TextInput({"inputmode": "tel", "autocomplete": "off"}),
    )  # fmt: skip
    kind = forms.ChoiceField(label=_("Type"), choices=NumberKind.choices, required=False)

    @property
    def said(self) -> tuple[str, str] | None:
        """The number and its type; None where the row is empty."""
        typed = self.cleaned_data.get("typed", "")
        return (typed, self.cleaned_data.get("kind") or NumberKind.MOBILE) if typed else None


class EmailRow(forms.Form):
    """One e-mail address, and what it is for."""

    typed = forms.EmailField(
        label=_("E-mail address"), required=False, widget=forms.EmailInput({"autocomplete": "off"})
    )
    kind = forms.ChoiceField(label=_("Type"), choices=EmailKind.choices, required=False)

    @property
    def said(self) -> tuple[str, str] | None:
        """The address and its type; None where the row is empty."""
        typed = self.cleaned_data.get("typed", "")
        return (typed, self.cleaned_data.get("kind") or EmailKind.OTHER) if typed else None


def _rows_of(row: type[forms.Form], *, most: int) -> Any:
    return formset_factory(row, extra=1, max_num=most, absolute_max=most + 1, validate_max=True)


_NumberRows = _rows_of(NumberRow, most=MOST_NUMBERS)
_EmailRows = _rows_of(EmailRow, most=MOST_EMAILS)


class CardForms:
    """The whole card: who it is, the rows of numbers, the rows of addresses. `more` adds a row to one of them."""

    def __init__(self, posted: Any = None, *, contact: Contact | None = None) -> None:
        first = [] if contact is None else [(row.typed, row.kind) for row in contact.numbers.all()]
        mails = [] if contact is None else [(row.address, row.kind) for row in contact.emails.all()]
        who = {part: getattr(contact, _STORED.get(part, part)) for part in PARTS} if contact else {}
        self.who = CardForm(posted, initial=who)
        self.numbers = _NumberRows(_one_more(posted, "numbers"), initial=_rows(first), prefix="numbers")
        self.emails = _EmailRows(_one_more(posted, "emails"), initial=_rows(mails), prefix="emails")
        self.empty = False

    def is_valid(self) -> bool:
        """Return whether all of it can be filed; a card that says nothing cannot."""
        fine = [self.who.is_valid(), self.numbers.is_valid(), self.emails.is_valid()]
        self.empty = all(fine) and not self.card.name
        return all(fine) and not self.empty

    @property
    def error_count(self) -> int:
        """How many things are wrong."""
        rows = [each for rows in (self.numbers, self.emails) for each in (*rows.errors, rows.non_form_errors())]
        return len(self.who.errors) + sum(map(len, rows)) + self.empty

    @property
    def card(self) -> Card:
        """What the valid forms say, each number and address once."""
        said = self.who.cleaned_data
        who = {_STORED.get(part, part): " ".join(said[part].split()) for part in PARTS[:-1]}
        notes = said["notes"].strip()
        return Card(**who, notes=notes, numbers=_said(self.numbers), emails=_said(self.emails))


class NameForm(forms.Form):
    """The name of a list or a group."""

    name = forms.CharField(label=_("Name"), max_length=NAME_LENGTH, widget=forms.TextInput({"autocomplete": "off"}))


class InvitationForm(forms.Form):
    """Whom to ask into a group, as what."""

    who = forms.CharField(
        label=_("User name or e-mail address"), max_length=254, widget=forms.TextInput({"autocomplete": "off"})
    )
    role = forms.ChoiceField(label=_("Role"), choices=Membership.Role.choices)


def _rows(said: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"typed": typed, "kind": kind} for typed, kind in said]


def _one_more(posted: Any, rows: str) -> Any:
    """Return what was posted, with one more row where that is what was pressed."""
    if posted is None or posted.get("press") != f"more:{rows}":
        return posted
    changed, name = posted.copy(), f"{rows}-TOTAL_FORMS"
    total = changed.get(name, "")
    changed[name] = str(int(total) + 1) if total.isdecimal() and len(total) < 4 else total
    return changed


def _said(rows: "BaseFormSet[Any]") -> list[tuple[str, str]]:
    return list(dict.fromkeys(row.said for row in rows if row.said))
