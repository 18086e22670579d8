"""python -m tests.chaos.sabotage [WORD …]: JSON lines {"name", "caught", "by"}; exit code 1 where a removal survives.

With words, only the protections whose names hold one of them. Each choice of tests first runs undamaged and must pass.
"""

import sys

from tests.chaos.sabotage.runner import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
