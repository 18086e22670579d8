"""The SMS form: what was typed, kept whatever happens, and read into what can be sent (S16, S22)."""

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from contacts.models import User
from credit import charging
from credit.allowance import Standing
from sms import history, parts, quote
from sms.drafts import LONGEST
from sms.models import Draft, Message
from sms.recipients import Recipients, entries, entry, key, read_recipients, without_barred
from sms.submission import FORM_DELAY, FURTHEST, Recipient, Request

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise as StrOrPromise

WALL_CLOCK = "%Y-%m-%dT%H:%M"
FIRST_DAY = date(2000, 1, 1)  # of the history's filter: no office has older SMS
_POSTED = ("mobile", "to", "later", "token", "shown", "people", "parts_each", "confirmed")
_SHOWN = re.compile(r"(\d{1,9}):(\d{1,15}):(\d{1,15})")


@dataclass(frozen=True, slots=True)
class Shown:
    """The credit that stood on the page: parts of allowance; balance and price of a part in money's units."""

    available: int
    balance: int
    price: int

    def __str__(self) -> str:
        return f"{self.available}:{self.balance}:{self.price}"

    @classmethod
    def of(cls, has: Standing) -> "Shown":
        """Return what is shown to somebody who `has` this."""
        return cls(has.available, has.balance, has.price)

    @classmethod
    def read(cls, posted: str) -> "Shown | None":
        """Return what stood on the page, from its text; None where it cannot be read."""
        found = _SHOWN.fullmatch(posted)
        return cls(*map(int, found.groups())) if found else None

    def agreed(self, parts_in_all: int) -> tuple[int, int]:
        """Return how the page said `parts_in_all` would be paid: parts from the allowance, units from the balance."""
        cost = charging.split(parts_in_all, available=self.available, balance=self.balance, price=self.price)
        return cost.from_allowance, cost.from_balance


