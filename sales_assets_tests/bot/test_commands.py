"""What a reader types, and what he is told."""

import io
import shutil
import time
from datetime import datetime, timedelta
from typing import Any

import openpyxl
import pytest

from sales_assets.adapters.files.day_records import Refusal, write_refusal
from sales_assets.adapters.files.frames import FrameStore
from sales_assets.adapters.state.ledger import Ledger
from sales_assets.core.delivery.rows import NEW, Delivery, MessageKind
from sales_assets.core.judgement.day_completeness import Completeness, State
from sales_assets_tests.bot.bot_world import BEFORE, DAY, MORNING, SUBSCRIBED, BotWorld, buttons
from sales_assets_tests.fake_telegram import faults


@pytest.fixture
def reader(world: BotWorld) -> int:
    chat = world.fake.add_private_chat("Chief")
    world.subscribe(chat)
    return chat


def answer(world: BotWorld, chat: int, text: str) -> str:
    world.fake.say(chat, text)
    world.run_until_idle()
    return world.texts(chat)[-1]


def test_the_commands_are_registered_at_the_start(world: BotWorld) -> None:
    with world.running():
        world.fake.wait_for(lambda: world.fake.calls("getUpdates"))
    [commands] = world.fake.bot().commands.values()
    names = {one["command"] for one in commands}
    assert names == {
        "start",
        "init",
        "stop",
        "report",
        "stuck",
        "status",
        "client",
        "settings",
        "help",
    }


def test_an_admin_is_subscribed_and_told_when_the_report_comes(world: BotWorld) -> None:
    world.fake.say(world.admin, "/init")
    world.run_until_idle()
    [told] = world.texts(world.admin)
    assert told.startswith(SUBSCRIBED)
    assert world.subscriptions() == [(world.admin, 0, "active", None)]


def test_init_typed_twice_says_so_kindly_and_changes_nothing(world: BotWorld) -> None:
    world.fake.say(world.admin, "/init")
    world.fake.say(world.admin, "/init")
    world.run_until_idle()
    first, second = world.texts(world.admin)
    assert first.startswith(SUBSCRIBED)
    assert second == (
        "Всё в порядке, подписка уже есть: отчёт приходит сюда каждый день в 08:45 "
        "по московскому времени."
    )
    assert len(world.subscriptions()) == 1


@pytest.mark.parametrize(
    ("hours", "is_stored", "words"),
    [
        (0, True, "Самый свежий, за 12\xa0февраля, пришлю с ближайшей рассылкой"),
        (0, False, "Отчёт за 12\xa0февраля задерживается, пришлю, как только будет."),
        (-1, True, "Первый придёт 13\xa0февраля в 08:45, за 12\xa0февраля."),
    ],
)
def test_init_says_when_the_first_report_comes(
    world: BotWorld,
    hours: int,
    is_stored: bool,  # noqa: FBT001 - a parameter of the test
    words: str,
) -> None:
    world.clock.now += timedelta(hours=hours)
    if is_stored:
        world.store(DAY)
        with world.state() as state:  # what waits for its turn has not come
            Ledger(state).keep([Delivery(NEW, DAY, MessageKind.REPORT, world.admin)], MORNING)
    assert words in answer(world, world.admin, "/init")


def test_who_returns_on_the_same_day_is_not_promised_the_report_again(
    world: BotWorld, reader: int
) -> None:
    world.deliver(world.store(DAY))
    world.fake.say(reader, "/stop")
    told = answer(world, reader, "/init")
    assert "Следующий придёт 14\xa0февраля в 08:45, за 13\xa0февраля" in told


def test_stop_ends_the_reports_and_init_brings_them_back(world: BotWorld, reader: int) -> None:
    told = answer(world, reader, "/stop")
    assert told == "Хорошо, больше не присылаю. Вернуть отчёт: /init"
    assert world.subscriptions() == [(reader, 0, "asleep", "stopped by the chat")]
    assert answer(world, reader, "/stop") == "Подписки здесь нет. Получать отчёт: /init"
    assert answer(world, reader, "/init").startswith(SUBSCRIBED)
    assert world.subscriptions() == [(reader, 0, "active", None)]


def test_stop_and_settings_without_a_subscription_say_so(world: BotWorld) -> None:
    for text in ("/stop", "/settings"):
        assert answer(world, world.admin, text) == "Подписки здесь нет. Получать отчёт: /init"


