from datetime import UTC, date, datetime, timedelta

import pytest

from sales_assets.core.readiness import MOST_TRIES, PAUSES, Ended, NextStep, RunsOfDay, next_step

DAY = date(2026, 11, 23)
MORNING = datetime(2026, 11, 24, 8, 20, tzinfo=UTC)
LAST_CALL = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def step(ended: Ended, after: timedelta, runs: int = 1, ended_at: datetime = MORNING) -> NextStep:
    return next_step(RunsOfDay(DAY, ended, ended_at, runs), ended_at + after, LAST_CALL)


def test_what_passes_is_tried_again_after_a_pause_that_grows() -> None:
    for runs, pause in enumerate(PAUSES, start=1):
        assert step(Ended.PASSING, pause - MINUTE / 2, runs) is NextStep.WAIT
        assert step(Ended.PASSING, pause, runs) is NextStep.RUN
    assert step(Ended.PASSING, PAUSES[-1], len(PAUSES) + 2) is NextStep.RUN


def test_nothing_is_tried_for_ever() -> None:
    day = timedelta(days=1)
    assert step(Ended.PASSING, day, MOST_TRIES) is NextStep.RUN
    assert step(Ended.PASSING, day, MOST_TRIES + 1) is NextStep.WAIT


@pytest.mark.parametrize("ended", [Ended.WELL, Ended.BROKEN])
def test_a_run_that_went_well_or_is_broken_is_left_alone(ended: Ended) -> None:
    assert step(ended, timedelta(hours=2)) is NextStep.WAIT


def test_a_cut_day_is_looked_at_until_its_last_call_and_then_reported_once() -> None:
    assert step(Ended.CUT, MINUTE) is NextStep.LOOK
    assert step(Ended.CUT, LAST_CALL - MORNING - MINUTE, 50) is NextStep.LOOK
    assert step(Ended.CUT, LAST_CALL - MORNING, 50) is NextStep.RUN


def test_a_day_refused_after_its_last_call_is_tried_again_with_a_bound() -> None:
    late = LAST_CALL + MINUTE  # the source's clock is behind ours
    assert step(Ended.CUT, MINUTE / 2, 1, late) is NextStep.WAIT
    assert step(Ended.CUT, MINUTE, 1, late) is NextStep.RUN
    assert step(Ended.CUT, timedelta(hours=1), MOST_TRIES + 1, late) is NextStep.WAIT
