"""A morning in the chat, from /init to every button under the report."""

import json
from io import BytesIO
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from sales_assets.adapters.files.frames import FrameStore
from sales_assets.core import journey
from sales_assets_tests.bot.bot_world import NEUTRAL, BotWorld, buttons
from sales_assets_tests.bot.department import DAY, store_day
from sales_assets_tests.bot.test_buttons import SILENT

LISTS = (f"expiring:{DAY}", f"stuck:{DAY}", f"receipt:{DAY}")


def words(message: dict[str, Any]) -> list[str]:
    text = message.get("text") or message["caption"]
    return text.replace("\u00a0", " ").split("\n")


def book_of(world: BotWorld, message: dict[str, Any]) -> Workbook:
    return load_workbook(BytesIO(world.fake.download(message["document"]["file_id"])))


def rows_of(book: Workbook, sheet: str) -> list[tuple[Any, ...]]:
    return list(book[sheet].values)[1:]


@pytest.fixture
def chief(world: BotWorld) -> int:
    """Somebody who asks for the report and is let in."""
    chief = world.fake.add_private_chat("Chief")
    with world.running():
        world.fake.say(chief, "/init")
        world.settled()
        allow = next(data for data in buttons(world.last(world.admin)).values() if "allow" in data)
        world.press(world.admin, world.admin, allow)
    world.deliver(store_day(FrameStore(world.settings.storage)))
    return chief


def test_the_report_comes_with_its_buttons_and_each_of_them_answers(
    world: BotWorld, chief: int
) -> None:
    report = world.last(chief)
    assert list(buttons(report)) == [
        "Успеть сегодня",
        "Список застрявших",
        "Откуда числа",
        "День раньше",
        "Неделю назад",
    ]
    with world.running():
        answers = {data: world.press(chief, chief, data) for data in LISTS}
        missing = [world.press(chief, chief, f"day:2026-02-{day}") for day in ("11", "05")]
    assert answers == dict.fromkeys(LISTS, SILENT)
    assert [one and one["text"] for one in missing] == [
        "За 11\u00a0февраля\u00a02026 отчёта нет.",
        "За 5\u00a0февраля\u00a02026 отчёта нет.",
    ]
    expiring, lists, receipt = world.fake.from_bot(chief)[-3:]
    assert words(expiring) == [
        "Успеть сегодня, с 09:00 13 февраля: 2",
        "до 09:30 · boris · Первая линия",
        "до 12:00 · clara · Открытые заявки",
        "По данным на конец 12 февраля: кого закрыли сегодня, здесь ещё есть.",
    ]
    assert " ".join(words(lists)) == (
        "Ждут дольше 24 ч на конец 12 февраля: 1 случай. "
        "Срок истекает 13 февраля: 2, на первом листе."
    )
    waiting = book_of(world, lists)
    assert [row[2] for row in rows_of(waiting, "Успеть сегодня 13.02.2026")] == ["boris", "clara"]
    assert [row[1] for row in rows_of(waiting, "Зависшие 12.02.2026")] == ["anna"]
    numbers = book_of(world, receipt)
    assert receipt["document"]["file_name"] == "receipt-2026-02-12.xlsx"
    assert {row[4] for row in rows_of(numbers, "Числа")[:-1]} == {"да"}
    assert [row[0] for row in rows_of(numbers, "Новые платящие")] == ["emil", "Итого"]
    assert [row[1] for row in rows_of(numbers, "Вчерашние сроки")] == ["dora", None]
    assert tuple(
        row[0] for row in rows_of(numbers, "Сверка с CRM") if row[0] in {"=fay", "Итого"}
    ) == ("=fay", "Итого")


