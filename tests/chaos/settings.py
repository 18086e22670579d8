"""The settings of the offices of a run: one double behind gateways with different capabilities.

Read before Django is set up, so nothing here imports it.
"""

import json
import os
from pathlib import Path
from typing import Any


def environment(folder: Path, ports: tuple[int, int, int]) -> dict[str, str]:
    """The settings of the offices of a run: one double behind gateways with different capabilities."""
    url = f"http://127.0.0.1:{ports[0]}"
    pace_ = {"timeout": 4.0, "window": 10}

    def gateway(kind: str, path: str, **more: Any) -> dict[str, Any]:
        return {"BACKEND": f"tests.chaos.adapter.{kind}", "OPTIONS": {"url": f"{url}/{path}", **pace_, **more}}

    gateways = {
        "plain": gateway("Plain", "plain"),
        "dedup": gateway("Deduping", "dedup"),
        "asked": gateway("Asked", "asked", ask_url=f"http://127.0.0.1:{ports[1]}"),
    }
    routes = [
        {"prefix": "+32470", "gateways": ["plain"]},
        {"prefix": "+32475", "gateways": ["dedup"]},
        {"prefix": "+32476", "gateways": ["asked"]},
        {"prefix": "+32477", "gateways": ["plain", "asked"]},
    ]
    return {
        "DJANGO_SETTINGS_MODULE": "office.settings",
        "OFFICE_DATA": str(folder / "data"),
        "SECRET_KEY": "a key of the fault harness, long enough for nobody to complain",
        "DATABASE_ALLOW": "fsync_off",  # the run measures faults, not this machine's disk
        "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
        "EMAIL_URL": "console://",
        "SMS_SENDER": "+32 460 00 00 00",
        "SMS_DAILY_CAP": "200",
        "SMS_GATEWAYS": json.dumps(gateways),
        "SMS_ROUTES": json.dumps(routes),
        "API_CALLS_PER_MINUTE": "999999",
        "API_SENDS_PER_MINUTE": "999999",
        "BASE_URL": f"http://127.0.0.1:{ports[2]}",
        "PATH": os.environ.get("PATH", ""),
    }
