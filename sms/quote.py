"""What an SMS will cost and which pocket pays, before it is sent (N1, S12). Reads; takes nothing."""

from dataclasses import dataclass
from datetime import datetime

from contacts.models import User
from credit.allowance import Standing, standing
from credit.charging import split
from sms import parts


@dataclass(frozen=True, slots=True)
class Quote:
    """The cost of one text to `recipients` numbers. Parts are whole numbers; money is in 1/10,000 of the currency.

    `payable` is how many recipients can be paid, in the shown order; `left_…` is what remains after sending to all,
    or what there is now where it cannot be paid.
    """

    recipients: int
    parts_each: int
    parts: int
    encoding: str
    price: int
    from_allowance: int
    from_balance: int
    left_allowance: int
    left_balance: int
    missing_parts: int
    missing_amount: int
    payable: int

    @property
    def enough(self) -> bool:
        """Whether allowance and balance together pay for all."""
        return self.missing_parts == 0

    @property
    def agreed(self) -> tuple[int, int]:
        """The split that a person agrees to by sending: parts from the allowance, units from the balance."""
        return self.from_allowance, self.from_balance


def quote(user: User, *, text: str, recipients: int, now: datetime) -> Quote:
    """Return what `text`, finished, to `recipients` numbers costs `user` at `now`."""
    return quote_from(standing(user, now=now), text=text, recipients=recipients)


def quote_from(has: Standing, *, text: str, recipients: int) -> Quote:
    """Return the quote for somebody who `has` this to spend."""
    cut = parts.split(text)
    total = cut.count * recipients
    cost = split(total, available=has.available, balance=has.balance, price=has.price, debt=has.debt)
    paid = cost.missing_parts == 0
    return Quote(
        recipients=recipients,
        parts_each=cut.count,
        parts=total,
        encoding=cut.encoding,
        price=has.price,
        from_allowance=cost.from_allowance,
        from_balance=cost.from_balance,
        left_allowance=has.available - cost.from_allowance if paid else has.available,
        left_balance=has.balance - cost.from_balance if paid else has.balance,
        missing_parts=cost.missing_parts,
        missing_amount=cost.missing_amount,
        payable=recipients if paid else (total - cost.missing_parts) // cut.count,
    )


def signed(text: str, user: User) -> str:
    """Return the text with the user's signature on a line of its own, as it is counted and sent (S22)."""
    signature = user.signature.strip()
    return f"{text.rstrip()}\n{signature}" if signature and text.strip() else text
