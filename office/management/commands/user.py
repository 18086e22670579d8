"""`manage.py user NAME --mobile … --parts 30 --balance 5.00`: makes or changes a user and prints a link to sign in."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from contacts import clock
from office import people


class Command(BaseCommand):
    help = "Makes a user, or changes what is given; prints a link, to be used once, to set the password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help="the name to sign in with")
        parser.add_argument("--mobile", help="the user's own mobile number")
        parser.add_argument("--country", help="two capital letters: how numbers without country code are read")
        parser.add_argument("--language", help="nl, fr or en")
        parser.add_argument("--email", help="for notices and lost passwords")
        parser.add_argument("--parts", help="SMS a month; more count at once, fewer from next month")
        parser.add_argument("--balance", help="the balance to have now, such as 5.00; written as an adjustment")
        parser.add_argument("--staff", action="store_true", default=None, help="may use the admin pages, all of them")

    def handle(self, *_: Any, **options: Any) -> None:
        given = {field: options[field] for field in people.Details.__slots__}
        try:
            user, made = people.make_or_change(people.Details(**given), now=clock.now())
        except people.BadDetails as bad:
            raise CommandError(f"{bad}\nNothing was changed.") from None
        self.stdout.write(f"{user.username} was {'made' if made else 'changed'}.")
        self.stdout.write("Set the password here; the link works once:")
        self.stdout.write(people.password_link(user))
