"""The personal record as a form (S21, S22)."""

import unicodedata
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

import phonenumbers
from babel import Locale
from django import forms
from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from contacts.models import SIGNATURE_LENGTH, User
from contacts.phone_numbers import Reading, read


def countries(language: str) -> list[tuple[str, str]]:
    """Return (two letters, name in `language`) of each country that has telephone numbers, by name."""
    names = Locale.parse(language, sep="-").territories
    found = [(code, names[code]) for code in phonenumbers.SUPPORTED_REGIONS if code in names]
    return sorted(found, key=lambda country: _sorted_as(country[1]))


@lru_cache(maxsize=1)
def zone_names() -> dict[str, str]:
    """Return the time zones that people live in (`Europe/Brussels`, …, and `UTC`), by their name in small letters."""
    named = {name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/"))}
    return {name.lower(): name for name in sorted({*named, "UTC"})}


class PersonalRecord(forms.ModelForm[User]):
    """What a user says about oneself. Numbers are read in the country of the same form, so changing both at once works.

    After validation `reading` holds how the mobile was read, or None where it is empty.
    """

    mobile = forms.CharField(
        label=_("Mobile"),
        required=False,
        max_length=40,
        help_text=_("Your own number. SMS from the office to yourself go here, for instance +32 475 12 34 56."),
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "inputmode": "tel"}),
    )
    country = forms.ChoiceField(
        label=_("Country"),
        help_text=_("Numbers that you type without a country code are read as numbers of this country."),
    )
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    time_zone = forms.CharField(
        label=_("Time zone"),
        required=False,
        max_length=64,
        help_text=_(
            "All hours that you see are in this zone. Type a city to find it; leave it empty for the office's zone."
        ),
        widget=forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off", "placeholder": settings.TIME_ZONE}),
    )
    signature = forms.CharField(
        label=_("Signature"),
        required=False,
        max_length=SIGNATURE_LENGTH,
        help_text=_("Stands under your SMS. Answers do not arrive here, so say who you are and where to answer."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    class Meta:
        model = User
        fields = ["mobile", "country", "language", "time_zone", "signature"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reading: Reading | None = None
        self.fields["country"].choices = countries(get_language() or settings.LANGUAGE_CODE)  # type: ignore[attr-defined]
        self.initial["mobile"] = self.instance.mobile_typed or self.instance.mobile

    def clean_time_zone(self) -> str:
        typed: str = self.cleaned_data["time_zone"].strip()
        if not typed:
            return ""
        name = zone_names().get(typed.replace(" ", "_").lower())
        if name is None:
            raise forms.ValidationError(
                _("We know no zone of this name. Choose one from the list, such as Europe/Brussels.")
            )
        return name

    def clean_signature(self) -> str:
        return " ".join(self.cleaned_data["signature"].split())

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        typed = cleaned.get("mobile", "").strip()
        if typed:
            self.reading = read(typed, country=cleaned.get("country") or self.instance.country)
            if self.reading.number is None or not self.reading.ok:
                self.add_error("mobile", self.reading.sentence)
        self.instance.mobile_typed = typed
        return cleaned | {"mobile": self.reading.number or "" if self.reading else ""}


def _sorted_as(name: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKD", name) if not unicodedata.combining(char)).casefold()
