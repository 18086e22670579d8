"""Every periodic task of the office, on one page. Beat sends them; `manage.py dispatcher` runs them without a broker.

Each task is "do what is due": safe to run twice, at once, late or never. The clock that decides what is due is the
database's rows, not this list, so a missed tick costs one tick.
"""

from dataclasses import dataclass
from typing import Any

from django.conf import settings

SECOND, MINUTE, HOUR = 1.0, 60.0, 3600.0
SHORTEST_LIFE = 10.0  # seconds; clocks of two machines differ by less


@dataclass(frozen=True, slots=True)
class Entry:
    """A task by its dotted path, run every so many seconds, with at most a gateway's alias."""

    task: str
    every: float
    args: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The task, and the alias where there is one: unique on this page."""
        return " ".join((self.task, *self.args))

    @property
    def expires(self) -> float:
        """Seconds after which a tick that nobody took is dropped, so that ticks do not pile up."""
        return max(2 * self.every, SHORTEST_LIFE)


ENTRIES = (
    Entry("sms.tasks.release", every=SECOND),
    Entry("sms.tasks.settle_receipts", every=SECOND),
    Entry("sms.tasks.sweep", every=5 * SECOND),
    Entry("contacts.tasks.mail_notices", every=15 * SECOND),
    Entry("credit.tasks.mail_receipts", every=15 * SECOND),
    Entry("credit.tasks.ask_top_ups", every=MINUTE),
    Entry("credit.tasks.ask_missed", every=HOUR / 2),
    Entry("contacts.tasks.import_files", every=SECOND),
    Entry("office.tasks.pulse", every=5 * SECOND),
    Entry("office.tasks.warn_of_credit", every=10 * MINUTE),
    # hourly and not at night: an office on one machine may only be awake by day
    Entry("office.tasks.prune", every=HOUR),
    Entry("credit.tasks.prune_limits", every=HOUR),
    Entry("contacts.tasks.forget_contacts", every=HOUR),
    Entry("office.tasks.clear_sessions", every=HOUR),
    Entry("office.tasks.audit", every=HOUR),
    Entry("contacts.tasks.forget_imports", every=HOUR),
)


def entries() -> list[Entry]:
    """Return the whole schedule: what each gateway needs, and the rest."""
    return [*(entry for alias in settings.SMS_GATEWAYS for entry in of_gateway(alias)), *ENTRIES]


def of_gateway(alias: str) -> list[Entry]:
    """Return what the gateway `alias` needs."""
    return [
        Entry("sms.tasks.drain", every=SECOND, args=(alias,)),
        Entry("sms.tasks.ask_unknown", every=MINUTE, args=(alias,)),
    ]


def for_beat() -> dict[str, dict[str, Any]]:
    """Return the schedule in the shape that Celery's beat reads."""
    return {
        entry.name: {
            "task": entry.task,
            "schedule": entry.every,
            "args": entry.args,
            "options": {"expires": entry.expires, "retry": False},
        }
        for entry in entries()
    }
