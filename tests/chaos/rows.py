"""The rows of FAULTS.md that are built, by their names, in the order in which a run does them."""

from collections.abc import Callable

from tests.chaos import (
    rows_contacts,
    rows_gateway,
    rows_kills,
    rows_limits,
    rows_machine,
    rows_money,
    rows_payments,
    rows_points,
    rows_servers,
    rows_time,
)
from tests.chaos.office import World
from tests.chaos.verdicts import Report

ROWS: dict[str, Callable[[World], Report]] = {
    "R1": rows_kills.r1,
    "R2": rows_points.r2,
    "R3": rows_servers.r3,
    "R4": rows_time.r4,
    "R5": rows_kills.r5,
    "R6": rows_servers.r6,
    "R7": rows_money.r7,
    "R8": rows_time.r8,
    "R10": rows_money.r10,
    "R11": rows_gateway.r11,
    "R12": rows_gateway.r12,
    "R14": rows_servers.r14,
    "G1": rows_gateway.g1,
    "G3": rows_gateway.g3,
    "M1": rows_money.m1,
    "M2": rows_money.m2,
    "M3": rows_payments.m3,
    "F1": rows_limits.f1,
    "P10": rows_contacts.p10,
    "M8": rows_machine.m8,
}
