# ruff: noqa: E501
# fmt: off
"""The protections of credit: charging, limits and top-ups."""

from collections.abc import Iterator

from tests.chaos.sabotage.protection import Protection, cut

CHARGING = "tests/credit/test_charging.py"
LIMITS = "tests/credit/test_limits.py"
TOPPING_UP = "tests/credit/test_topping_up.py"
CHECKOUT = "tests/credit/test_checkout.py"


def money() -> Iterator[Protection]:
    """Yield all."""
    yield from _charging()
    yield from _counters()
    yield from _lists()
    yield from _top_ups()
    yield from _stripe()


def _charging() -> Iterator[Protection]:
    path = "credit/charging.py"
    yield cut("credit moves in the transaction of what it pays for", path, "if not connection.in_atomic_block:", "if False:", f"{CHARGING}::transaction")
    yield cut("accounts are locked", path, 'Account.objects.select_for_update(of=("self",))', "Account.objects", f"{CHARGING}::eight_processes postgresql")
    yield cut("a refund into a month that is over lapses", path, "if window and (window.ends_at <= now or window.pk not in running):", "if False:", f"{CHARGING}::month_that_is_over")
    yield cut("a refund by a clock that is behind lapses too", path, "if window and (window.ends_at <= now or window.pk not in running):", "if window and window.ends_at <= now:", f"{CHARGING}::clock_that_is_behind")
    yield cut("the window of a charge is this month's", path, "Allowance.objects.filter(account__in=accounts, ends_at__gt=now)", "Allowance.objects.filter(account__in=accounts)", f"{CHARGING}::lapse")
    yield cut("what was agreed is what is charged", path, "if charge.agreed is not None and charge.agreed !=", "if False and charge.agreed !=", f"{CHARGING}::agreed")
    yield cut("what is missing is not charged", path, "    if cost.missing_parts:\n", "    if False:\n", f"{CHARGING}::too_little")
    yield cut("a debt blocks both pockets", path, "missing = parts if debt else rest - affordable", "missing = rest - affordable", f"{CHARGING}::both_pockets")
    yield cut("what comes pays the debt first", path, "account.balance, account.debt = max(worth, 0), max(-worth, 0)", "account.balance, account.debt = account.balance + max(amount, 0) if owed else max(worth, 0), owed or max(-worth, 0)", f"{TOPPING_UP}::debt")
    yield cut("an adjustment takes no more money than there is", path, "(change.amount < 0 and locked.balance + change.amount < 0) or ", "", f"{CHARGING}::adjustment_takes")
    yield cut("an adjustment takes no more parts than there are", path, " or allowance.available + change.parts < 0:", ":", f"{CHARGING}::adjustment_takes")
    yield cut("an adjustment has a reason", path, "if not change.why.strip():", "if False:", f"{CHARGING}::adjustment")


