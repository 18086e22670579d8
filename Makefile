# README explains `make run` and `make test`. Everything is installed into .venv by .ci/bootstrap.py.

PYTHON ?= python3
BOOTSTRAP = @$(PYTHON) .ci/bootstrap.py
VENV = @.venv/bin/python

.PHONY: help run test check bench sabotage chaos rows messages

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1 \t/p' Makefile

run: ## the demo office on http://127.0.0.1:8000 (PORT=… changes it), until Ctrl-C
	$(BOOTSTRAP) run
	@exec env DEMO=1 .venv/bin/python manage.py run

test: ## everything that judges the project; REQUIRE_ALL=1 makes a skip a failure
	$(BOOTSTRAP) test
	$(VENV) -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal

check: ## the static part of the tests, in seconds
	$(BOOTSTRAP) check
	$(VENV) -m pytest --no-servers --numprocesses auto --maxprocesses 4 --dist worksteal tests/static tests/architecture

chaos: ## attacks the office with real processes that die; SEED repeats a run, SCALE=1 to 20, ROWS=R1,G1 chooses
	$(BOOTSTRAP) test
	$(VENV) -m tests.chaos

sabotage: ## takes each protection away and sees whether a test notices, as JSON lines; WORDS="claim owner" chooses
	$(BOOTSTRAP) test
	$(VENV) -m tests.chaos.sabotage $(WORDS)

bench: ## how fast it is, each figure beside its floor, as JSON lines; ROWS="submit claim" chooses, BIG=1 adds ten million rows
	$(BOOTSTRAP) test
	$(VENV) -m tests.bench

rows: ## the rows of the specification, each with its tests and whether they pass
	$(BOOTSTRAP) test
	$(VENV) -m tests.rows

messages: ## gather the sentences to translate into office/locale
	$(BOOTSTRAP) check
	$(VENV) -m office.translations
