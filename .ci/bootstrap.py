"""Brings this folder from a bare python3 to what a make target needs. Called by the Makefile; standard library only.

    bootstrap.py translations   the compiled translations, where a .po changed
    bootstrap.py run            that, and what running needs, in .venv
    bootstrap.py check          that, and the tools that judge the code
    bootstrap.py test           that, and Debian's servers, browser and fonts for the tests

Nothing is done twice: .venv/installed says what stands there. A pip or uv configuration of this machine (its index, its
certificates, its proxy) is left to pip and uv themselves.
"""

from __future__ import annotations  # an older Python shall reach the sentence that names it

import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
VENV = PROJECT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed"
SIDE_VENV = PROJECT / ".venv-uv"  # holds uv where the machine has none
CERTIFICATES = PROJECT / ".venv-certificates.pem"
LOCALE = PROJECT / "office" / "locale"

# what the tests start for themselves: a package of Debian, the program that tells whether it is there, what it serves
PARTS = (
    ("postgresql", "postgres", "the tests on a real PostgreSQL"),
    ("redis-server", "redis-server", "the tests of Celery on Redis"),
    ("kannel", "/usr/sbin/bearerbox", "the tests through Kannel"),
    ("kannel-extras", "/usr/lib/kannel/test/fakesmsc", "the operator of these tests"),
    ("chromium", "chromium", "the journeys in a browser"),
    ("fonts-dejavu-core", "/usr/share/fonts/truetype/dejavu", "letters in the browser's pictures"),
    ("fonts-noto-color-emoji", "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf", "emoji in the browser's pictures"),
)


class CannotInstall(Exception):
    """Something is missing that only the person at the keyboard can add; the text says what to type."""


def main(goal: str) -> None:
    if sys.version_info < (3, 11):  # noqa: UP036
        raise CannotInstall(
            f"This project needs Python 3.11 or newer; {sys.executable} is {platform.python_version()}. "
            "Name a newer one: make PYTHON=python3.12 …"
        )
    if goal != "translations":
        install_packages(with_tools=goal != "run")
    compile_translations()
    if goal == "test":
        install_parts()


# --- Python packages -------------------------------------------------------------------------------------------------


def install_packages(*, with_tools: bool) -> None:
    """Make .venv hold what uv.lock says; tools once installed stay, so that `make run` never takes them away."""
    wanted = [(PROJECT / "uv.lock").read_bytes(), (PROJECT / "pyproject.toml").read_bytes(), sys.version.encode()]
    state = hashlib.sha256(b"\0".join(wanted)).hexdigest()
    before = STAMP.read_text().split() if STAMP.exists() and PYTHON.exists() else []
    if state in before and (not with_tools or "tools" in before):
        return
    keep_tools = with_tools or "tools" in before
    say("Installing the Python packages of uv.lock into .venv")
    use_kept_certificates()
    sync(uv(), [] if keep_tools else ["--no-dev"])
    STAMP.write_text(f"{state} {'tools' if keep_tools else ''}\n")


def sync(uv_program: str, groups: list[str]) -> None:
    """Install by uv; where uv gets nowhere, by pip, which knows this machine's pip configuration."""
    only_this_python = ["--python-preference", "only-system", "--python", sys.executable]
    command = [uv_program, "sync", "--quiet", "--frozen", "--compile-bytecode", *only_this_python, *groups]
    if run(command, check=False, env=uv_environment()) == 0:
        return
    pip = pip_command()
    if pip is None:
        raise CannotInstall("uv could not install the packages: its own words are above.")
    say("uv could not fetch them; trying pip, with this machine's pip configuration")
    if not PYTHON.exists():
        run([uv_program, "venv", "--quiet", *only_this_python, str(VENV)], env=uv_environment())
    wanted = VENV / "requirements.txt"
    export = [uv_program, "export", "--frozen", "--quiet", "--no-emit-project", *groups, "--output-file", str(wanted)]
    run(export, env=uv_environment())
    run(
        [
            *pip,
            "--python",
            str(PYTHON),
            "install",
            "--quiet",
            "--require-hashes",
            "--no-deps",
            "--requirement",
            str(wanted),
        ]
    )


def uv_environment() -> dict[str, str]:
    """The environment as it is, this project's .venv whatever stands there, and pip's certificates for uv as well."""
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    environment["UV_PROJECT_ENVIRONMENT"] = str(VENV)
    if os.environ.get("PIP_CERT"):
        environment.setdefault("SSL_CERT_FILE", os.environ["PIP_CERT"])
    return environment


