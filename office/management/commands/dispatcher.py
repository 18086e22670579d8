"""`manage.py dispatcher [ALIAS]`: the due-work loop without Celery; with ALIAS one gateway's own process."""

import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from office import dispatcher, schedule, start_up
from office.management.commands.hold import require_gateway


class Command(BaseCommand):
    help = "Does what the schedule says, without Celery and its broker. SIGTERM finishes the calls under way."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("alias", nargs="?", default="", metavar="ALIAS", help="one gateway; default: everything")

    def handle(self, *_: Any, alias: str, **__: Any) -> None:
        try:
            start_up.require_office()
        except start_up.CannotStart as reason:
            raise CommandError(str(reason), returncode=2) from None
        require_gateway(alias)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: dispatcher.stop())
        if alias:
            dispatcher.run_gateway(alias)
        else:
            dispatcher.run([entry for entry in schedule.entries() if entry.task != "office.tasks.pulse"])
