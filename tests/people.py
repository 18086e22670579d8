"""People for tests: one owns, one is a colleague in the group, one must see nothing."""

from datetime import UTC, datetime
from typing import Any

from contacts.models import User
from credit import charging
from credit.models import Account, Plan

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
MOBILE = "+32475123456"


def person(name: str = "anna", *, parts: int = 30, balance: int = 50_000, now: datetime = NOW, **record: Any) -> User:
    """Make a user with `parts` a month and a balance in 1/10,000 of the currency, 950 a part."""
    user = User.objects.create_user(name, password="demo-office", **({"mobile": MOBILE, "language": "en"} | record))
    give(user, parts=parts, balance=balance, now=now)
    return user


def give(user: User, *, parts: int, balance: int, now: datetime = NOW) -> Account:
    """Give the user a plan and a balance, through the functions that own them."""
    account = charging.account_of(user)
    plan, _made = Plan.objects.get_or_create(name=f"{parts} a month", defaults={"parts_a_month": parts, "price": 950})
    charging.subscribe(account, plan=plan, now=now)
    if balance:
        charging.adjust(account, charging.Adjustment(parts=0, amount=balance, why="to begin with"), now=now)
    account.refresh_from_db()
    return account


def numbers(count: int, *, start: int = 0) -> list[str]:
    """Return different Belgian mobile numbers in E.164."""
    return [f"+32470{index:06}" for index in range(start, start + count)]
