"""`manage.py hold --why "…" [ALIAS]`: stops all hand-over, or one gateway's, at the next claim."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from contacts import clock
from sms import holding


class Command(BaseCommand):
    help = "Stops handing SMS over. What is accepted waits; `release` lets it go on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("alias", nargs="?", default=holding.ALL, metavar="ALIAS", help="one gateway; default: all")
        parser.add_argument("--why", required=True, help="the reason, for whoever looks next")

    def handle(self, *_: Any, alias: str, why: str, **__: Any) -> None:
        if not why.strip():
            raise CommandError("--why needs a reason.")
        require_gateway(alias)
        what = what_of(alias)
        if holding.hold(why=why.strip(), alias=alias, now=clock.now()):
            self.stdout.write(f"{what} is held: nothing more is handed over until you type `manage.py release`.")
        else:
            self.stdout.write(f"{what} was held already; the first reason stays.")


def require_gateway(alias: str) -> None:
    """Raise CommandError for an alias that is no gateway of SMS_GATEWAYS."""
    if alias and alias not in settings.SMS_GATEWAYS:
        raise CommandError(f"{alias!r} is no gateway. SMS_GATEWAYS has: {', '.join(settings.SMS_GATEWAYS) or 'none'}.")


def what_of(alias: str) -> str:
    """Return how to call the gateway, or all of them, at the beginning of a sentence."""
    return f"The gateway {alias}" if alias else "All hand-over"
