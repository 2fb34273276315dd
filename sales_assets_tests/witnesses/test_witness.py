"""The witness itself: right on the example worked by hand, sharp, and the same from one seed."""

import pandas as pd
import pytest

from sales_assets_tests.witnesses.__main__ import described
from sales_assets_tests.witnesses.comparison import disagreements
from sales_assets_tests.witnesses.journeys import random_log
from sales_assets_tests.witnesses.slips import told_apart
from sales_assets_tests.witnesses.witness import witnessed
from sales_assets_tests.witnesses.worked_examples import worked_example

#: What docs/metrics.md works out by hand for «Первая линия» on 30.01.2022.
WORKED_OUT = {
    "due": 8,
    "breached": 5,
    "opened": 4,
    "closed": 5,
    "in_progress": 2,
    "overdue_1_3d": 4,
    "overdue_3_7d": 0,
    "overdue_7_30d": 0,
    "same_day_users": 1,
}


@pytest.fixture(scope="module")
def some_numbers() -> dict[str, pd.DataFrame]:
    return witnessed([random_log(seed) for seed in range(60)])


def test_the_sql_gives_the_numbers_that_were_worked_out_by_hand() -> None:
    numbers = witnessed([worked_example()])["unclosed_processes"].set_index("process")
    assert numbers.loc["Первая линия", list(WORKED_OUT)].to_dict() == WORKED_OUT


def test_a_seed_makes_the_same_log_every_time() -> None:
    assert described(random_log(7)) == described(random_log(7))
    assert described(random_log(7)) != described(random_log(8))


def test_the_backlog_of_a_day_follows_from_the_day_before(
    some_numbers: dict[str, pd.DataFrame],
) -> None:
    backlog = some_numbers["backlog"]
    came = backlog["open_at_start"] + backlog["opened"]
    went = backlog["closed"] + backlog["joined"] + backlog["aged_out"]
    assert backlog["open_at_end"].sum() > 0
    assert (came - went).tolist() == backlog["open_at_end"].tolist()


def test_frames_agree_with_themselves_in_any_row_order(
    some_numbers: dict[str, pd.DataFrame],
) -> None:
    turned_round = {name: frame[::-1] for name, frame in some_numbers.items()}
    assert disagreements(some_numbers, turned_round) == []


def test_one_wrong_value_is_named_with_the_seed_that_shows_it(
    some_numbers: dict[str, pd.DataFrame],
) -> None:
    right = some_numbers["unclosed_processes"]
    one_case = pd.Series([1, *[0] * (len(right) - 1)])
    wrong = {"unclosed_processes": right.assign(due=right["due"] + one_case)}
    (found,) = disagreements(some_numbers, wrong)
    assert (found.column, found.seed) == ("due", right["seed"].iloc[0])
    assert f"--seed {found.seed}" in str(found)


def test_a_missing_row_and_a_null_in_place_of_a_number_are_disagreements(
    some_numbers: dict[str, pd.DataFrame],
) -> None:
    payers = some_numbers["new_paying_users"]
    nulled = payers.assign(mean_7d=None)
    assert disagreements(some_numbers, {"new_paying_users": nulled})
    assert disagreements(some_numbers, {"stuck_cases": some_numbers["stuck_cases"].iloc[1:]})


def test_the_random_logs_tell_a_definition_with_a_slip_from_the_right_one() -> None:
    promises = ("exactly 24 hours is met", "seven days to convert include their end")
    logs = [random_log(seed) for seed in range(50)]
    assert told_apart(logs, promises) == dict.fromkeys(promises, True)
