from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales_assets.core.bot.incoming import (
    Action,
    Command,
    Press,
    button_data,
    one_line,
    parse_command,
    parse_day,
    parse_pressed,
)
from sales_assets.core.delivery.alerts import again_button
from sales_assets.core.delivery.messages import report_buttons


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/report", Command("report")),
        ("/Report@This_Bot 2026-02-12 ", Command("report", "2026-02-12")),
        (" /start\nabc", Command("start", "abc")),
        ("/report@other", None),
        ("report", None),
        ("/", None),
        ("/отчёт", None),
        ("", None),
    ],
)
def test_a_private_command_needs_no_name_and_another_bots_is_not_ours(
    text: str, command: Command | None
) -> None:
    assert parse_command(text, "this_bot", is_group=False) == command


def test_in_a_group_only_a_command_with_our_name_is_ours() -> None:
    assert parse_command("/init", "this_bot", is_group=True) is None
    assert parse_command("/init@this_bot", "this_bot", is_group=True) == Command("init")


@given(st.text())
def test_no_text_breaks_the_parsers(text: str) -> None:
    parse_command(text, "this_bot", is_group=False)
    parse_day(text)
    parse_pressed(text)


def test_a_day_is_read_in_both_ways_of_writing() -> None:
    assert parse_day("2026-02-12") == parse_day("12.02.2026") == date(2026, 2, 12)
    assert parse_day("2026-02-30") is None


def test_every_button_comes_back_as_what_it_asks_for() -> None:
    day = date(2026, 2, 12)
    (expiring, stuck), (receipt,), (before, week) = report_buttons(day)
    ((again,),) = again_button(7)
    assert parse_pressed(expiring.data) == Press(Action.EXPIRING, day=day)
    assert parse_pressed(stuck.data) == Press(Action.STUCK, day=day)
    assert parse_pressed(receipt.data) == Press(Action.RECEIPT, day=day)
    assert parse_pressed(before.data) == Press(Action.DAY, day=date(2026, 2, 11))
    assert parse_pressed(week.data) == Press(Action.DAY, day=date(2026, 2, 5))
    assert parse_pressed(again.data) == Press(Action.AGAIN, number=7)
    assert parse_pressed(button_data(Action.NOW, day)) == Press(Action.NOW, day=day)
    assert parse_pressed(button_data(Action.ALLOW, 3)) == Press(Action.ALLOW, number=3)
    listed = button_data(Action.REFUSE, 3, is_listed=True)
    assert parse_pressed(listed) == Press(Action.REFUSE, number=3, is_listed=True)
    assert parse_pressed(button_data(Action.SOUND, "never")) == Press(Action.SOUND, word="never")
    nonsense = ("now:x", "allow:x", "again:x", "sound:loud", "", ":", "day:", "day:2026-02-30")
    assert [parse_pressed(data) for data in nonsense] == [None] * len(nonsense)


def test_a_name_is_one_line_without_direction_marks() -> None:
    assert one_line("Chief\u202e\n\u2028 of\u200b  sales\u0000") == "Chief of sales"
