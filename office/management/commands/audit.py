"""`manage.py audit`: proves that the books are right, or names what is off."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from contacts import clock
from office import books


class Command(BaseCommand):
    help = "Checks that balances equal their history and that every delivery was paid once; exit 1 if not."

    def handle(self, *_: Any, **__: Any) -> None:
        off = list(books.check(now=clock.now()))
        for sentence in off:
            self.stdout.write(sentence)
        if off:
            raise CommandError(f"{len(off)} {'thing is' if len(off) == 1 else 'things are'} off.")
        self.stdout.write("The books are right.")
