from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from sales_assets.core.bot import texts
from sales_assets.core.bot.access import Known
from sales_assets.core.bot.outlook import outlook
from sales_assets.core.bot.replies import REPLIES, Reply, ReplyKind
from sales_assets.core.delivery.rows import Place
from sales_assets.core.delivery.timetable import Timetable

DAY = date(2026, 2, 12)
MOSCOW = ZoneInfo("Europe/Moscow")
TIMETABLE = Timetable(MOSCOW, time(8, 45))


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ("Europe/Moscow", "каждый день в 08:45 по московскому времени"),
        ("Asia/Yekaterinburg", "каждый день в 08:45 (UTC+5)"),
    ],
)
def test_the_hour_is_told_with_its_zone(zone: str, words: str) -> None:
    assert texts.every_day_at(time(8, 45), ZoneInfo(zone), DAY) == words


@pytest.mark.parametrize(
    ("count", "words"), [(1, "1\xa0случай."), (2, "2\xa0случая."), (5, "5\xa0случаев.")]
)
def test_cases_are_counted_in_good_russian(count: int, words: str) -> None:
    assert texts.lists_caption(DAY, count, 0).endswith(words)


@pytest.mark.parametrize(
    ("count", "words"),
    [(1, "просит 1\xa0чат"), (3, "просят 3\xa0чата"), (21, "просит 21\xa0чат")],
)
def test_requests_are_counted_in_good_russian(count: int, words: str) -> None:
    one = Known(1, Place(5), "pending", None, datetime(2026, 2, 12, tzinfo=MOSCOW))
    told, _ = texts.requests([one] * count)
    assert told.startswith(f"Отчёт {words}. Последние:")


def test_a_part_that_is_gone_is_a_change_as_well() -> None:
    told = texts.known_now(DAY, {"а": 1, "б": 2}, {"а": 1})
    assert told == "Отчёт за 12\xa0февраля уточнён. б: было 2, стало «нет данных»."


def test_a_day_that_was_never_sent_has_nothing_to_compare() -> None:
    assert "не рассылался" in texts.known_now(DAY, None, {"а": 1})


def test_what_a_person_typed_is_repeated_short_and_escaped() -> None:
    told = texts.bad_day("<b>" * 100, DAY, "")
    assert "<" not in told
    assert f"«{'&lt;b&gt;' * 13}&lt;»" in told, "cut before it is escaped"
    assert len(told) < 200


def test_before_the_hour_nothing_is_late_and_the_year_turns_well() -> None:
    night = datetime(2026, 1, 1, 0, 30, tzinfo=MOSCOW)
    stands = outlook(TIMETABLE, {date(2025, 12, 30)}, night)
    assert (stands.newest, stands.finished) == (date(2025, 12, 30), date(2025, 12, 31))
    assert stands.next_at == datetime(2026, 1, 1, 8, 45, tzinfo=MOSCOW)
    assert not stands.is_late
    assert outlook(TIMETABLE, (), night.replace(hour=8, minute=45)).is_late


def test_a_reply_survives_being_written_down() -> None:
    reply = Reply(
        ReplyKind.REPORT,
        -5,
        3,
        html="<b>x</b>",
        day=DAY,
        buttons=texts.report_keyboard(DAY, with_now=True),
    )
    assert REPLIES.validate_python(REPLIES.dump_python((reply,), mode="json")) == (reply,)