class ComposeForm(forms.Form):
    """The form over `data`, what was posted or kept as a draft; nothing is required before Send.

    `add`, `replace` and the like change the data, and the form is then shown as it has become.
    """

    mobile = forms.CharField(
        label=_("Mobile"), required=False,
        widget=forms.TextInput({"inputmode": "tel", "autocomplete": "off", "enterkeyhint": "done"}),
    )  # fmt: skip
    to = forms.CharField(
        label=_("All numbers, one on each line"), required=False,
        widget=forms.Textarea({"rows": 6, "autocomplete": "off", "spellcheck": "false"}),
    )  # fmt: skip
    text = forms.CharField(
        label=_("Message"), required=False, strip=False,
        widget=forms.Textarea({"rows": 5, "maxlength": LONGEST}),
    )  # fmt: skip
    sign = forms.BooleanField(required=False)
    later = forms.CharField(
        label=_("Send at"), required=False, widget=forms.DateTimeInput({"type": "datetime-local"}, format=WALL_CLOCK)
    )
    token = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Mapping[str, Any], *, user: User, now: datetime) -> None:
        self.user, self.now = user, now
        self.sending = self.adding_nothing = False
        kept = {name: str(data.get(name, "")).replace("\0", "") for name in _POSTED}
        kept |= {"text": parts.clean(str(data.get("text", ""))), "sign": "on" if data.get("sign") else ""}
        kept["token"] = _token(kept["token"])
        super().__init__(kept)
        self.fields["sign"].label = _("Sign with “%(signature)s”") % {"signature": user.signature}

    @classmethod
    def of_draft(cls, draft: Draft, *, mobile: str = "", now: datetime) -> "ComposeForm":
        """Return the form as it was left, with `mobile` typed in."""
        kept = {"to": "\n".join(map(str, draft.to)), "text": draft.text, "sign": draft.sign, "mobile": mobile}
        return cls(kept, user=draft.user, now=now)

    def draft(self, *, to: Sequence[str] = ()) -> Draft:
        """Return what is to be kept of the form, with these recipients as typed."""
        text, key = self.data["text"], self.data["token"]
        return Draft(user=self.user, to=list(to), text=text, sign=self.keeps_sign, request_key=key)

    @cached_property
    def recipients(self) -> Recipients:
        """Whom it goes to, as read."""
        return without_barred(read_recipients(entries(self.data["to"]), user=self.user), user=self.user)

    @property
    def has_signature(self) -> bool:
        """Whether the user has a signature to send with."""
        return bool(self.user.signature.strip())

    @property
    def signs(self) -> bool:
        """Whether the signature goes with this SMS."""
        return bool(self.data["sign"]) and self.has_signature

    @property
    def keeps_sign(self) -> bool:
        """What a draft keeps of the choice: who has no signature yet has not chosen to leave it off."""
        return bool(self.data["sign"]) or not self.has_signature

    @property
    def finished(self) -> str:
        """The text as it will be sent and counted."""
        return quote.signed(self.data["text"], self.user) if self.signs else self.data["text"].rstrip()

    @property
    def shown(self) -> Shown | None:
        """The credit that stood on the page that this comes from, None where it cannot be read."""
        return Shown.read(self.data["shown"])

    @property
    def people_shown(self) -> int:
        """How many recipients the cost on the page was for."""
        return whole(self.data["people"])

    def agrees(self, *, people: int) -> bool:
        """Return whether the page told what this costs to so many `people` (N1).

        The number still in the field is one more than it was told for, and a text of one part is what all expect. A
        longer list, or a text that takes more parts than the page said, is shown with its cost first.
        """
        expected = max(whole(self.data["parts_each"]), 1)
        told = self.shown is not None and 0 <= people - self.people_shown <= 1
        return told and parts.split(self.finished).count <= expected

    @property
    def moment(self) -> datetime:
        """When it goes: the chosen moment, or now."""
        self.full_clean()
        return self.cleaned_data["later"] if self.cleaned_data.get("later") else self.now

    def add(self) -> None:
        """Take over what stands in the field Mobile; a number that stands there already counts once."""
        typed = entries(self.data["mobile"])
        self.adding_nothing = not typed
        self._change(to="\n".join([self.data["to"], self.data["mobile"]]), mobile="")

    def remove(self, typed: str) -> None:
        """Take out the recipient that was typed so."""
        self.put(each for each in self.recipients.typed if each != typed)

    def remove_bad(self) -> None:
        """Take out all that no SMS can go to."""
        bad = {person.typed for person in self.recipients.bad}
        self.put(each for each in self.recipients.typed if each not in bad)

    def keep_first(self, many: int) -> None:
        """Keep the first recipients only, in the shown order; who came from a list then stands by name and number."""
        self.put(person.typed for person in self.recipients.people[:many])

    def pick(self, seen: Sequence[str], ticked: Sequence[str]) -> None:
        """Take over what was ticked in the picker, and take out what was `seen` there and is ticked no longer."""
        country, taken = self.user.country, set(ticked)
        chosen = {key(one, country=country): entry(*one) for one in entries(self.data["to"])}
        for one in entries("\n".join(each for each in seen if each not in taken)):
            chosen.pop(key(one, country=country), None)
        for one in entries("\n".join(ticked)):
            chosen.setdefault(key(one, country=country), entry(*one))
        self.put(chosen.values())

    def repair(self, number: str, typed: str) -> None:
        """Put `number` (E.164) where `typed` stands, under the same name."""
        names = {each.typed: each.name for each in self.recipients.people}
        kept = self.recipients.typed
        self.put(entry(names.get(each, ""), number) if each == typed else each for each in kept)

    def put(self, typed: Iterable[str]) -> None:
        """Let the recipients be what was `typed`, one entry each."""
        self._change(to="\n".join(typed))

    def ask_for(self, countries: Sequence[str]) -> None:
        """Let the next Send confirm that SMS to these countries are meant, beside those confirmed before."""
        self._change(confirmed=" ".join([*self.data["confirmed"].split(), *countries]))

    def replace(self) -> None:
        """Write the costly characters plainly (N8)."""
        self._change(text=parts.plain(self.data["text"]))

    def new_token(self) -> None:
        """Make it another SMS than the one that its token was used for."""
        self._change(token=_token(""))

    def ready_to_send(self) -> bool:
        """Return whether nothing is missing or wrong; from here on every field says what is."""
        self.sending = True
        self._errors = None
        return self.is_valid()

    def clean_mobile(self) -> str:
        """Say that a number is missing, where one is."""
        if self.adding_nothing and not self.sending:
            raise ValidationError(_("Type a number first, for example +32 475 12 34 56."))
        if self.sending and not self.recipients.people:
            raise ValidationError(_("Add at least one number."))
        return str(self.cleaned_data["mobile"])

    def clean_to(self) -> str:
        """Say how many recipients need a cure first."""
        bad = len(self.recipients.bad) if self.sending else 0
        if bad:
            told = ngettext(
                "One number cannot get this SMS. Choose a cure or take it out.",
                "%(many)s numbers cannot get this SMS. Choose a cure or take them out.", bad,
            )  # fmt: skip
            raise ValidationError(told % {"many": bad})
        return str(self.cleaned_data["to"])

    def clean_text(self) -> str:
        """Say that the text is missing, or by how much it is too long, signature included."""
        text = self.finished
        if self.sending and not text.strip():
            raise ValidationError(_("Write a message."))
        try:
            parts.within_limit(text)
        except parts.TooLong as long:
            told = _("The text takes %(length)s characters; at most %(most)s fit. Shorten it by %(over)s.")
            if self.sending:
                figures = {"length": long.length, "most": long.most, "over": long.length - long.most}
                raise ValidationError(told % figures) from None
        return text

    def clean_later(self) -> datetime | None:
        """Return the moment, from a wall clock in the user's zone: a time that does not exist is an hour later."""
        typed = self.cleaned_data["later"].strip()
        if not typed:
            return None
        try:
            moment = datetime.fromisoformat(typed).replace(tzinfo=ZoneInfo(self.user.zone_name)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValidationError(_("Give a day and an hour, for example 2027-03-01 14:30.")) from None
        if moment <= self.now:
            raise ValidationError(_("This moment is past. Choose a later one, or leave it empty to send now."))
        if moment > self.now + FURTHEST:
            raise ValidationError(_("Choose a moment within a year from now."))
        return moment

    def request(self) -> Request:
        """Return what is to be submitted. The form must be ready to send."""
        to = [Recipient(person.typed, person.name, person.reading) for person in self.recipients.people]
        text, later = self.finished, self.cleaned_data["later"]
        agreed = self.shown.agreed(parts.split(text).count * len(to)) if self.shown and not later else None
        return Request(
            user=self.user, text=text, to=to, occasion=Message.Occasion.FORM,
            request_key=self.data["token"], release_at=later, agreed=agreed,
            not_before=None if later else self.now + FORM_DELAY, confirmed=frozenset(self.data["confirmed"].split()),
        )  # fmt: skip

    def _change(self, **values: str) -> None:
        self.data = {**self.data, **values}
        self.__dict__.pop("recipients", None)
        self._errors = None


class HistoryForm(forms.Form):
    """What the history is narrowed to; it stands in the address as q, state, from and to."""

    q = forms.CharField(
        label=_("Name, number or words"), required=False, max_length=100,
        widget=forms.TextInput({"type": "search", "autocomplete": "off"}),
    )  # fmt: skip
    state = forms.ChoiceField(label=_("State"), required=False, choices=[("", _("all")), *history.STATES.items()])

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(data)
        self.fields["from"], self.fields["to"] = _day(_("From")), _day(_("Up to"))

    @property
    def wanted(self) -> history.Filter:
        """The filter, without what could not be read."""
        self.full_clean()
        read = self.cleaned_data
        return history.Filter(read.get("q", ""), read.get("state", ""), read.get("from"), read.get("to"))


def _day(label: "StrOrPromise") -> forms.DateField:
    widget = forms.DateInput({"type": "date", "min": FIRST_DAY.isoformat()}, format="%Y-%m-%d")
    first = MinValueValidator(FIRST_DAY, _("Choose a day from the year 2000 on."))
    return forms.DateField(
        label=label, required=False, widget=widget, input_formats=["%Y-%m-%d"], validators=[first]
    )  # fmt: skip


def whole(posted: str) -> int:
    """Return the number that was posted, 0 where it is none."""
    return int(posted) if posted.isascii() and posted.isdigit() and len(posted) < 8 else 0


def _token(posted: str) -> str:
    """Return the one-use token that was posted, or a new one where it is none."""
    try:
        return str(uuid.UUID(posted))
    except ValueError:
        return str(uuid.uuid4())
