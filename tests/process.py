"""The child of `Database.start`: sets Django up, says "ready", waits for the start, calls one function, prints JSON.

python -m tests.process tests.credit.test_charging.spend '[7]'
"""

import json
import os
import sys

import django
from django.utils.module_loading import import_string


def main(name: str, arguments: str) -> None:
    # what the function prints goes to standard error; standard output is for the parent alone
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    django.setup()
    function = import_string(name)
    print("ready", file=answers, flush=True)
    sys.stdin.readline()
    print(json.dumps(function(*json.loads(arguments))), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
