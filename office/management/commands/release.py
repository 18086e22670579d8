"""`manage.py release [ALIAS]`: lets hand-over go on after `hold`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from office.management.commands.hold import what_of
from sms import holding
from sms.models import Slot


class Command(BaseCommand):
    help = "Lets the hand-over of SMS go on after `hold`."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("alias", nargs="?", default=holding.ALL, metavar="ALIAS", help="one gateway; default: all")

    def handle(self, *_: Any, alias: str, **__: Any) -> None:
        was_held = holding.release(alias=alias)
        self.stdout.write(f"{what_of(alias)} goes on." if was_held else f"{what_of(alias)} was not held.")
        for slot in Slot.objects.filter(held_at__isnull=False).order_by("alias"):
            self.stdout.write(f"{what_of(slot.alias)} is still held: {slot.held_why}")
