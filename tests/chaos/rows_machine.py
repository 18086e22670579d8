"""M8: the state machine of `machine.py` in its long form, on both databases at once."""

from tests import databases
from tests.chaos.office import World, open_office
from tests.chaos.verdicts import Report

STEPS_EACH = 30


def m8(world: World) -> Report:
    """Random rules over ledger and deliveries; the invariants after every step, on PostgreSQL and SQLite."""
    report = Report("M8")
    examples = max(4, world.figure(1_000_000 // 500) // STEPS_EACH)
    with open_office(world, "M8") as office, databases.on_sqlite(world.folder) as file:
        on_postgresql = office.start("tests.chaos.rows_machine.run", examples=examples, seed=world.seed)
        there = world.zygote.database
        world.zygote.database = file.url
        on_sqlite = office.start("tests.chaos.rows_machine.run", examples=examples, seed=world.seed + 1)
        world.zygote.database = there
        for name, child in (("postgresql", on_postgresql), ("sqlite", on_sqlite)):
            told = child.result(seconds=1800)
            report.counts[f"steps_{name}"] = told["steps"]
            report.violated([f"{name}: {told['broken']}"] if told["broken"] else [])
            report.sometimes[f"steps on {name}"] += told["steps"]
    report.happened("steps on postgresql", "steps on sqlite")
    return report


def run(*, examples: int, seed: int) -> dict[str, object]:
    """Run the machine; return its steps and, where it broke, how."""
    from hypothesis import HealthCheck, Phase, settings
    from hypothesis import seed as with_seed
    from hypothesis.stateful import run_state_machine_as_test

    from tests.chaos.machine import Ledger

    asked = settings(
        max_examples=examples, stateful_step_count=STEPS_EACH, deadline=None, database=None,
        phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    seeded = with_seed(seed)(type("Ledger", (Ledger,), {}))
    try:
        run_state_machine_as_test(seeded, settings=asked)
    except Exception as broken:
        return {"steps": Ledger.steps, "broken": f"{type(broken).__name__}: {broken}"[:1500]}
    return {"steps": Ledger.steps, "broken": ""}