def test_the_client_is_told_in_one_message_with_the_numbers_that_hold_him(
    world: BotWorld, chief: int
) -> None:
    for client in ("anna", "boris", "dora", "emil", "=fay", "nobody"):
        world.fake.say(chief, f"/client {client}")
    with world.running():
        world.settled(20)
    anna, boris, dora, emil, fay, nobody = map(words, world.fake.from_bot(chief)[-6:])
    assert anna == [
        "Клиент «anna», по данным на конец 12 февраля 2026.",
        "Первое событие: 10.02.2026 10:00.",
        "Оплат не было.",
        "Закрыто: Открытые заявки, с 10.02.2026 10:00, за 5 мин (Назначение задачи на звонок 1Л).",
        "Ждёт: Первая линия, с 10.02.2026 10:05, 61,9 ч.",
        "В отчёте за 12 февраля 2026 он в числах:",
        "Ждут дольше 24 ч: Ждут",
        "Последние события:",
        "10.02.2026 10:00 — Создание заявки",
        f"10.02.2026 10:05 — {journey.FIRST_LINE_TASK}",
    ]
    assert "В работе: Первая линия, с 12.02.2026 09:30, срок 13.02.2026 09:30." in boris
    assert "Успеть сегодня: Успеть сегодня, До 11:00" in boris
    assert "Вчерашние сроки: Вчерашних, Успели" in dora
    assert "Открытые заявки: Срок вышел" in dora
    assert "Первая оплата: 12.02.2026 13:00." in emil
    assert "Новые платящие: Новые платящие" in emil
    assert "Воронка: Заявка, Назначен ВУ" in emil
    assert "В эксперименте с 12.02.2026 14:00." in fay
    assert "Сверка с CRM: В CRM, В экспериментах" in fay
    assert nobody == ["Клиента «nobody» в данных по 12 февраля 2026 нет."]


def test_rows_that_came_later_are_said_under_the_receipt(world: BotWorld, chief: int) -> None:
    store = FrameStore(world.settings.storage)
    clean = store.read("clean_events", DAY)
    store.write("clean_events", DAY, clean[clean["user_id"] != "dora"])
    with world.running():
        world.press(chief, chief, f"receipt:{DAY}")
    [told] = words(world.last(chief))
    assert "Данные с тех пор уточнились: не сошлось 3 числа" in told
    first = rows_of(book_of(world, world.last(chief)), "Числа")
    assert ("Вчерашние сроки", "Успели", 1, 0, "нет") in first


def test_the_list_leaves_out_a_process_that_the_report_does_not_count(
    world: BotWorld, chief: int
) -> None:
    report = FrameStore(world.settings.storage).path("daily_report", DAY, ".json")
    content = json.loads(report.read_text("utf-8"))
    content["not_counted"] = {"first_line": "в словаре нет события"}
    report.write_text(json.dumps(content), "utf-8")
    with world.running():
        world.press(chief, chief, f"expiring:{DAY}")
    assert words(world.last(chief))[:2] == [
        "Успеть сегодня, с 09:00 13 февраля: 1",
        "до 12:00 · clara · Открытые заявки",
    ]


def test_a_stranger_is_shown_no_list_and_no_number(world: BotWorld, chief: int) -> None:
    stranger = world.fake.add_private_chat("Stranger")
    world.fake.say(stranger, "/client anna")
    world.run_until_idle()
    message = world.last(stranger)["message_id"]
    with world.running():
        answers = [world.press_on(stranger, stranger, message, data) for data in LISTS]
    assert [one and one["text"] for one in answers] == ["Нет доступа."] * len(LISTS)
    assert world.texts(stranger) == [NEUTRAL]
    assert world.last(chief)["chat"]["id"] == chief


def test_in_a_group_the_lists_are_shown_only_where_its_administrators_want_them(
    world: BotWorld,
) -> None:
    fake, name = world.fake, f"@{world.fake.bot_username}"
    owner = fake.add_user("Owner")
    group = fake.add_supergroup("Sales", owner, topics={7: "Reports"})
    world.subscribe(group, thread=7)
    world.deliver(store_day(FrameStore(world.settings.storage)))
    with world.running():
        off = [world.press(owner, group, data) for data in LISTS]
        fake.say(owner, f"/client{name} anna", group, thread_id=7)
        world.settled()
        shown = len(world.texts(group))
        fake.say(owner, f"/settings{name}", group, thread_id=7)
        world.settled()
        world.press(owner, group, "lists:on")
        for command in (f"/client{name} anna", f"/stuck{name}"):
            fake.say(owner, command, group, thread_id=7)
        world.settled()
        on = [world.press(owner, group, data) for data in LISTS]
        world.press(owner, group, "lists:off")
        off_again = world.press(owner, group, LISTS[0])
    assert all(one and "выключены" in one["text"] for one in (*off, off_again))
    assert {one["message_thread_id"] for one in fake.from_bot(group)} == {7}
    assert shown == 2, "the report, and that lists are switched off"
    assert on == [SILENT] * len(LISTS)
    assert world.last(group)["document"]["file_name"] == f"receipt-{DAY}.xlsx"
