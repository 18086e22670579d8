"""`manage.py copy_from sqlite:///…`: copies another office into the empty database of DATABASE_URL."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from contacts import clock
from office import books, copying


class Command(BaseCommand):
    help = "Copies a whole office into this empty database, all or nothing; both are held until you release this one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("address", metavar="DATABASE", help="the office to copy, as in DATABASE_URL")

    def handle(self, *_: Any, address: str, **__: Any) -> None:
        now = clock.now()
        try:
            copied = copying.copy(address, now=now)
        except copying.CannotCopy as why:
            raise CommandError(str(why)) from None
        self.stdout.write("".join(f"{rows:>9}  {table}\n" for table, rows in copied.items() if rows))
        found = list(books.check(now=now))
        self.stdout.write("\n".join(found) if found else "The books are right.")
        self.stdout.write("The office that was copied hands nothing over any more. Look at this one, then type")
        self.stdout.write("`manage.py release`.")
