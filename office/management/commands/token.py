"""`manage.py token USER`: prints an API token of that user, and nothing else."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from contacts import clock
from contacts.models import User
from office import tokens


class Command(BaseCommand):
    help = (
        "Prints a new API token of a user, for scripts and checks. It cannot be shown again; earlier ones stay valid."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", metavar="USER", help="the name to sign in with")
        parser.add_argument("--name", default="manage.py token", help="what it is for, as the user's settings show it")

    def handle(self, *_: Any, user: str, name: str, **__: Any) -> None:
        found = User.objects.filter(username=user).first()
        if found is None:
            raise CommandError(f"There is no user {user!r}. `manage.py user {user}` makes one.")
        if not found.is_active:
            raise CommandError(f"The user {user!r} is switched off, so a token would open nothing.")
        self.stdout.write(tokens.make(found, name=name[: tokens.NAME_LENGTH], now=clock.now()))