def _counters() -> Iterator[Protection]:
    path = "credit/limit_sql.py"
    yield cut("a counter adds to what is there", path, "SET used = credit_limitcount.used + excluded.used", "SET used = excluded.used", f"{LIMITS}::fits")
    yield cut("the counter of a number adds to what is there", path, "SET used = credit_numbercount.used + excluded.used", "SET used = excluded.used", f"{LIMITS}::counts_messages")
    yield cut("what is past its limit is said, on PostgreSQL", path, "WHERE w.used > l.most", "WHERE w.used > l.most + 1", f"{LIMITS}::fits postgresql")
    yield cut("what is past its limit is said, on SQLite", path, "if row[3] > most[row[0]]", "if row[3] > most[row[0]] + 1", f"{LIMITS}::fits")
    yield cut("all lock the numbers in one order", path, " ORDER BY l.limit_id, t.number", "", f"{LIMITS}::another_order postgresql")
    yield cut("what is taken back is of its limit", path, "{table}.limit_id = t.limit_id AND {table}.{column}", "{table}.{column}", "tests/credit/test_limit_sql.py")
    yield cut("what is taken back is of its user or number", path, " AND {table}.{column} = t.{column}", "", "tests/credit/test_limit_sql.py")
    yield cut("what is taken back is of its window", path, "\n                            AND {table}.minute = t.minute", "", "tests/credit/test_limit_sql.py")
    path = "credit/limits.py"
    yield cut("all lock the shared counters in one order", path, "sorted(shared, key=lambda key: (*places[key.limit_id], key.of, key.starts_at))", "list(shared)", f"{LIMITS}::one_order")
    yield cut("a limit is not passed by one", path, "if stand[key] + amounts[key] > most[key.limit_id]:", "if stand[key] + amounts[key] > most[key.limit_id] + 1:", f"{LIMITS}::fits")
    yield cut("what was refused is not counted", path, "    give_back([sending for sending, key in zip(sendings, over, strict=True) if key], read, now=now)\n", "", f"{LIMITS}::batch", f"{LIMITS}::cannot_be_paid", f"{LIMITS}::taken_back")
    yield cut("what cannot be paid is not counted", "sms/submission.py", "        give_back([item.sending for item in unpaid], rules, now=now)\n", "", f"{LIMITS}::cannot_be_paid")
    yield cut("the limit of a number", path, "return [row for row in read.limits if row.kind == Kind.NUMBER and row.most is not None]", "return []", f"{LIMITS}::counts_messages")
    yield cut("the limit of a number decides within a batch", path, "Key(row.id, number, starts_at), 1)", "Key(row.id, number, starts_at), 0)", f"{LIMITS}::counts_messages", f"{LIMITS}::batch")
    yield cut("new accounts have a limit of their own", path, "{Kind.USER, Kind.NEW_USER} if now - user.date_joined < NEW_FOR else {Kind.USER}", "{Kind.USER}", f"{LIMITS}::fits")
    yield cut("limits count what one sends", "sms/submission.py", "    over = allowed.count([item.sending for item in items], rules, now=now)\n", "    over = [None for item in items]\n", f"{LIMITS}::fits", f"{LIMITS}::planned")
    yield cut("the office at its limit raises the alarm", "sms/allowed.py", "    alarm.raise_where_the_office_is_at_its_limit(reached, now=now)\n", "", f"{LIMITS}::limit_of_the_office")
    yield cut("few SMS go to a country that is not confirmed", path, "new = read.new_countries(sending.countries, sending.user) if sending.confirmed is None else ()", "new = ()", f"{LIMITS}::nobody_can_be_asked")
    yield cut("the limit of a country that has no row", path, "    yield from ((name, many) for name, many in sending.countries.items() if name not in taken)\n", "    yield from ()\n", f"{LIMITS}::each_country", f"{LIMITS}::first_sms_to")
    yield cut("the limit of a country", path, "yield from [(row.of, sending.countries[row.of])] if row.of in sending.countries else ()", "yield from ()", f"{LIMITS}::each_country", f"{LIMITS}::first_sms_to")


def _lists() -> Iterator[Protection]:
    path = "credit/limits.py"
    asked_not = f"{LIMITS}::asked"
    yield cut("the block list of the office", path, "(number, None) in self.blocked or ", "", asked_not)
    yield cut("the block list of a user", path, " or (number, user.pk) in self.blocked:", ":", asked_not)
    yield cut("refused ranges", path, "return Reason.REFUSED_RANGE if self.ranges and number.startswith(tuple(self.ranges)) else None", "return None", f"{LIMITS}::range")
    yield cut("who blocks for oneself blocks for nobody else", path, "(number, user.pk) in self.blocked", "number in {each for each, _user in self.blocked}", f"{LIMITS}::each_users_own")
    yield cut("a new country is confirmed by oneself", path, "and (user.pk, each) not in self.known", "and each not in {country for _user, country in self.known}", f"{LIMITS}::each_users_own")
    path = "sms/allowed.py"
    yield cut("a number that gets no SMS is refused", path, "    if barred:\n", "    if False:\n", asked_not, f"{LIMITS}::range")
    yield cut("a new country is confirmed first", path, "return NewCountry(new) if new else None", "return None", f"{LIMITS}::first_sms_to_a_country")
    yield cut("what was not confirmed is not known", path, "new = _new_countries(sending, rules) if sending.confirmed else set()", "new = _new_countries(sending, rules)", f"{LIMITS}::nobody_can_be_asked")
    yield cut("what is refused confirms nothing", "sms/submission.py", "agreed_to = [item.sending for item in permitted if not refusals.get(id(item))]", "agreed_to = [item.sending for item in fresh.values()]", f"{LIMITS}::first_sms_to_a_country")
    yield cut("a planned SMS leaves out who asked not", "sms/releasing.py", "if number not in barred]", "]", asked_not)


