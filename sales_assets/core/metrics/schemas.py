"""What the frames promise, checked by pandera, and the outcome of checking one day's frame."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from sales_assets.core.frames import CLEAN_EVENTS, CONVERSION_FUNNEL, RAW_EVENTS, Frame, Kind
from sales_assets.core.journey import ALL_GROUPS, EXPERIMENTS
from sales_assets.core.metrics.cleaning import (
    DUPLICATES,
    UNKNOWN_TYPE,
    are_in_experiment,
    flaws,
)

if TYPE_CHECKING:
    import pandera.pandas as pa

#: What a column or the rows of a frame promise: the fault's words, and whether each value holds.
Promises = Mapping[str, Callable[[Any], Any]]
_NOTHING: Mapping[str, Any] = {}

SAMPLE_ROWS = 10
GROUPS = "groups_sum_to_funnel"
#: Fewer rows of a stored day that a re-read takes away are nothing, whatever their share.
LEAST_LOSS = 5


@dataclass(frozen=True)
class CheckOutcome:
    """One check of one day's frame.

    `failing` counts by kind what failed (rows, or 1 for a fault of the frame as a whole),
    `sample` holds at most ten of the failing rows, `message` is one sentence for the analyst,
    `facts` are what else there is to know. A warning blocks nothing.
    """

    name: str
    passed: bool
    message: str
    failing: dict[str, int] = field(default_factory=dict)
    sample: pd.DataFrame = field(default_factory=pd.DataFrame)
    facts: Mapping[str, Any] = field(default_factory=dict)
    is_warning: bool = False


def first_blocking(outcomes: Iterable[CheckOutcome]) -> CheckOutcome | None:
    """Return the first outcome that blocks its day, if any."""
    return next((one for one in outcomes if not one.passed and not one.is_warning), None)


def check_structure(raw: pd.DataFrame, day: date) -> CheckOutcome:
    """Check the raw frame's columns and types, and that its times lie within `day`.

    What fails here makes every number of the day wrong. An empty day passes and says so.
    """
    return _validated("raw_structure", raw, frame_schema(RAW_EVENTS, {"event_time": _within(day)}))


def check_bad_rows(raw: pd.DataFrame, max_share: float) -> CheckOutcome:
    """Count the rows that will be set aside, by kind; fail above `max_share` of all rows.

    A share of exactly `max_share` passes. Rows of an unknown type are counted and do not block:
    they are no fault of the load, and what lives on the type isn't counted. An empty day passes
    and says so.
    """
    kinds = flaws(raw)
    # Not the other way round: an empty frame would take over the index of what is assigned.
    bad = raw.assign(kind=kinds)[kinds.notna()]
    counts = {str(kind): int(count) for kind, count in bad["kind"].value_counts().items()}
    blocking = len(bad) - counts.get(UNKNOWN_TYPE, 0)
    passed = blocking <= max_share * len(raw)
    share = blocking / max(len(raw), 1)
    told = (
        f"{len(bad)} of {len(raw)} rows set aside ({share:.1%} without those of an unknown type, "
        f"allowed {max_share:.1%})"
    )
    remedy = f"{told}. Mend the source, or raise SALES_ASSETS_BAD_ROWS_SHARE"
    return CheckOutcome(
        name="bad_row_share",
        passed=passed,
        failing=counts,
        sample=bad.head(SAMPLE_ROWS).reset_index(drop=True),
        message=(told if passed else remedy) if len(raw) else _EMPTY,
    )


def check_loss(stored: int, rows: int, day: date, max_share: float) -> CheckOutcome:
    """Check that a day which is read again did not lose rows; a share of `max_share` passes."""
    lost = stored - rows
    kept = lost < LEAST_LOSS or lost <= max_share * stored
    message = f"the source has {rows} rows of {day}, {stored} were read before"
    remedy = (
        f"{message}: more are gone than the {max_share:.0%} that may go. What is stored is kept. "
        f"If they were rightly removed: sales-assets report {day} --accept-loss"
    )
    return CheckOutcome(
        "shrunken",
        passed=kept,
        failing={} if kept else {"lost": lost},
        message=message if kept else remedy,
    )


def check_clean(clean: pd.DataFrame, history: pd.DataFrame, day: date) -> CheckOutcome:
    """Check what the clean frame promises to every metric.

    No missing value, no duplicate, no experiment event, nobody who is in an experiment by the
    day's own `user_history`, no time outside `day`. An empty day passes and says so.
    """
    columns = {
        "user_id": {"user in an experiment": lambda users: ~are_in_experiment(users, history)},
        "event_time": _within(day),
        "event_type": {"experiment event": lambda types: ~types.isin(EXPERIMENTS)},
    }
    rows = {"duplicate": lambda frame: flaws(frame) != DUPLICATES}
    return _validated("clean_promises", clean, frame_schema(CLEAN_EVENTS, columns, rows))


def check_groups(funnel: pd.DataFrame) -> CheckOutcome:
    """Check that the groups sum to `all`, no share exceeds 100 % and no step its predecessor."""
    whole = funnel[funnel["group"] == ALL_GROUPS].set_index(["path", "step"])["users"]
    summed = funnel[funnel["group"] != ALL_GROUPS].groupby(["path", "step"])["users"].sum()
    keys = pd.MultiIndex.from_frame(funnel[["path", "step"]])
    judged = funnel.assign(
        whole=whole.reindex(keys).to_numpy(),
        groups=summed.reindex(keys, fill_value=0).to_numpy(),
        step_before=funnel.groupby(["group", "path"])["users"].shift(),
    )
    columns = {"share": {"share outside 0..100 %": lambda shares: shares.between(0, 1)}}
    rows = {
        "groups do not sum to all": lambda frame: frame["groups"] == frame["whole"],
        "more than the step before": lambda frame: ~(frame["users"] > frame["step_before"]),
    }
    return _validated(GROUPS, judged, frame_schema(CONVERSION_FUNNEL, columns, rows))


_EMPTY = "the day is empty: no rows"


def _validated(name: str, frame: pd.DataFrame, schema: "pa.DataFrameSchema") -> CheckOutcome:
    from pandera.errors import SchemaErrors

    rows = frame.reset_index(drop=True)
    try:
        schema.validate(rows, lazy=True)
    except SchemaErrors as errors:
        return _failed(name, rows, errors.failure_cases)
    message = f"{len(rows)} rows as promised" if len(rows) else _EMPTY
    return CheckOutcome(name, passed=True, message=message)


def _failed(name: str, rows: pd.DataFrame, cases: pd.DataFrame) -> CheckOutcome:
    missing = cases["check"] == "column_in_dataframe"
    # A missing column fails every check of the whole frame, too: one fault is told once.
    told = cases[missing | ~cases["failure_case"].astype("str").str.startswith("KeyError(")]
    kinds = told["check"].where(~missing, "column missing: " + told["failure_case"].astype("str"))
    # pandera names a row that fails as a whole once for each of its cells.
    faults = pd.DataFrame({"kind": kinds, "row": told["index"]}).drop_duplicates()
    failing = {str(kind): int(count) for kind, count in faults["kind"].value_counts().items()}
    positions = sorted({int(row) for row in faults["row"].dropna()})[:SAMPLE_ROWS]
    listed = ", ".join(f"{kind} ({count})" for kind, count in failing.items())
    return CheckOutcome(
        name=name,
        passed=False,
        failing=failing,
        sample=rows.iloc[positions].reset_index(drop=True),
        message=f"of {len(rows)} rows: {listed}",
    )


def frame_schema(
    frame: Frame,
    of_columns: Mapping[str, Promises] = _NOTHING,
    of_rows: Promises = _NOTHING,
) -> "pa.DataFrameSchema":
    """Return what a frame's description promises: its columns, their types, where nulls may be.

    `of_columns` and `of_rows` add what single columns and whole rows promise. Other columns pass.
    """
    import pandera.pandas as pa

    def checks(promises: Promises) -> list[pa.Check]:
        return [pa.Check(holds, error=fault) for fault, holds in promises.items()]

    columns = {
        column.name: pa.Column(
            checks=checks({**_TYPES[column.kind], **of_columns.get(column.name, {})}),
            nullable=column.nullable,
        )
        for column in frame.columns
    }
    return pa.DataFrameSchema(columns, checks=checks(of_rows))


def _is_text(dtype: object) -> bool:
    values = dtype.categories.dtype if isinstance(dtype, pd.CategoricalDtype) else dtype
    return isinstance(values, pd.StringDtype)


_TYPES: Mapping[Kind, Promises] = {
    Kind.TEXT: {"not text": lambda values: _is_text(values.dtype)},
    Kind.TIME: {
        "not a wall-clock time in microseconds": lambda values: values.dtype == "datetime64[us]"
    },
    Kind.COUNT: {"not whole numbers": pd.api.types.is_integer_dtype},
    Kind.NUMBER: {"not numbers": pd.api.types.is_float_dtype},
    Kind.TRUTH: {"not true or false": pd.api.types.is_bool_dtype},
}


def _within(day: date) -> Promises:
    start, end = pd.Timestamp(day), pd.Timestamp(day + timedelta(days=1))
    return {f"outside {day}": lambda times: times.between(start, end, inclusive="left")}
