"""The protections of what comes in from outside beside SMS and money: imports, uploads, figures."""

from collections.abc import Iterator

from tests.chaos.sabotage.protection import Protection, cut

IMPORTS = "tests/contacts/test_imports.py"
METRICS = "tests/office/test_metrics.py::token"


def entrances() -> Iterator[Protection]:
    """Yield all."""
    path = "contacts/import_leases.py"
    leased = "Q(leased_until=None) | Q(leased_until__lt=now), "
    yield cut("an import that another has is not taken", path, leased, "", f"{IMPORTS}::two_workers")
    yield cut(
        "only an import that waits for work is taken", path, ", state__in=AT_WORK", "", f"{IMPORTS}::for_a_person"
    )
    once = "waiting.filter(pk=pk).update"
    yield cut(
        "of two that take an import one gets it",
        path,
        once,
        "ImportBatch.objects.filter(pk=pk).update",
        f"{IMPORTS}::of_two",
    )
    yield cut(
        "who lost an import keeps nothing", path, "leased_until=batch.leased_until, ", "", f"{IMPORTS}::lost_the_lease"
    )
    yield cut(
        "what was cancelled meanwhile is not filed", path, ", state=batch.state)", ")", f"{IMPORTS}::was_cancelled"
    )
    yield cut(
        "who lost an import stops", path, "        raise LostLease\n", "        pass\n", f"{IMPORTS}::lost_the_lease"
    )
    yield cut(
        "an import that always fails ends",
        "contacts/imports.py",
        "batch.tries > MOST_TRIES:",
        "False:",
        f"{IMPORTS}::always_fails",
    )
    twice = "state=_State.READY).update(state=_State.FILING"
    yield cut(
        "an import is filed once",
        "contacts/imports.py",
        twice,
        ").update(state=_State.FILING",
        f"{IMPORTS}::said_twice",
    )
    too_big = "if content_length > MOST_BYTES:"
    yield cut("an upload has a size", "office/upload_size.py", too_big, "if False:", "tests/office/test_upload_size.py")
    path = "office/metrics.py"
    right = 'not constant_time_compare(given, f"Bearer {settings.METRICS_TOKEN}")'
    yield cut("the figures want a token", path, right, "False", METRICS)
    yield cut("without a token there are no figures", path, "not settings.METRICS_TOKEN or ", "", METRICS)
