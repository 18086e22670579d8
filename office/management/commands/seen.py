"""`manage.py seen WHO`: whether worker, dispatcher or dispatcher:ALIAS did something lately; for health checks."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from contacts import clock
from office import seen


class Command(BaseCommand):
    help = "Exit 0 where this worker or dispatcher was seen at work lately, else 1."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("who", metavar="WHO", help="worker, dispatcher or dispatcher:ALIAS")

    def handle(self, *_: Any, who: str, **__: Any) -> None:
        if not seen.lately(who, now=clock.now()):
            raise CommandError(f"{who}: not seen in the last {seen.LATELY.seconds} seconds.")
        self.stdout.write(f"{who}: at work.")
