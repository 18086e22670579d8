"""A private Kannel on free ports of this machine: bearerbox, smsbox, and two operators.

One operator is Kannel's own fakesmsc, which writes down what reaches it and is connected on request. The other, for
numbers that begin with +33, refuses all it gets; no route leads to numbers that begin with +49. Each program is waited
for before the next starts, because it connects to the one before; all end by bearerbox's admin port. Nothing is stored
on disk: what Kannel has is lost with it.
"""

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote_to_bytes
from urllib.request import urlopen

from tests.servers import programs

ATTEMPTS = 5  # between choosing free ports and taking them, somebody else may take one
PACKAGES = {"bearerbox": "kannel", "smsbox": "kannel", "fakesmsc": "kannel-extras"}
FOLDERS = ("/usr/sbin", "/usr/lib/kannel/test")
PORTS = ("admin", "box", "operator", "unused", "sendsms")

CONFIGURATION = """
group = core
admin-port = {admin}
admin-password = "tests"
admin-allow-ip = "127.0.0.1"
smsbox-port = {box}
box-allow-ip = "127.0.0.1"
sms-resend-freq = 1

group = smsc
smsc = fake
smsc-id = operator
port = {operator}
connect-allow-ip = "127.0.0.1"
denied-prefix = "+33;+49"

group = smsc
smsc = http
smsc-id = refusing
system-type = generic
port = {unused}
send-url = "http://127.0.0.1:{refusing}/"
status-success-regex = "200"
status-permfail-regex = "403"
status-tempfail-regex = "500"
allowed-prefix = "+33"

group = smsbox
smsbox-id = office
bearerbox-host = "127.0.0.1"
sendsms-port = {sendsms}
http-request-retry = 60
http-queue-delay = 1

group = sendsms-user
username = "office"
password = "of the tests"
max-messages = 10
concatenation = true
"""


@dataclass(frozen=True)
class Arrived:
    """One SMS, or one part of one, in the operator's log; `udh` tells which part."""

    sender: str
    number: str
    text: str
    udh: bytes = b""


class Refusing(BaseHTTPRequestHandler):
    """An operator that says no to everything."""

    def do_GET(self) -> None:
        self.send_response(403)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing on the screen of the tests."""


@dataclass
class Kannel:
    """A running Kannel, in `folder`; `ports` by name."""

    folder: Path
    ports: dict[str, int]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def options(self) -> dict[str, Any]:
        """OPTIONS for SMS_GATEWAYS."""
        url = f"http://127.0.0.1:{self.ports['sendsms']}/cgi-bin/sendsms"
        return {"url": url, "username": "office", "password": "of the tests", "receipt_secret": "of the receipts"}

    def start(self) -> None:
        """Start bearerbox and smsbox, anew after `kill`; raises CannotStart."""
        configuration = self.folder / "configuration"
        configuration.write_text(CONFIGURATION.format(**self.ports))
        self._run("bearerbox", "-v", "4", str(configuration), until=lambda: self._accepts("admin", "box"))
        self._run("smsbox", "-v", "4", str(configuration), until=lambda: self._accepts("sendsms"))

    def connect_operator(self) -> None:
        """Start the operator and wait until bearerbox has it."""
        where = ("-H", "127.0.0.1", "-r", str(self.ports["operator"]))
        self._run("fakesmsc", *where, "-m", "0", "1 2 text unused", until=self._is_online)

    def arrived(self) -> list[Arrived]:
        """Return what the operator's log says has reached it, in order.

        It reads lines: where a text that is not UCS-2 has a line break, the rest of it looks like another SMS.
        """
        log = self.folder / "fakesmsc.log"
        said = log.read_text() if log.exists() else ""
        lines = re.findall(r"Got message \d+: <(\S+) (\S+) (\S+) (.*?)>\n(?=\d{4}-|\Z)", said, re.DOTALL)
        return [_arrived(*line) for line in lines]

    def wait_until(self, ready: Callable[[], bool], *, program: str = "bearerbox") -> None:
        """Return when `ready()` is true; raises CannotStart with the log of `program` where that takes too long."""
        programs.wait_until(ready, process=self.running[program], log=self.folder / f"{program}.log")

    def kill(self) -> None:
        """End bearerbox by kill -9, with all it holds; the others end by themselves when they see that."""
        self.running["bearerbox"].kill()
        self._wait_for_the_end()

    def stop(self) -> None:
        """End all by the admin port. The first word waits for what is queued, the second does not."""
        for _word in range(2):
            with suppress(OSError):
                urlopen(f"http://127.0.0.1:{self.ports['admin']}/shutdown?password=tests", timeout=5).close()
        self._wait_for_the_end()

    def _wait_for_the_end(self) -> None:
        while self.running:
            _name, process = self.running.popitem()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _run(self, program: str, *arguments: str, until: Callable[[], bool]) -> None:
        command = [find(program), *arguments]
        self.running[program] = programs.spawn(command, log=self.folder / f"{program}.log")
        self.wait_until(until, program=program)

    def _accepts(self, *names: str) -> bool:
        return all(programs.accepts(self.ports[name]) for name in names)

    def _is_online(self) -> bool:
        with urlopen(f"http://127.0.0.1:{self.ports['admin']}/status.txt", timeout=5) as answer:
            return re.search(r"operator\[operator\]\s+FAKE:\d+ \(online", answer.read().decode()) is not None


def find(program: str) -> str:
    """Path of one of Kannel's programs. Raises NotInstalled."""
    return programs.find(program, folders=FOLDERS, package=PACKAGES[program])


def find_all() -> None:
    """Raise NotInstalled where one of them is missing."""
    for program in PACKAGES:
        find(program)


@contextmanager
def running(folder: Path) -> Iterator[Kannel]:
    """Give a running Kannel whose operator is not connected yet. Raises NotInstalled, CannotStart."""
    find_all()
    with HTTPServer(("127.0.0.1", 0), Refusing) as refusing:
        Thread(target=refusing.serve_forever, daemon=True).start()
        kannel = _started(folder, refusing.server_port)
        try:
            yield kannel
        finally:
            kannel.stop()
            refusing.shutdown()


def _started(folder: Path, refusing: int) -> Kannel:
    for attempt in range(ATTEMPTS):
        kannel = Kannel(folder, {name: programs.free_port() for name in PORTS} | {"refusing": refusing})
        try:
            kannel.start()
        except programs.CannotStart:
            kannel.stop()
            if attempt == ATTEMPTS - 1:
                raise
        else:
            return kannel
    raise AssertionError("unreachable")


def _arrived(sender: str, number: str, kind: str, rest: str) -> Arrived:
    """Return a line of fakesmsc's log: a plain text as it is, all else with the octets outside ASCII as %XX."""
    if kind == "text":
        return Arrived(sender, number, rest)
    octets = {"ucs-2": lambda: (rest, ""), "udh": lambda: rest.split(" data ", 1)[::-1]}[kind]()
    data, udh = (unquote_to_bytes(each.replace("+", " ")) for each in octets)
    return Arrived(sender, number, data.decode("utf-16-be" if kind == "ucs-2" or 0 in data else "utf-8"), udh)
