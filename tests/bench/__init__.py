"""`make bench`: how fast the office is, each figure beside a floor measured in the same run.

A row is a function with `@row` in any module of this package. It is given a `Run`, takes its own fresh office from it,
and yields one or more `Figure`s:

    @row
    def contact_search(run: Run) -> Iterator[Figure]:
        \"\"\"Search in a book of 10,000 contacts, against the bare query.\"\"\"
        with run.office():
            user = fill(contacts=run.size(10_000, tiny=50))
            yield run.compare(
                "contact_search", unit="ms", goal=ratio(at_most=1.3),
                ours=lambda: milliseconds(lambda: search(user, "jan")),
                floor=lambda: milliseconds(lambda: bare_query(user, "jan")),
            )

`compare` measures ours and the floor in turns, five rounds by default, and tells the median of the rounds' ratios with
the lowest and the highest. A machine that is busy slows both sides of a round, so ratios say more than values. Where
there is nothing to compare with, `run.measure` tells values alone. A row bears the name of its function; its figures
begin with that name.

Rows stand in the module of their part: `accept`, `queue`, `hand_over`, `waiting`, `pages`, `memory`, `receipts`,
`nudges`, `shelves` (address books), `imports`, `money`. The tests run all of them in a tiny form
(`tests/bench/test_bench.py`), so that none rots.

`ROWS="submit contact_search" make bench` runs the rows whose names begin so; `BIG=1` adds the rows of ten million;
`make bench > figures` and `.venv/bin/python -m tests.bench.table < figures` print the table of README.
"""
