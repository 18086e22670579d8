"""The history as lines of a table, safe to open in a spreadsheet.

A cell that begins with `=`, `+`, `-`, `@`, a tab or a line end can be taken for a formula, so it gets an apostrophe
before it: a spreadsheet shows it as text. Phone numbers begin with `+` and get it too, or they become 3.2475E+10.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from contacts.templatetags.figures import money
from sms.history import share_of_allowance
from sms.models import REFUNDED, Delivery, Message

FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe(cell: str) -> str:
    """Return `cell` as it can stand in a spreadsheet (OWASP, "CSV injection")."""
    return f"'{cell}" if cell.startswith(FORMULA_BEGINS) else cell


def rows(lines: Iterable[Mapping[str, Any]]) -> Iterator[list[str]]:
    """Yield the head and a row for each line of `history.lines`, in the language and the time zone of the reader."""
    states = {state.value: str(state.label) for state in [*Message.State, *Delivery.State]}
    receipts = {receipt.value: str(receipt.label) for receipt in Delivery.Receipt}
    occasions = {occasion.value: str(occasion.label) for occasion in Message.Occasion}
    yield _head()
    for line in lines:
        yield [safe(cell) for cell in _row(line, states, receipts, occasions)]


def _head() -> list[str]:
    return [
        _("Written"), _("Number"), _("Name"), _("Message"), _("State"), _("Left at"), _("SMS"), _("From the allowance"),
        _("From the balance"), _("Paid back"), _("Gateway"), _("Reference"), _("Receipt"), _("Made by"),
    ]  # fmt: skip


def _row(
    line: Mapping[str, Any], states: Mapping[str, str], receipts: Mapping[int, str], occasions: Mapping[str, str]
) -> list[str]:
    state = line["deliveries__state"]
    pockets = _pockets(line) if state else ["", "", ""]
    return [
        _moment(line["created_at"]), line["deliveries__number"] or "", line["deliveries__name"] or "", line["text"],
        states[state or line["state"]], _moment(line["deliveries__sent_at"]), *pockets,
        (_("yes") if state in REFUNDED else _("no")) if state else "",
        line["deliveries__gateway"] or "", line["deliveries__reference"] or "",
        receipts[line["deliveries__receipt"]] if line["deliveries__receipt"] else "", occasions[line["occasion"]],
    ]  # fmt: skip


def _pockets(line: Mapping[str, Any]) -> list[str]:
    """Return the parts of one delivery, those of the allowance, and the money."""
    each = line["parts_each"]
    share = share_of_allowance(
        position=line["deliveries__position"], parts_each=each, from_allowance=line["from_allowance"]
    )
    return [str(each), str(share), money((each - share) * line["price"])]


def _moment(at: datetime | None) -> str:
    return f"{localtime(at):%Y-%m-%d %H:%M:%S}" if at else ""
