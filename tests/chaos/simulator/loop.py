"""An event loop whose time is the scheduler's: one per actor, stepped in order, so that a seed repeats exactly."""

import asyncio
import contextvars
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from contextlib import suppress
from heapq import heappop, heappush
from itertools import count
from typing import Any


class Stepped(asyncio.AbstractEventLoop):
    """As much of an event loop as the dispatcher needs. `wait_until(when)` lets the others work until that moment."""

    def __init__(self, *, time: Callable[[], float], wait_until: Callable[[float], None]) -> None:
        self._time, self._wait_until = time, wait_until
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._order = count()
        self._tasks: list[asyncio.Task[Any]] = []

    def run(self, main: Coroutine[Any, Any, Any], *, alive: Callable[[], None]) -> Any:
        """Run `main` to its end; `alive` raises where the actor died in one of its tasks."""
        task = self.create_task(main)
        try:
            while not task.done():
                if not self._ready:
                    self._wait_until(self._timers[0][0])
                self._collect_due()
                self._run_ready()
                alive()
        except BaseException as death:
            self._bury(death)
            raise
        return task.result()

    def _bury(self, death: BaseException) -> None:
        """End the tasks of an actor that died, so that none of their `finally` comes to life again later."""
        for task in self._tasks:
            coroutine = task.get_coro()
            while not task.done() and coroutine.cr_frame is not None:
                with suppress(BaseException):
                    coroutine.throw(death)

    def _collect_due(self) -> None:
        while self._timers and self._timers[0][0] <= self._time():
            handle = heappop(self._timers)[2]
            if not handle.cancelled():
                self._ready.append(handle)

    def _run_ready(self) -> None:
        before = events._get_running_loop()
        events._set_running_loop(self)
        try:
            for _ in range(len(self._ready)):
                handle = self._ready.popleft()
                if not handle.cancelled():
                    handle._context.run(handle._callback, *handle._args)  # type: ignore[attr-defined]
        finally:
            events._set_running_loop(before)

    def time(self) -> float:
        return self._time()

    def call_soon(self, callback: Any, *args: Any, context: contextvars.Context | None = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_at(
        self, when: float, callback: Any, *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        heappush(self._timers, (when, next(self._order), handle))
        return handle

    def call_later(self, delay: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:
        return self.call_at(self._time() + delay, callback, *args, context=context)

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: str | None = None, context: Any = None) -> "asyncio.Task[Any]":
        task = asyncio.Task(coro, loop=self, name=name, context=context)
        self._tasks.append(task)
        return task

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> "asyncio.Future[Any]":
        """Do the work at the loop's next step, in this thread."""
        future = self.create_future()
        self.call_soon(self._do, future, func, args)
        return future

    def _do(self, future: "asyncio.Future[Any]", func: Callable[..., Any], args: tuple[Any, ...]) -> None:
        events._set_running_loop(None)  # Django refuses its database inside a running loop
        try:
            result = func(*args)
        except Exception as error:
            future.set_exception(error)
        else:
            future.set_result(result)
        finally:
            events._set_running_loop(self)

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """What was cancelled is passed over when its moment comes."""

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """A task that died with its actor is nobody's concern."""


class Inline(Executor):
    """An executor that does its work at once, in this thread."""

    def __init__(self, **_options: Any) -> None: ...

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future
