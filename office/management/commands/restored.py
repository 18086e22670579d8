"""`manage.py restored`: says that this database was put back from a copy, where the office cannot see it by itself."""

from typing import Any

from django.core.management.base import BaseCommand

from contacts import clock
from sms import continuity


class Command(BaseCommand):
    help = "Holds all hand-over and calls unknown what could have left since the copy was made."

    def handle(self, *_: Any, **__: Any) -> None:
        doubted = continuity.declare_restored(now=clock.now())
        self.stdout.write(
            f"All hand-over is held. Of {doubted} SMS nobody can tell whether they left: none of them is sent again, "
            "and what nothing proves in 24 hours is paid back. Type `manage.py release` when you have looked."
        )