def uv() -> str:
    """Path of a uv: the machine's own, else one that pip puts into a side venv."""
    side = SIDE_VENV / "bin" / "uv"
    for found in (shutil.which("uv"), str(side)):
        if found and os.access(found, os.X_OK):
            return found
    say("Fetching uv, the installer, into .venv-uv")
    if importlib.util.find_spec("ensurepip") is None:
        add_ensurepip()
    run([sys.executable, "-m", "venv", "--clear", str(SIDE_VENV)])
    run([str(SIDE_VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "uv"])
    return str(side)


def pip_command() -> list[str] | None:
    """A pip of the side venv, made where it is missing; None where this Python cannot make one."""
    python = SIDE_VENV / "bin" / "python"
    if not python.exists() and importlib.util.find_spec("ensurepip") is not None:
        run([sys.executable, "-m", "venv", str(SIDE_VENV)])
    return [str(python), "-m", "pip"] if python.exists() else None


def add_ensurepip() -> None:
    """Debian keeps ensurepip, and with it venv, in a package of its own."""
    if not may_apt():
        raise CannotInstall(
            "Python's venv is missing here and only root can add it. Type this line, then repeat:\n\n"
            "    sudo apt-get install --yes --no-install-recommends python3-venv\n"
        )
    bundle = Path(os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE") or "/etc/ssl/certs/ca-certificates.crt")
    before = bundle.read_bytes() if bundle.exists() else b""
    apt_install(["python3-venv"])
    if before and bundle.read_bytes() != before:
        keep_certificates(before)


def keep_certificates(bundle: bytes) -> None:
    """Go on with the certificates that there were before, now and in later runs.

    python3-venv brings ca-certificates along, which writes the machine's bundle anew and drops what was added to it by
    hand: a company's own authority, without which pip reaches nothing.
    """
    CERTIFICATES.write_bytes(bundle)
    use_kept_certificates()


def use_kept_certificates() -> None:
    if CERTIFICATES.exists():
        os.environ["PIP_CERT"] = os.environ["SSL_CERT_FILE"] = str(CERTIFICATES)


# --- Translations ----------------------------------------------------------------------------------------------------


def compile_translations() -> None:
    """Compile every .po that is newer than its .mo."""
    if not any(is_stale(catalogue) for catalogue in LOCALE.glob("*/LC_MESSAGES/*.po")):
        return
    command = [str(PYTHON), "-m", "babel.messages.frontend", "compile", "-D", "django", "-d", str(LOCALE)]
    if run(command, check=False, quiet=True):
        raise CannotInstall("The translations under office/locale do not compile; `make check` says why.")


def is_stale(catalogue: Path) -> bool:
    compiled = catalogue.with_suffix(".mo")
    return not compiled.exists() or compiled.stat().st_mtime < catalogue.stat().st_mtime


# --- Debian's packages -----------------------------------------------------------------------------------------------


def install_parts() -> None:
    """As root, add what the tests need and this Debian lacks; else name what will be skipped."""
    missing = [part for part in PARTS if not is_present(part[1])]
    if not missing:
        return
    packages = [package for package, _, _ in missing]
    if may_apt():
        apt_install(packages)
        return
    say("Only root can install these, so this run goes without:")
    for package, _, serves in missing:
        say(f"  {serves} (package {package})")
    say(f"To have them too: sudo apt-get install --yes --no-install-recommends {' '.join(packages)}")
    if os.environ.get("REQUIRE_ALL") == "1":
        raise CannotInstall("REQUIRE_ALL=1 asks for all of them.")


def is_present(program: str) -> bool:
    """A path, a program on PATH, or one of PostgreSQL's, which Debian keeps off PATH."""
    if program.startswith("/"):
        return Path(program).exists()
    return bool(shutil.which(program) or any(Path("/usr/lib/postgresql").glob(f"*/bin/{program}")))


def may_apt() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt_install(packages: list[str]) -> None:
    """Install from Debian, starting no daemon (RUNLEVEL=1); the lists are fetched where they are missing or old."""
    say(f"Installing from Debian: {' '.join(packages)}")
    environment = {**os.environ, "RUNLEVEL": "1", "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "install", "--quiet=2", "--yes", "--no-install-recommends", *packages]
    if run(command, check=False, env=environment, quiet=True) != 0:
        run(["apt-get", "update", "--quiet=2"], env=environment)
        run(command, env=environment, quiet=True)


# --- Running things --------------------------------------------------------------------------------------------------


def run(command: list[str], *, check: bool = True, env: dict[str, str] | None = None, quiet: bool = False) -> int:
    """Exit code of a command; with check, anything but 0 ends the bootstrap. Quiet shows its words only then."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT} if quiet else {}
    done = subprocess.run(command, cwd=PROJECT, env=env, stdin=subprocess.DEVNULL, text=True, check=False, **pipes)
    if check and done.returncode:
        raise CannotInstall(f"{done.stdout or ''}This failed: {' '.join(command)}")
    return done.returncode


def say(sentence: str) -> None:
    sys.stdout.write(f"-> {sentence}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except CannotInstall as reason:
        sys.exit(str(reason))
    except KeyboardInterrupt:
        sys.exit(130)
