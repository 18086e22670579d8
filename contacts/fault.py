"""Named points at which a process may die. In production nothing happens there; chaos tests put a handler in place.

Every point of the send and money path where a crash would matter calls `hit` with a name of its own, a literal:
`tests/chaos` collects the names from the source and shows that each was really hit.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_handler: Callable[[str], None] | None = None


def hit(name: str) -> None:
    """Say that this process has come to the point `name`; raises what the handler of a test raises."""
    if _handler is not None:
        _handler(name)


def install(handler: Callable[[str], None] | None) -> None:
    """Have `handler` called at every point, in all threads of this process; None takes it away."""
    global _handler  # noqa: PLW0603
    _handler = handler


@contextmanager
def installed(handler: Callable[[str], None]) -> Iterator[None]:
    """Have `handler` called at every point within this block; then whatever was there before."""
    before = _handler
    install(handler)
    try:
        yield
    finally:
        install(before)