def test_a_sleeping_subscription_shows_no_day_and_no_number(world: BotWorld) -> None:
    chat = world.fake.add_private_chat()
    world.subscribe(chat, "asleep", reason="stopped by the chat")
    world.store(DAY)
    for text in ("/report", "/status", "/stuck", "/help", "hello"):
        world.fake.say(chat, text)
    world.run_until_idle()
    assert set(world.texts(chat)) == {"Подписка выключена. Вернуть отчёт: /init"}


def test_report_shows_the_newest_day_as_it_was_sent(world: BotWorld, reader: int) -> None:
    world.store(BEFORE)
    world.deliver(world.store(DAY, 12))
    sent = world.last(reader)
    world.store(DAY, 15)  # known since then
    answer(world, reader, "/report")
    shown = world.last(reader)
    assert shown["caption"] == "Всё спокойно\nНовых платящих 12"
    assert shown["photo"] == sent["photo"]
    assert buttons(shown) == {
        "Успеть сегодня": "expiring:2026-02-12",
        "Список застрявших": "stuck:2026-02-12",
        "Откуда числа": "receipt:2026-02-12",
        "День раньше": "day:2026-02-11",
        "Неделю назад": "day:2026-02-05",
        "Как известно сейчас": "now:2026-02-12",
    }


@pytest.mark.parametrize("typed", ["2026-02-11", "11.02.2026", "  2026-02-11 "])
def test_report_shows_any_stored_day(world: BotWorld, reader: int, typed: str) -> None:
    world.store(DAY)
    stored = world.store(BEFORE, 7)
    answer(world, reader, f"/report {typed}")
    shown = world.last(reader)
    assert shown["caption"] == "Всё спокойно\nНовых платящих 7"
    assert world.fake.download(shown["photo"][-1]["file_id"]) == stored.picture
    assert "Как известно сейчас" not in buttons(shown)


def test_a_picture_that_telegram_forgot_is_uploaded_again(world: BotWorld, reader: int) -> None:
    report = world.store(DAY)
    world.deliver(report)
    world.fake.forget_file(world.last(reader)["photo"][-1]["file_id"])
    answer(world, reader, "/report")
    shown = world.last(reader)
    assert world.fake.download(shown["photo"][-1]["file_id"]) == report.picture


