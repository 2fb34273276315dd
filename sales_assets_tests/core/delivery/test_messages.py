"""The words around the report: pieces that fit, buttons that come back, changes told."""

import html
import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales_assets.core.delivery import messages
from sales_assets.core.delivery.messages import (
    again_button,
    changes_text,
    parse_button,
    plain_text,
    report_buttons,
    split_html,
    width,
)

DAY = date(2026, 3, 1)
_NESTED = st.recursive(
    st.text("абв 😀<&>\"'\n", max_size=30).map(html.escape),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map("".join),
        st.tuples(st.sampled_from(["b", "i", "code"]), inner).map(
            lambda both: f"<{both[0]}>{both[1]}</{both[0]}>"
        ),
    ),
    max_leaves=12,
)


def is_balanced(text: str) -> bool:
    opened: list[str] = []
    for slash, name in re.findall(r"<(/?)(\w+)[^>]*>", text):
        if not slash:
            opened.append(name)
        elif not opened or opened.pop() != name:
            return False
    return not opened


@given(text=_NESTED, first=st.integers(8, 30), rest=st.integers(8, 60))
def test_pieces_fit_are_whole_html_and_lose_no_word(text: str, first: int, rest: int) -> None:
    pieces = split_html(text, first, rest)
    for index, piece in enumerate(pieces):
        assert width(plain_text(piece)) <= (rest if index else first)
        assert is_balanced(piece)
    assert "".join("".join(map(plain_text, pieces)).split()) == "".join(plain_text(text).split())


def test_a_text_that_fits_is_one_piece_and_unchanged() -> None:
    text = "<b>a</b>\n&lt;b&gt;"
    assert split_html(text, 1024, 4096) == (text,)
    assert split_html("", 1024, 4096) == ("",)


def test_a_cut_falls_between_lines_and_tags_are_opened_again() -> None:
    assert split_html("<b>one two\nthree four</b>", 12, 100) == (
        "<b>one two</b>",
        "<b>three four</b>",
    )


def test_a_word_that_is_longer_than_a_message_is_cut_all_the_same() -> None:
    pieces = split_html("а" * 3000, 1024, 1024)
    assert "".join(pieces) == "а" * 3000
    assert len(pieces) == 3


def test_every_button_comes_back_as_what_it_meant() -> None:
    [[stuck], [before, week]] = report_buttons(DAY)
    assert parse_button(stuck.data) == ("stuck", DAY)
    assert parse_button(before.data) == ("day", date(2026, 2, 28))
    assert parse_button(week.data) == ("day", date(2026, 2, 22))
    assert parse_button(again_button(17)[0][0].data) == ("again", 17)
    assert all(len(button.data) <= 64 for button in (stuck, before, week))


@pytest.mark.parametrize("data", ["", "day:", "day:2026-02-30", "again:x", "other:1", "day"])
def test_data_that_is_not_ours_is_nothing(data: str) -> None:
    assert parse_button(data) is None


def test_a_change_is_told_by_name_from_what_to_what() -> None:
    text = changes_text(DAY, {"Новые <оплаты>": 1200, "б": 1}, {"Новые <оплаты>": 1300.5, "б": 1})
    assert text == (
        "Отчёт за 1\u00a0марта уточнён. Новые &lt;оплаты&gt;: было 1\u00a0200, стало 1\u00a0300,5."
    )


def test_a_number_that_was_missing_is_told_as_missing() -> None:
    text = changes_text(DAY, {}, {"а": 3})
    assert text is not None
    assert "было нет данных, стало 3" in text


def test_numbers_that_read_the_same_are_no_change() -> None:
    assert changes_text(DAY, {"а": 0.1 + 0.2}, {"а": 0.3}) is None
    assert changes_text(DAY, {"а": None}, {"а": None}) is None


def test_a_notice_survives_the_ledger() -> None:
    notice = messages.admin_alert(DAY, "run", "a < b", again_button(3))
    stored = messages.notice_to_json(notice)
    assert messages.notice_from_json(DAY, notice.kind, stored) == notice


def test_a_repeat_says_so_where_there_is_room() -> None:
    assert "Возможен повтор" in messages.with_repeat_note("слово", 1024)
    assert messages.with_repeat_note("а" * 1024, 1024) == "а" * 1024