def _top_ups() -> Iterator[Protection]:
    path = "credit/topping_up.py"
    differs = f"{TOPPING_UP}::differs"
    for word in ("mode", "currency", "amount", "account", "payment"):
        yield cut(f"a payment of another {word} is not credited", path, f'        "{word}": (', f'        "{word}": (0, 0) and (0, 0) if True else (', differs, within="doubt_of")
    yield cut("a payment of another session is not credited", path, '        "session": (', '        "session": (0, 0) and (0, 0) if True else (', f"{TOPPING_UP}::session")
    yield cut("what is in doubt is not credited", path, "        if top_up.doubt:\n", "        if False:\n", differs)
    yield cut("staff is told of what is in doubt", path, "            _tell_staff_of_doubt(top_up, now=now)\n", "            pass\n", differs)
    yield cut("what is paid is credited once", path, "        if top_up.state == TopUp.State.PAID:\n            return\n", "", f"{TOPPING_UP}::TestOneWord")
    yield cut("an account is locked before its top-up is read", path, "account = lock(pk__in=[account_id])[account_id]", "account = Account.objects.get(pk=account_id)", f"{TOPPING_UP}::at_once postgresql")
    yield cut("what is paid does not expire", path, "TopUp.objects.filter(pk=_uuid(reference), state=TopUp.State.OPEN).update", "TopUp.objects.filter(pk=_uuid(reference)).update", f"{TOPPING_UP}::TestOneWord")
    yield cut("an older word changes nothing", path, ", rank__lt=told.rank)", ")", f"{TOPPING_UP}::TestOneWord")
    yield cut("a word counts for its own payment", path, "filter(reference=told.reference, payment=told.payment,", "filter(reference=told.reference,", f"{TOPPING_UP}::TestOneWord")
    yield cut("what is taken back is given back once", path, "if reversal.booked and reversal.standing != Reversal.Standing.TAKEN:", "if reversal.standing != Reversal.Standing.TAKEN:", f"{TOPPING_UP}::TestOneWord")
    yield cut("what is taken back is taken once", path, "if not reversal.booked and reversal.standing == Reversal.Standing.TAKEN:", "if reversal.standing == Reversal.Standing.TAKEN:", f"{TOPPING_UP}::TestOneWord")
    yield cut("no more is refunded than was paid", path, "        if top_up.refunded + reversal.amount > top_up.amount:\n            return\n", "", f"{TOPPING_UP}::exceed")
    yield cut("no more is ordered back than is left", path, "not 0 < amount <= refundable(locked[0])", "not 0 < amount", f"{CHECKOUT}::left", "tests/credit/test_staff_refunds.py")
    yield cut("something is ordered back", path, "not 0 < amount <= refundable(locked[0])", "not amount <= refundable(locked[0])", f"{CHECKOUT}::left_to_order")
    yield cut("what was ordered back is not left", path, "top_up.amount - asked - (taken", "top_up.amount - (taken", f"{CHECKOUT}::left", "tests/credit/test_staff_refunds.py")
    yield cut("what was taken back is not left", path, ' - (taken.aggregate(all=Sum("amount"))["all"] or 0), 0)', ", 0)", f"{TOPPING_UP}::left_to_pay_back")
    yield cut("few payment pages are open", path, ">= MOST_OPEN:", ">= 999:", f"{TOPPING_UP}::pages_open")


def _stripe() -> Iterator[Protection]:
    path = "credit/checkout.py"
    story = f"{TOPPING_UP}::TestOneWord"
    yield cut("an event is signed", path, "        stripe.WebhookSignature.verify_header(text, signature, settings.STRIPE_WEBHOOK_SECRET, TOLERANCE)\n", "", story)
    yield cut("an event is fresh", path, "settings.STRIPE_WEBHOOK_SECRET, TOLERANCE)", "settings.STRIPE_WEBHOOK_SECRET, None)", story)
    yield cut("without a secret there is no such address", "credit/views.py", "    if not settings.STRIPE_WEBHOOK_SECRET:\n", "    if False:\n", f"{TOPPING_UP}::no_secret")
    yield cut("an event of the other mode changes nothing", path, 'event.get("livemode") is not is_live() or ', "", f"{TOPPING_UP}::TestOneWord")
    yield cut("an event of another's account changes nothing", path, ' or event.get("account"):', ":", f"{TOPPING_UP}::TestOneWord")
    yield cut("a refund in another currency changes nothing", path, "        or currency.upper() != settings.CURRENCY\n", "", f"{TOPPING_UP}::TestOneWord")
    yield cut("a refund of the other mode changes nothing", path, '        or told.get("livemode", is_live()) is not is_live()\n', "", f"{TOPPING_UP}::TestOneWord")
    yield cut("a lost answer makes no second payment page", path, '{"idempotency_key": f"top-up-{top_up.pk}"}', "{}", f"{CHECKOUT}::lost_answer")
    yield cut("a lost answer makes no second refund", path, '{"idempotency_key": f"refund-{order.pk}"}', "{}", f"{CHECKOUT}::RefundsOfStaff")
    yield cut("what has ended at Stripe is not opened again", path, 'if told.get("status") != "open" or not told.get("url"):', "if False:", f"{CHECKOUT}::who_is_back", f"{CHECKOUT}::declined", f"{CHECKOUT}::cancels", f"{CHECKOUT}::has_ended")
    yield cut("what is not paid is not credited", path, 'if told.get("payment_status") == "paid":', "if True:", f"{TOPPING_UP}::TestOneWord")
