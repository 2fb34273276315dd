"""The hourly counts of stored days, and whether each of these days is whole."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import pandas as pd

from sales_assets.adapters.files.day_records import JSON, RECORD, read_record, write_record
from sales_assets.adapters.files.frames import FrameStore
from sales_assets.adapters.source.counts import SourceCounts
from sales_assets.core import names
from sales_assets.core.completeness import CUT, Evidence, judge_day, surrounding_days
from sales_assets.core.days import lookback_days
from sales_assets.core.judgement import Completeness
from sales_assets.core.report.workdays import holidays_among
from sales_assets.core.windows import COMPLETENESS_DAYS, COUNT_DAYS


@dataclass
class WholeDays:
    """Counts and records by day; what was said of a day stands until its own rows change."""

    store: FrameStore
    first_date: date
    country: str | None
    _counts: dict[date, pd.DataFrame] = field(default_factory=dict, repr=False)
    _answers: dict[date, Completeness] = field(default_factory=dict, repr=False)
    _stored: set[date] = field(default_factory=set, repr=False)

    def lookback(self, days: Sequence[date]) -> list[date]:
        """Return the days whose counts `days` rest on, those included, in order."""
        return lookback_days(days, self.first_date, COUNT_DAYS + 1)

    def missing(self, days: Sequence[date]) -> list[date]:
        """Return those of `days` that nobody counted."""
        self._stored = self.store.days(names.HOURLY_COUNTS) & self.store.days(RECORD, JSON)
        return [day for day in days if day not in self._stored]

    def fill(self, day: date, counts: SourceCounts) -> pd.DataFrame:
        """Store a day of the lookback; it is judged when somebody asks."""
        frame = counts.of_day(day)
        self._write(day, frame, counts.evidence(day))
        return frame

    def judge(self, day: date, counts: SourceCounts, unstored: Sequence[date] = ()) -> Completeness:
        """Say whether a day that was just read is whole, by the stored days before it.

        Of days `unstored` the source's own counts serve.
        """
        before = [counts.of_day(each) for each in unstored]
        of_day = pd.concat([*before, counts.of_day(day)], ignore_index=True)
        return self._judged(day, of_day, counts.evidence(day), unstored)

    def take(self, day: date, counts: SourceCounts, answer: Completeness) -> None:
        """Store a day that was read and judged.

        Where its rows are those that are stored, and so is the answer, the moment of reading
        makes no difference: nothing is written.
        """
        frame, evidence = counts.of_day(day), counts.evidence(day)
        if day in self._stored:
            (known, _), told = read_record(self.store, day), self.completeness(day)
            same_rows = self.counts(day).equals(frame) and known.last_at == evidence.last_at
            if same_rows and (told.state, told.missing) == (answer.state, answer.missing):
                return
        self._write(day, frame, evidence, answer)

    def counts(self, day: date) -> pd.DataFrame:
        """Return the stored counts of a day."""
        if day not in self._counts:
            self._counts[day] = self.store.read(names.HOURLY_COUNTS, day)
        return self._counts[day]

    def completeness(self, day: date) -> Completeness:
        """Return what the judge says of a stored day; raise `MissingDayError` for another."""
        if day not in self._answers:
            evidence, answer = read_record(self.store, day)
            if answer is None:
                answer = self._judged(day, self.counts(day), evidence)
                write_record(self.store, day, evidence, answer)
            self._answers[day] = answer
        return self._answers[day]

    def cut_days(self, days: Sequence[date]) -> tuple[date, ...]:
        """Return those of `days` that were stored as they are, without their end or a part."""
        return tuple(day for day in days if self.completeness(day).state in CUT)

    def _judged(
        self, day: date, counts: pd.DataFrame, evidence: Evidence, unstored: Sequence[date] = ()
    ) -> Completeness:
        span = surrounding_days(day)
        if not self._stored:
            self.missing([])
        before = [self.counts(each) for each in span[:COMPLETENESS_DAYS] if each in self._stored]
        holidays = holidays_among(span, self.country)
        rows = pd.concat([*before, counts], ignore_index=True)
        return judge_day(rows, day, evidence, holidays, self._stored.union(unstored))

    def _write(
        self, day: date, frame: pd.DataFrame, evidence: Evidence, answer: Completeness | None = None
    ) -> None:
        write_record(self.store, day, evidence, answer)
        self.store.write(names.HOURLY_COUNTS, day, frame)
        self._counts[day] = frame
        self._stored.add(day)
        self._answers.pop(day, None)
