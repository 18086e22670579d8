"""The bench itself: its arithmetic, its lines, and each row in a tiny form, so that none rots."""

import json
import os

import pytest

from tests.bench import __main__ as bench
from tests.bench import rows
from tests.bench.figures import Figure, percentile, ratio, value
from tests.bench.run import Run
from tests.bench.table import table
from tests.servers import NOWHERE


def test_a_figure_is_the_median_of_its_rounds_own_ratios():
    line = Figure("x", "ms", [10, 20, 90], [10, 10, 10], ratio(at_most=2.5)).line()
    assert (line["value"], line["floor"], line["ratio"], line["spread"], line["rounds"]) == (20, 10, 2, [1, 9], 3)
    assert (line["goal"], line["reached"]) == ("ratio ≤ 2.5", True)


def test_a_round_is_compared_with_its_own_floor():
    assert Figure("x", "ms", [10, 100, 1000], [10, 100, 1000]).line()["ratio"] == 1


@pytest.mark.parametrize(
    ("goal", "reached"),
    [(ratio(at_least=2), True), (ratio(at_least=2.1), False), (value(at_most=19), False), (value(at_most=20), True)],
)
def test_a_goal_is_judged_by_what_it_is_a_goal_of(goal, reached):
    assert Figure("x", "ms", [20], [10], goal).line()["reached"] is reached


def test_a_figure_without_a_floor_has_no_ratio():
    line = Figure("x", "ms", [3, 1, 2], goal=value(at_most=1), more={"recipients": 7}).line()
    assert (line["floor"], line["ratio"], line["spread"], line["reached"]) == (None, None, [1, 3], False)
    assert line["recipients"] == 7


@pytest.mark.parametrize(("share", "expected"), [(0, 1), (0.5, 50), (0.99, 99), (0.991, 100), (1, 100)])
def test_a_percentile_is_the_nearest_rank(share, expected):
    assert percentile(list(range(100, 0, -1)), share) == expected


def test_ours_and_the_floor_are_measured_in_turns(tmp_path):
    turns = []

    def turn(name, took):
        turns.append(name)
        return took

    figure = Run(tmp_path, rounds=2).compare(
        "x", unit="ms", ours=lambda: turn("ours", 4), floor=lambda: turn("floor", 2)
    )
    assert turns == ["floor", "ours"] * 3, "once to warm up, then two rounds"
    assert (figure.values, figure.floors) == ((4, 4), (2, 2))


def test_rows_are_chosen_by_how_their_names_begin():
    assert set(rows.chosen(["submit_list"])) == {"submit_list", "submit_list_api"}
    assert len(rows.chosen([])) > 5
    with pytest.raises(LookupError, match="no row begins with nothing"):
        rows.chosen(["nothing"])


def test_a_row_that_breaks_is_told_and_stops_no_other(tmp_path):
    def broken(run):
        yield Figure("broken.first", "ms", [1])
        raise ValueError("no such thing")

    first, last = bench.lines_of("broken", broken, Run(tmp_path))
    assert first["name"] == "broken.first"
    assert last == {"name": "broken", "error": "ValueError: no such thing"}


def test_the_lines_are_a_table():
    figure = Figure("x", "ms", [20], [10], ratio(at_most=1.5)).line()
    printed = [bench.machine([]), figure, {"name": "y", "error": "Broken: y"}]
    lines = [json.dumps(printed[0]), "-> words of make", *map(json.dumps, printed[1:])]
    rows_of_table = list(table(lines))[4:]
    assert rows_of_table[0] == "| x | 20 ms | 10 | 2 (2-2) | ratio ≤ 1.5 | **no** |"
    assert rows_of_table[1].startswith("| y | not measured |")


SAME_PROCESSES = {"lateness", "nudge_lost"}  # start Celery as wait_from_send does
ALONE = {"memory"}  # measures its whole process, which is not to be shared with other tests


@pytest.mark.parametrize("name", sorted(rows.chosen([]).keys() - SAME_PROCESSES - ALONE))
def test_each_row_prints_lines_of_the_right_shape(name, test_folder, django_db_blocker):
    if os.environ["DATABASE_URL"] == NOWHERE:
        pytest.skip("needs PostgreSQL, which is not installed")
    with django_db_blocker.unblock():
        lines = list(bench.lines_of(name, rows.chosen([name])[name], Run(test_folder, tiny=True)))
    assert lines
    for line in lines:
        assert "error" not in line
        assert line["name"].split(".")[0] == name
        assert {"value", "unit", "floor", "ratio", "spread", "rounds"} <= line.keys()
