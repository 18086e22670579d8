"""The line under the text: how long it is, what it will cost, which pocket pays, and what to point out (N1, N7, N8)."""

from dataclasses import dataclass

from credit.allowance import Standing
from sms import forecast, parts
from sms.drafts import LONGEST
from sms.forms import ComposeForm, Shown
from sms.hints import CostlyWord, asks_without_address, costly_words
from sms.parts import MAX_PARTS, Parts
from sms.quote import Quote, quote_from


@dataclass(frozen=True, slots=True)
class Cost:
    """What the page says of a text to so many `recipients`; `saving` is in parts for all of them together.

    `planned` SMS go by themselves before the month ends.
    `room` is what fits in the parts that the text takes now. `asks` is the question without an address to answer to.
    """

    letters: int
    cut: Parts
    quote: Quote
    shown: Shown
    words: list[CostlyWord]
    can_be_plain: bool
    saving: int
    asks: bool
    planned: int = 0

    @property
    def room(self) -> int:
        """How many units the parts of the text hold together."""
        return self.cut.limit * max(self.cut.count, 1)

    @property
    def too_long(self) -> bool:
        """Whether the text takes more parts than one SMS may have."""
        return self.cut.count > MAX_PARTS

    @property
    def outgrows_draft(self) -> bool:
        """Whether the draft keeps the beginning of the text only."""
        return self.letters > LONGEST

    @property
    def longest(self) -> int:
        """How many letters the draft keeps."""
        return LONGEST

    @property
    def balance_parts(self) -> int:
        """How many parts the balance pays."""
        return self.quote.parts - self.quote.from_allowance

    @property
    def starves_planned(self) -> bool:
        """Whether planned SMS need more until the month ends than both pockets pay after this (N5)."""
        return bool(self.quote.parts) and self.left_in_all is not None and self.left_in_all < self.planned

    @property
    def left_in_all(self) -> int | None:
        """How many SMS allowance and balance still pay together afterwards; None where a part costs nothing."""
        return None if self.left_in_sms is None else self.quote.left_allowance + self.left_in_sms

    @property
    def left_in_sms(self) -> int | None:
        """How many SMS the balance still pays afterwards; None where a part costs nothing."""
        return self.quote.left_balance // self.quote.price if self.quote.price else None


def cost_of(form: ComposeForm, *, has: Standing, recipients: int) -> Cost:
    """Return what the text on `form` to `recipients` numbers costs somebody who `has` this to spend.

    A text that outgrows the draft is counted, and not searched for dear characters: that would take seconds.
    """
    text = form.finished
    letters = len(form.data["text"])
    looked_at = "" if letters > LONGEST else text
    quote = quote_from(has, text=text, recipients=recipients)
    return Cost(
        letters=letters,
        cut=parts.split(text),
        quote=quote,
        shown=Shown.of(has),
        words=costly_words(form.data["text"]) if looked_at else [],
        can_be_plain=parts.plain(looked_at) != parts.clean(looked_at),
        saving=parts.saving(looked_at) * max(recipients, 1),
        asks=asks_without_address(form.data["text"]) and not form.signs,
        planned=forecast.planned([form.user.pk], until=has.renews_at)[form.user.pk],
    )