@pytest.mark.parametrize("is_stored", [True, False])
def test_a_forgotten_picture_of_other_content_is_replaced_by_words(
    world: BotWorld,
    reader: int,
    is_stored: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    world.deliver(world.store(DAY, 12))
    world.fake.forget_file(world.last(reader)["photo"][-1]["file_id"])
    if is_stored:
        world.store(DAY, 15)
    else:
        shutil.rmtree(world.settings.storage)
    told = answer(world, reader, "/report")
    assert told.startswith("Всё спокойно\nНовых платящих 12\n\nКартинки в этот раз нет")


@pytest.mark.parametrize("typed", ["вчера", "2026-02-30", "<b>&", "12.2"])
def test_a_bad_day_gets_a_friendly_line_with_an_example(
    world: BotWorld, reader: int, typed: str
) -> None:
    world.store(BEFORE)
    told = answer(world, reader, f"/report {typed}")
    assert told == f"Не понял день «{typed}». Напишите, например, так: /report 2026-02-11"


def test_of_a_day_without_a_report_it_names_the_newest_that_has_one(
    world: BotWorld, reader: int
) -> None:
    world.store(DAY)
    for asked, said in (
        ("2025-12-31", "31\xa0декабря\xa02025"),
        ("2026-02-13", "13\xa0февраля\xa02026"),
    ):
        assert answer(world, reader, f"/report {asked}") == (
            f"За {said} отчёта нет. Последний, за 12\xa0февраля: /report"
        )


def test_without_any_report_it_says_so(world: BotWorld, reader: int) -> None:
    assert answer(world, reader, "/report") == "Отчётов пока нет."
    assert answer(world, reader, "/stuck") == "Отчётов пока нет."


def test_stuck_sends_the_list_as_a_spreadsheet(world: BotWorld, reader: int) -> None:
    world.store(DAY, 3)
    told = answer(world, reader, "/stuck")
    assert told == "Ждут дольше 24\xa0ч на конец 12\xa0февраля: 3\xa0случая."
    document = world.last(reader)["document"]
    assert document["file_name"] == "stuck-2026-02-12.xlsx"
    book = openpyxl.load_workbook(io.BytesIO(world.fake.download(document["file_id"])))
    assert [row[1] for row in book.worksheets[0].values] == [
        "Клиент",
        "client-0",
        "client-1",
        "client-2",
    ]


def test_a_day_on_which_nobody_waits_needs_no_spreadsheet(world: BotWorld, reader: int) -> None:
    world.store(DAY, 0)
    told = answer(world, reader, "/stuck")
    assert told == "Дольше 24\xa0ч на конец 12\xa0февраля никто не ждёт."
    world.store_expiring(DAY, 2)
    assert answer(world, reader, "/stuck").startswith(told)
    assert "document" in world.last(reader)


def test_status_tells_the_newest_day_the_next_and_that_nothing_is_late(
    world: BotWorld, reader: int
) -> None:
    world.store(DAY)
    assert answer(world, reader, "/status").split("\n") == [
        "Последний отчёт: за 12\xa0февраля\xa02026.",
        "Следующий: 14\xa0февраля в 08:45 (МСК), за 13\xa0февраля.",
        "Задержки нет.",
        "Подписка здесь включена.",
    ]


def test_status_tells_when_data_is_late(world: BotWorld, reader: int) -> None:
    world.store(BEFORE)
    told = answer(world, reader, "/status")
    assert "Отчёт за 12\xa0февраля задерживается." in told


@pytest.mark.parametrize(
    ("report", "told"),
    [
        ({"data": {"state": "complete"}}, "Данные за этот день полные."),
        (
            {"verdict_kind": "incomplete", "verdict": "Данные до 14:03: дальше не загружено"},
            "Данные до 14:03: дальше не загружено.",
        ),
        (
            {"data": {"state": "unknown"}, "notes": ["полнота данных пока не проверяется"]},
            "Полнота данных пока не проверяется.",
        ),
        (
            {"data": {"state": "complete"}, "notes": ["Новые платящие: не посчитано, нет оплат"]},
            "Новые платящие: не посчитано, нет оплат.",
        ),
    ],
)
def test_status_tells_what_the_report_of_the_newest_day_lacks(
    world: BotWorld, reader: int, report: dict[str, Any], told: str
) -> None:
    world.store(DAY, **report)
    assert answer(world, reader, "/status").split("\n")[1:-3] == [told]


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (MORNING, "Отчёт за 12\xa0февраля задерживается. Данные до 14:03: дальше не загружено."),
        (MORNING.replace(hour=7), "Данные до 14:03: дальше не загружено. Жду остальное."),
    ],
)
def test_status_tells_what_the_source_lacks_of_a_day_that_waits_for_it(
    world: BotWorld, reader: int, now: datetime, told: str
) -> None:
    world.store(BEFORE)
    found = Completeness(State.ENDS_EARLY, ends_at=datetime(2026, 2, 12, 14, 3))
    refusal = Refusal(DAY, "completeness", "the rows end", completeness=found)
    write_refusal(FrameStore(world.settings.storage), refusal)
    world.clock.now = now
    assert told in answer(world, reader, "/status")


def test_help_and_start_tell_a_reader_every_command(world: BotWorld, reader: int) -> None:
    for text in ("/help", "/start"):
        told = answer(world, reader, text)
        assert "каждый день в 08:45 по московскому времени" in told
        assert all(f"/{name}" in told for name in ("init", "stop", "report", "stuck", "status"))


def test_what_is_no_command_points_to_the_help(world: BotWorld, reader: int) -> None:
    assert answer(world, reader, "спасибо") == "Такой команды я не знаю. Что я умею: /help"
    assert answer(world, reader, "/unknown") == "Такой команды я не знаю. Что я умею: /help"


def test_every_reply_comes_within_a_second(world: BotWorld, reader: int) -> None:
    world.deliver(world.store(DAY, 200))
    with world.running():
        world.fake.wait_for(lambda: world.fake.calls("getUpdates"))
        for text in ("/status", "/report", "/stuck", "/help", "/report 2026-02-12"):
            before = len(world.fake.from_bot(reader))
            began = time.monotonic()
            world.fake.say(reader, text)
            world.fake.wait_for(lambda: len(world.fake.from_bot(reader)) > before)  # noqa: B023
            assert time.monotonic() - began < 1, text


def test_a_pause_that_the_service_asks_for_is_kept_and_the_reply_comes(
    world: BotWorld, reader: int
) -> None:
    world.fake.order(faults.flood(1), "sendMessage")
    answer(world, reader, "/status")
    assert len(world.texts(reader)) == 1
    world.fake.order(faults.flood(900), "sendMessage")  # he has gone by then
    world.fake.say(reader, "/status")
    world.run_until_idle()
    assert len(world.texts(reader)) == 1


def test_a_reply_that_is_in_doubt_is_repeated_once(world: BotWorld, reader: int) -> None:
    world.fake.order(faults.accept_then_fail(500), "sendMessage", times=None)
    answer(world, reader, "/status")
    assert len(world.texts(reader)) == 2
