"""python -m tests.chaos.simulator --seed S --histories N: JSON lines, exit code 1 at a violation."""

import os
import sys


def main() -> int:
    if os.environ.get("PYTHONHASHSEED") != "0":  # a seed repeats its history in any process: sets in the same order
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "tests.chaos.simulator", *sys.argv[1:]])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "office.settings")
    os.environ["DATABASE_URL"] = "sqlite:///:memory:"
    import django

    django.setup()
    from tests.chaos.simulator import run

    return run.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
