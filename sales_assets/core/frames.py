"""Every stored frame, said once: its columns, each with type, unit and a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import partial

from sales_assets.core import names


class Kind(Enum):
    """What a column holds, as docs, Dagster and people call it."""

    TEXT = "string"
    TIME = "timestamp"
    COUNT = "int"
    NUMBER = "float"
    TRUTH = "bool"


@dataclass(frozen=True)
class Column:
    """One column; `repeats` says that few values make up many rows: a dictionary stores them."""

    name: str
    meaning: str
    unit: str = ""
    kind: Kind = Kind.TEXT
    nullable: bool = False
    repeats: bool = False

    @property
    def dtype(self) -> str:
        """The type in pandas; a column of text may also be categories of text."""
        count = "Int64" if self.nullable else "int64"
        return {
            Kind.TEXT: "str",
            Kind.TIME: "datetime64[us]",
            Kind.COUNT: count,
            Kind.NUMBER: "float64",
            Kind.TRUTH: "bool",
        }[self.kind]


@dataclass(frozen=True)
class Frame:
    """The frame of an asset: one row is a `row`, its columns stand in this order.

    In a zone with summer time a column `c` of times may be accompanied, at the end, by `c_fold`
    (`core.days.with_wall_clocks`).
    """

    asset: str
    row: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        """The names of the columns, in order."""
        return [column.name for column in self.columns]

    @property
    def dtypes(self) -> dict[str, str]:
        """The type in pandas of each column."""
        return {column.name: column.dtype for column in self.columns}


_text = Column
_time = partial(Column, kind=Kind.TIME, unit="wall clock of the report zone")
_count = partial(Column, kind=Kind.COUNT)
_number = partial(Column, kind=Kind.NUMBER)

#: The column that says whose row it is.
CLIENT = "user_id"
_USER = _text(CLIENT, "the CRM's client id, as text")
_PROCESS = _text("process", "the process, by its Russian name", repeats=True)
_EVENT_TYPE = _text("event_type", "the dictionary's description of the event", repeats=True)

RAW_EVENTS = Frame(
    names.RAW_EVENTS,
    "row of the source",
    (
        _text(
            CLIENT, "the CRM's client id, as text; null where the source has none", nullable=True
        ),
        _time("event_time", "when it happened", nullable=True),
        _text(
            "event_type",
            "the dictionary's description; null where it knows no such id",
            nullable=True,
            repeats=True,
        ),
    ),
)
HOURLY_COUNTS = Frame(
    names.HOURLY_COUNTS,
    "full hour with rows of one type",
    (
        _time("hour", "the start of the hour; of one that the clock shows twice, both"),
        _text(
            "type",
            "the event's type, payments are purchases; null where the dictionary knows no such id",
            nullable=True,
            repeats=True,
        ),
        _count("rows", "rows as the source holds them, bad ones included", "rows"),
    ),
)
USER_HISTORY = Frame(
    names.USER_HISTORY,
    "client of the day",
    (
        _USER,
        _time("first_event_at", "the first event or payment over all history", nullable=True),
        _time(
            "first_experiment_at",
            "the first experiment event before the cut-off, or null",
            nullable=True,
        ),
        _time("first_payment_at", "the first payment before the cut-off, or null", nullable=True),
    ),
)
CLEAN_EVENTS = Frame(
    names.CLEAN_EVENTS,
    "valid event of somebody in no experiment",
    (_USER, _time("event_time", "when it happened"), _EVENT_TYPE),
)
UNCLOSED_PROCESSES = Frame(
    names.UNCLOSED_PROCESSES,
    "process",
    (
        _PROCESS,
        _count("due", "whose 24 hours ended on the day", "cases"),
        _count("breached", "those of the due ones that were not closed in time", "cases"),
        _count("opened", "opened on the day", "cases"),
        _count("closed", "closed on the day", "cases"),
        _count("in_progress", "open at the cut-off, up to 24 h old", "cases"),
        _count("overdue_1_3d", "open at the cut-off, over 24 h to 3 days old", "cases"),
        _count("overdue_3_7d", "open at the cut-off, over 3 to 7 days old", "cases"),
        _count("overdue_7_30d", "open at the cut-off, over 7 to 30 days old", "cases"),
        _number(
            "usual_breached",
            "median of the same weekday of four weeks; null before a full comparison",
            "cases",
            nullable=True,
        ),
        _count("same_day_users", "the old bot's number, for comparison", "clients"),
    ),
)
STUCK_CASES = Frame(
    names.STUCK_CASES,
    "open case older than 24 hours",
    (
        _PROCESS,
        _USER,
        _time("opened_at", "when the case was opened"),
        _number("age_hours", "how long it is open at the cut-off", "hours"),
        _count("starts", "how often the process was started within the case", "events"),
    ),
)
EXPIRING_CASES = Frame(
    names.EXPIRING_CASES,
    "open case whose 24 hours have not run out",
    (
        _PROCESS,
        _USER,
        _time("opened_at", "when the case was opened"),
        _time("deadline", "when its 24 hours run out"),
    ),
)
CONVERSION_FUNNEL = Frame(
    names.CONVERSION_FUNNEL,
    "step of a path, for a group of clients",
    (
        _text("group", "all, or a group of clients by its Russian name", repeats=True),
        _text("path", "main, or first_line: a branch", repeats=True),
        _text("step", "the event that ends the step", repeats=True),
        _count("users", "who came that far within 7 days", "clients"),
        _number("share", "of the entries; 0 without any", "0 to 1"),
    ),
)
DAILY_ACTIVITY = Frame(
    names.DAILY_ACTIVITY,
    "type of events",
    (
        _EVENT_TYPE,
        _count("users", "distinct clients on the day", "clients"),
        _count("events", "events on the day", "events"),
    ),
)
NEW_PAYING_USERS = Frame(
    names.NEW_PAYING_USERS,
    "the day",
    (
        _count("new_paying", "first payment ever on the day, not in experiments", "clients"),
        _count("new_paying_experiment", "the same, in experiments", "clients"),
        _count("paying", "distinct payers of the day, not in experiments", "clients"),
        _count("payments", "of these payers on the day", "payments"),
        _count(
            "same_weekday_last_week",
            "new_paying seven days before; null before a full comparison",
            "clients",
            nullable=True,
        ),
        _number(
            "mean_7d",
            "mean of new_paying over the seven days before; null before a full comparison",
            "clients",
            nullable=True,
        ),
    ),
)
DAILY_VALUES = Frame(
    names.DAILY_VALUES,
    "judged series",
    (
        _text("series", "the number that is judged, by its key", repeats=True),
        _count("value", "the day's value at its own cut-off", "clients or cases"),
        _count("of", "the whole of a share; null for a count", "clients or cases", nullable=True),
    ),
)
REPORT_DELIVERY = Frame(
    names.REPORT_DELIVERY,
    "message to a chat",
    (
        _text("chat", "the chat's id, or outbox"),
        _count("thread", "the topic in the chat; 0 for none", "id"),
        _text("kind", "report, edit, change, late"),
        _text("state", "planned, sending, sent, failed, unknown"),
        _count("attempts", "requests made", "requests"),
        _count("message_id", "the message in the chat; null if there is none", "id", nullable=True),
        Column("possible_duplicate", "whether the chat may have it twice", kind=Kind.TRUTH),
        _text("reason", "why it was refused or is in doubt, or null", nullable=True),
    ),
)

#: By asset, in the order in which a day goes through them.
FRAMES: Mapping[str, Frame] = {
    frame.asset: frame
    for frame in (
        RAW_EVENTS,
        HOURLY_COUNTS,
        USER_HISTORY,
        CLEAN_EVENTS,
        UNCLOSED_PROCESSES,
        STUCK_CASES,
        EXPIRING_CASES,
        CONVERSION_FUNNEL,
        DAILY_ACTIVITY,
        NEW_PAYING_USERS,
        DAILY_VALUES,
        REPORT_DELIVERY,
    )
}
