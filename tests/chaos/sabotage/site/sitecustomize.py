"""Python runs this at its start where this folder is in PYTHONPATH: so child processes of tests are sabotaged too."""

from tests.chaos.sabotage import saboteur

saboteur.begin()
