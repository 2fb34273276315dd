"""The bridge to the CRM: active clients, those in experiments, and the time of the data."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, time
from typing import Any, ClassVar, Self

from sales_assets.core import names
from sales_assets.core.judgement.day_completeness import State
from sales_assets.core.metrics.activity import Population, active_clients, population
from sales_assets.core.metrics.cleaning import set_aside
from sales_assets.core.report.inputs import DayEvents, ReportDay, ReportInputs
from sales_assets.core.report.page import CONTENT, SMALL_SIZE, Block, small_lines, text_width
from sales_assets.core.report.part import Part
from sales_assets.core.report.sheet import CLIENT_COLUMN, CellKind, Sheet, SheetColumn, summed
from sales_assets.core.report.wording import day_and_month, number, sentence, zone_name
from sales_assets.core.russian import report as ru
from sales_assets.core.windows import DAY

POPULATION = "population"
_COLUMNS = (
    CLIENT_COLUMN,
    SheetColumn("first_at", ru.COLUMN_FIRST_EVENT, CellKind.MOMENT),
    SheetColumn("events", ru.COLUMN_EVENTS, CellKind.COUNT),
    SheetColumn("first_experiment_at", ru.COLUMN_JOINED, CellKind.MOMENT),
)
_FIGURES = (
    SheetColumn("active", ru.FIGURE_ACTIVE, CellKind.FIGURE),
    SheetColumn("in_experiments", ru.FIGURE_IN_EXPERIMENTS, CellKind.FIGURE),
    SheetColumn("left", ru.FIGURE_LEFT, CellKind.FIGURE),
)
#: From this hour on, the certainty goes without saying.
EVENING = time(22)


@dataclass(frozen=True)
class CrmBridge(Part):
    """From the CRM's clients of the day to those that the other parts count."""

    NAME: ClassVar[str] = ru.PART_POPULATION
    MISSING: ClassVar[str] = ru.MISSING_POPULATION
    FRAME: ClassVar[str] = names.USER_HISTORY
    KEY: ClassVar[str] = "crm_bridge"
    NUMBERS: ClassVar[tuple[str, ...]] = (POPULATION,)

    about: ReportDay
    clients: Population

    @classmethod
    def of(cls, inputs: ReportInputs) -> Self | None:
        """Count the clients of the day's `user_history`."""
        frame = inputs.frames.get(names.USER_HISTORY)
        if frame is None or inputs.about.is_empty or cls.reason(inputs.about):
            return None
        return cls(inputs.about, population(frame))

    @classmethod
    def absence_block(cls, about: ReportDay) -> Block:
        """Write the absence where the bridge stands."""
        return _lines(cls.absence(about), about)

    def numbers(self) -> dict[str, Any]:
        """Return the three numbers of the bridge."""
        return {POPULATION: {**asdict(self.clients), "left": self.clients.left}}

    @classmethod
    def sheets(cls, events: DayEvents, numbers: Mapping[str, Any]) -> Iterator[Sheet]:
        """Yield the day's active clients."""
        if told := numbers.get(POPULATION):
            rows = active_clients(set_aside(events.raw)[0], events.history)
            sums = summed(ru.TOTAL, rows, {each.name: told[each.name] for each in _FIGURES})
            yield Sheet(sentence(ru.PART_POPULATION), (*_COLUMNS, *_FIGURES), rows, (sums,))

    def block(self) -> Block:
        """Write the bridge."""
        bridge = ru.BRIDGE.format(
            active=self.about.bound(self.clients.active),
            experiments=number(self.clients.in_experiments),
            left=number(self.clients.left),
        )
        return _lines(bridge, self.about)


def _lines(bridge: str, about: ReportDay) -> Block:
    """Write the bridge and the time of the data, in one line where both fit."""
    until = "; ".join(filter(None, [_data_until(about), _certainty(about)]))
    both = ". ".join(filter(None, [bridge, until]))
    fits = text_width(both, SMALL_SIZE, is_bold=False) <= CONTENT
    return small_lines([both] if fits else [bridge, until], below=0)


def _data_until(about: ReportDay) -> str:
    """Say how far the data go: to the end of the day, or to the row after which none came."""
    found = about.completeness
    if about.is_empty:
        return ""
    end = datetime.combine(about.day + DAY, time())
    if found.state is State.ENDS_EARLY and found.ends_at:
        end = found.ends_at
    words = {"time": f"{end:%H:%M}", "day": day_and_month(end.date())}
    return ru.DATA_UNTIL.format(**words, zone=zone_name(end.replace(tzinfo=about.zone)))


def _certainty(about: ReportDay) -> str:
    """Say up to when a silence of the source would have been noticed, where that is early."""
    found = about.completeness
    if found.state is State.UNKNOWN:
        return ru.CERTAINTY_UNKNOWN_NOTE
    evening = datetime.combine(about.day, EVENING)
    if about.is_cut or found.certain_until is None or found.certain_until >= evening:
        return ""
    return ru.CERTAIN_NOTE.format(time=f"{found.certain_until:%H:%M}")
