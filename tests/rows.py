"""The rows of the specification: which tests show each of them, and whether they pass (`make rows`).

A test names its rows with `@pytest.mark.row("S16")`; several in one mark are fine.
"""

import sys
from collections import defaultdict

import pytest

TITLES = {
    "S1": "a reminder of an appointment, at the hour wished",
    "S2": "the agenda by SMS, at the moment wished",
    "S3": "an SMS to one free number, as people write it",
    "S4": "an SMS to one contact",
    "S5": "an SMS to several contacts and lists, one per number",
    "S6": "one text by e-mail, SMS and fax",
    "S7": "an SMS when a new e-mail arrives",
    "S8": "an SMS when an e-mail meets a filter",
    "S9": "each tool has its help",
    "S10": "any operator of the world, through any gateway",
    "S11": "receiving is not available, and that is said",
    "S12": "allowance first, then balance, never overspent",
    "S13": "top-up by card, credited once",
    "S14": "quota: granted = available + sent + on their way + lapsed",
    "S15": "allowance lapses at month end, balance never",
    "S16": "welcome page, SMS, Mobile, Add, message, Send",
    "S17": "search and pick recipients from contacts",
    "S18": "a click on a mobile number opens the form",
    "S19": "what cannot be ticked says why, and its cure",
    "S20": "departure is proved, receipt is information",
    "S21": "why an own SMS did not come is told where it happens",
    "S22": "our number is the sender; a signature",
    "N1": "which pocket pays, before Send",
    "N2": "proof of departure that anyone can check",
    "N3": "a cure on every number, a check-up of the book",
    "N4": "refund when it did not leave, to the same pocket",
    "N5": "the month's forecast",
    "N6": "use it before it lapses",
    "N7": "a hint on a question without an address to answer to",
    "N8": "the costly characters, and what the plain ones save",
    "N9": "a digest that fits its parts, previewed",
    "N10": "the timeline of reminders",
    "N11": "the alert budget",
    "N12": "the channel table of a letter",
    "N13": "ten seconds to change one's mind",
    "N14": "the other person's clock",
    "N15": "why this person, once",
    "N16": "unknown is said as unknown",
    "N17": "support's life-line view",
    "N18": "one flat price, made safe by limits",
    "N19": "a dry run of settings on last week",
    "N20": "our number as a card for telephones",
}
BUILT = frozenset(
    {
        "S3",
        "S4",
        "S5",
        "S10",
        "S11",
        "S12",
        "S13",
        "S14",
        "S15",
        "S16",
        "S17",
        "S18",
        "S19",
        "S20",
        "S22",
        "N1",
        "N2",
        "N3",
        "N4",
        "N5",
        "N6",
        "N7",
        "N8",
        "N13",
        "N14",
        "N15",
        "N16",
        "N17",
        "N18",
        "N20",
    }
)


class Collector:
    """Pytest plugin: the outcome of each test by the rows that it names."""

    def __init__(self) -> None:
        self.outcomes: dict[str, dict[str, str]] = defaultdict(dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            for name, row in report.user_properties:
                if name == "row" and self.outcomes[row].get(report.nodeid, "passed") == "passed":
                    self.outcomes[row][report.nodeid] = report.outcome


def lines(outcomes: dict[str, dict[str, str]]) -> list[str]:
    """Return the table: a line per row, a line per test below it."""
    table = []
    for row, title in TITLES.items():
        table.append(f"{row:4} {state(row, outcomes):9} {title}")
        table += [f"       {outcome:8} {test}" for test, outcome in sorted(outcomes.get(row, {}).items())]
    return table


def state(row: str, outcomes: dict[str, dict[str, str]]) -> str:
    """Return passes, FAILS, SKIPPED or NO TEST of a row that is said to be built; FAILS, begun or later of another."""
    found = set(outcomes.get(row, {}).values())
    if "failed" in found:
        return "FAILS"
    if row not in BUILT:
        return "begun" if found else "later"
    if "passed" in found:
        return "passes"
    return "SKIPPED" if found else "NO TEST"


def main() -> int:
    collector = Collector()
    parallel = ["--numprocesses", "auto", "--maxprocesses", "4", "--dist", "worksteal"]
    code = pytest.main(["-m", "row", "--quiet", *parallel, *sys.argv[1:]], plugins=[collector])
    sys.stdout.write("\n" + "\n".join(lines(collector.outcomes)) + "\n")
    wrong = any(state(row, collector.outcomes).isupper() for row in TITLES)
    return int(wrong or code not in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED})


if __name__ == "__main__":
    sys.exit(main())
