"""Definitions with one slip each: what the random logs have to be able to tell from the truth."""

from collections.abc import Iterable, Sequence

from sales_assets_tests.witnesses import definitions_sql
from sales_assets_tests.witnesses.comparison import Frames, disagreements
from sales_assets_tests.witnesses.journeys import SourceLog
from sales_assets_tests.witnesses.witness import witnessed

#: promise -> (view, what it says, what a slip would say)
SLIPS = {
    "the 30 days include their first instant": (
        "starts",
        "v.at_us >= v.c - 30 * 86400000000",
        "v.at_us > v.c - 30 * 86400000000",
    ),
    "an end in the same second closes": ("starts", "e.at_us >= v.at_us", "e.at_us > v.at_us"),
    "exactly 24 hours is met": ("cases", "closed_at > deadline", "closed_at >= deadline"),
    "a deadline at the cut-off is not due": (
        "cases",
        "deadline >= d0 AND deadline < c THEN",
        "deadline > d0 AND deadline <= c THEN",
    ),
    "a case closed before the day began was not waiting": (
        "waited",
        "closed_at >= d0",
        "closed_at > d0",
    ),
    "three days of age belong to the younger": (
        "case_numbers",
        "k.age <= 3 * 86400000000",
        "k.age < 3 * 86400000000",
    ),
    "an event at midnight belongs to the new day": (
        "case_numbers",
        "k.opened_at >= k.d0",
        "k.opened_at > k.d0",
    ),
    "only who joined before the cut-off is out": ("in_experiments", "at_us < d.c", "at_us <= d.c"),
    "who joins later still counts": ("in_experiments", "AND h.at_us < d.c", ""),
    "a row at the cut-off is tomorrow's": ("visible", "e.at_us < d.c", "e.at_us <= d.c"),
    "the entry range includes its first instant": (
        "entries",
        "at_us >= c - 14 * 86400000000",
        "at_us > c - 14 * 86400000000",
    ),
    "the entry range leaves out its end": (
        "entries",
        "at_us < c - 7 * 86400000000",
        "at_us <= c - 7 * 86400000000",
    ),
    "seven days to convert include their end": (
        "depths",
        "v.at_us - p.t1 <= 7 * 86400000000",
        "v.at_us - p.t1 < 7 * 86400000000",
    ),
    "equal times count in step order": ("depths", "v.at_us >= p.tk", "v.at_us > p.tk"),
    "any entry may convert": (
        "entries",
        "SELECT DISTINCT seed, day, c, user_id, at_us AS t1",
        "SELECT seed, day, c, user_id, MIN(at_us) AS t1",
    ),
    "the judged funnel's entry day begins at its midnight": (
        "day_entries",
        "v.at_us >= e.d0",
        "v.at_us > e.d0",
    ),
    "the judged funnel's entry day ends before the next": (
        "day_entries",
        "v.at_us < e.c",
        "v.at_us <= e.c",
    ),
    "the usual steps are those of entries up to 35 days before": (
        "usual_entries",
        "at_us >= c - 35 * 86400000000",
        "at_us > c - 35 * 86400000000",
    ),
    "a first payment is the first of all history": ("firsts", "FROM history", "FROM loaded"),
    "exact duplicates count once": ("history", "SELECT DISTINCT", "SELECT"),
}


def told_apart(logs: Sequence[SourceLog], names: Iterable[str] = tuple(SLIPS)) -> dict[str, bool]:
    """Return for each slip of `names` whether some number of these logs shows it."""
    truth = witnessed(logs)
    return {name: bool(disagreements(truth, _with_slip(logs, name))) for name in names}


def _with_slip(logs: Sequence[SourceLog], name: str) -> Frames:
    view, said, slip = SLIPS[name]
    query = definitions_sql.VIEWS[view]
    if said not in query:
        raise AssertionError(f"{view} does not say {said!r} any more; mend the slip {name!r}")
    grouped = " GROUP BY seed, day, c, user_id" if "MIN(" in slip else ""
    return witnessed(logs, {view: query.replace(said, slip) + grouped})
