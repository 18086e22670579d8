"""A test SMS by one chosen gateway: through the front door, paid by who sends it, and given to no other gateway."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacts import phone_numbers
from contacts.models import StaffAct, User
from contacts.phone_numbers import Reading
from contacts.staff_acts import Act, record
from sms import submission
from sms.gateways import configured
from sms.models import Message

VALIDITY = timedelta(minutes=30)  # a test that leaves after somebody has mended the gateway tells nothing


class TestForm(forms.Form):
    """Where the test goes and by which gateway; the token keeps a double click one SMS.

    After validation `reading` holds how the number was read, in the country of who types it.
    """

    token = forms.UUIDField(widget=forms.HiddenInput)
    number = forms.CharField(
        label=_("Mobile"), max_length=40,
        widget=forms.TextInput(attrs={"type": "tel", "inputmode": "tel", "autocomplete": "off", "class": "vTextField"}),
    )  # fmt: skip
    gateway = forms.ChoiceField(label=_("Gateway"))
    reading: Reading

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._country = user.country
        choices = [(alias, alias) for alias in configured.aliases()]
        self.fields["gateway"].choices = choices  # type: ignore[attr-defined]

    def clean_number(self) -> str:
        """Read the number; refuse, in words, what no SMS can go to."""
        typed: str = self.cleaned_data["number"]
        self.reading = phone_numbers.read(typed, country=self._country)
        if not self.reading.ok:
            raise forms.ValidationError(self.reading.sentence)
        return typed


def send(form: TestForm, *, by: User, now: datetime) -> Message:
    """Accept and pay the test and write down who sent it; the same form again sends nothing. Needs a transaction.

    Raises what `submission.submit` raises.
    """
    to = submission.Recipient(form.cleaned_data["number"], reading=form.reading)
    request = submission.Request(
        user=by, text=text(), to=[to], occasion=Message.Occasion.FORM, gateway=form.cleaned_data["gateway"],
        request_key=f"test:{form.cleaned_data['token']}", valid_until=now + VALIDITY,
    )  # fmt: skip
    submitted = submission.submit(request, now=now)
    if not submitted.repeated:
        record(Act(by, StaffAct.Kind.TESTED, submitted.message, ""), now=now)
    return submitted.message


def text() -> str:
    """Return what a test says, in the language of who sends it."""
    return gettext("A test of the SMS gateway, sent from the administration.")
