from datetime import date

import pandas as pd
import pytest

from sales_assets.core.days import DailyFrames

MONDAY, TUESDAY = date(2022, 1, 31), date(2022, 2, 1)


def unmade(day: date) -> pd.DataFrame:
    raise AssertionError(day)


def test_whether_a_day_is_there_is_told_without_making_its_frame() -> None:
    frames = DailyFrames([MONDAY], unmade)
    assert MONDAY in frames
    assert TUESDAY not in frames


def test_a_choice_of_no_days_shows_none() -> None:
    frames = DailyFrames([MONDAY, TUESDAY], unmade)
    assert list(DailyFrames([], frames.__getitem__)) == []
    assert list(DailyFrames([TUESDAY], frames.__getitem__)) == [TUESDAY]
    assert list(DailyFrames(frames, frames.__getitem__)) == [MONDAY, TUESDAY]


def test_a_day_that_was_not_promised_raises() -> None:
    with pytest.raises(KeyError, match="2022"):
        DailyFrames([MONDAY], unmade)[TUESDAY]
