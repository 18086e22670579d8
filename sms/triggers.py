"""Guards the states of a delivery in the database itself: only the moves of the table in ARCHITECTURE are possible.

Also: what was accepted stays what it was (number, message, position), attempts only grow, receipts only go forward.
Installed after every migrate: SQLite drops triggers when a table is remade.
"""

from django.db import connection

NAMES = ("delivery_moves_as_allowed", "delivery_stays_what_it_was", "message_stays_what_it_was")

MOVES = {
    "queued": ("sending", "refused", "cancelled", "expired"),
    "sending": ("sent", "relayed", "queued", "refused", "unknown"),
    "relayed": ("sent", "refused", "unknown"),
    "unknown": ("sending", "sent", "unconfirmed"),
}

_ALLOWED = " OR ".join(
    f"(OLD.state = '{old}' AND NEW.state IN ({', '.join(repr(new) for new in news)}))" for old, news in MOVES.items()
)
# A late yes of an earlier attempt finds the row queued again: it has left, so it is sent.
_MOVE = (
    f"OLD.state <> NEW.state AND NOT ({_ALLOWED} OR (OLD.state = 'queued' AND NEW.state = 'sent' AND OLD.attempt > 0))"
)
_CHANGED = (
    "OLD.number <> NEW.number OR OLD.message_id <> NEW.message_id OR OLD.position <> NEW.position"
    " OR NEW.attempt < OLD.attempt OR NEW.receipt < OLD.receipt"
    " OR (OLD.state = 'sent' AND (OLD.reference <> NEW.reference OR OLD.sent_at <> NEW.sent_at))"
)
_REWRITTEN = (
    "OLD.user_id <> NEW.user_id OR OLD.state IN ('accepted', 'cancelled', 'not_accepted') AND (OLD.state <> NEW.state"
    " OR OLD.text <> NEW.text OR OLD.parts_each <> NEW.parts_each OR OLD.recipients <> NEW.recipients"
    " OR OLD.price <> NEW.price OR OLD.from_allowance <> NEW.from_allowance OR OLD.charge_id <> NEW.charge_id"
    " OR OLD.gateway <> NEW.gateway)"
)
_TRIGGERS = {
    "delivery_moves_as_allowed": ("sms_delivery", _MOVE, "this move of a delivery is not allowed"),
    "delivery_stays_what_it_was": ("sms_delivery", _CHANGED, "what was accepted stays what it was"),
    "message_stays_what_it_was": ("sms_message", _REWRITTEN, "what was accepted stays what it was"),
}
_FUNCTION = """
CREATE OR REPLACE FUNCTION sms_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation'; END $$
"""


def install(**_: object) -> None:
    """Install the triggers anew; a receiver of post_migrate."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_FUNCTION)
        for name, (table, when, sentence) in _TRIGGERS.items():
            if connection.vendor == "postgresql":
                cursor.execute(f"DROP TRIGGER IF EXISTS {name} ON {table}")
                act = f"EXECUTE FUNCTION sms_refuse_change('{sentence}')"
            else:
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
                act = f"BEGIN SELECT RAISE(ABORT, '{sentence}'); END"
            cursor.execute(f"CREATE TRIGGER {name} BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({when}) {act}")
