"""What users and staff type about limits: a number that gets no SMS, a country to send to, a limit."""

from typing import Any

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from contacts import clock
from contacts.forms import countries
from contacts.models import User
from contacts.phone_numbers import read
from contacts.staff_acts import StatedForm
from credit.limit_models import BlockedNumber, Limit


class BlockForm(forms.Form):
    """A number that the user will not send to any more."""

    number = forms.CharField(
        label=_("Number that asked not to get SMS"), max_length=40,
        widget=forms.TextInput({"inputmode": "tel", "autocomplete": "off"}),
    )  # fmt: skip

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_number(self) -> str:
        """Read the number as on the SMS form."""
        return _read(self.cleaned_data["number"], self.user)


class CountryForm(forms.Form):
    """A country that the user means to send SMS to."""

    country = forms.ChoiceField(label=_("Country"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["country"].choices = [  # type: ignore[attr-defined]
            ("", _("Choose a country")), *countries(get_language() or "en"),
        ]  # fmt: skip


class LimitForm(StatedForm[Limit]):
    """A limit as staff writes it."""

    class Meta:
        model = Limit
        fields = ("kind", "of", "user", "window", "most")

    def clean(self) -> dict[str, Any]:
        """Say at its field what does not belong to the kind."""
        cleaned = super().clean() or self.cleaned_data
        kind, of = cleaned.get("kind"), str(cleaned.get("of") or "").strip().upper()
        cleaned["of"] = of
        if not _fits(kind, of):
            told = _("Give a country of two letters, a prefix that begins with +, or nothing, as the kind needs.")
            self.add_error("of", told)
        if cleaned.get("user") and kind != Limit.Kind.USER:
            self.add_error("user", _("Only the limit of a user can be for one user."))
        return cleaned


class StaffBlockForm(StatedForm[BlockedNumber]):
    """A number that gets no SMS, typed in any way."""

    number = forms.CharField(label=_("Number"), max_length=40)

    class Meta:
        model = BlockedNumber
        fields = ("number", "user", "active")

    def clean_number(self) -> str:
        """Read the number in the user's country, else as international."""
        return _read(self.cleaned_data["number"], None)

    def save(self, commit: bool = True) -> Any:
        """Note since when."""
        self.instance.created_at = self.instance.created_at or clock.now()
        return super().save(commit)


def _fits(kind: str | None, of: str) -> bool:
    if kind == Limit.Kind.PREFIX:
        return of[:1] == "+" and of[1:].isascii() and of[1:].isdigit() and of[1:2] != "0"
    return not of or (kind == Limit.Kind.COUNTRY and len(of) == 2 and of.isascii() and of.isalpha())


def _read(typed: str, user: User | None) -> str:
    reading = read(typed, country=user.country if user else None)
    if reading.number is None:
        raise forms.ValidationError(reading.sentence)
    return reading.number
