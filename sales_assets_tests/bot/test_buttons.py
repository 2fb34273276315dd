"""The buttons under a report: every press is answered, and leads where it says."""

import json
import shutil
from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pytest
from openpyxl import load_workbook

from sales_assets.adapters.state.ledger import Ledger
from sales_assets.core.delivery.plan import owed
from sales_assets.core.delivery.rows import (
    GRACE,
    MOST_DOUBTS,
    NEW,
    Answer,
    Delivery,
    MessageKind,
    Outcome,
    RowState,
)
from sales_assets.core.report.wording import full_date
from sales_assets.core.russian import bot as ru
from sales_assets_tests.bot.bot_world import BEFORE, DAY, BotWorld, buttons

SILENT = {"text": "", "show_alert": False}


def test_the_delivered_reports_buttons_lead_to_the_list_and_to_other_days(world: BotWorld) -> None:
    chat = world.fake.add_private_chat()
    world.subscribe(chat)
    world.store(BEFORE, 7)
    world.deliver(world.store(DAY, 2))
    with world.running():
        assert world.press(chat, chat, "stuck:2026-02-12") == SILENT
        assert world.last(chat)["document"]["file_name"] == "stuck-2026-02-12.xlsx"
        assert world.press(chat, chat, "day:2026-02-11") == SILENT
        assert world.last(chat)["caption"] == "Всё спокойно\nНовых платящих 7"
        assert world.press(chat, chat, "receipt:2026-02-12") == SILENT  # its events are not stored
        assert world.last(chat)["text"] == ru.BOT_NO_RECEIPT.format(day=full_date(DAY))
        missing = world.press(chat, chat, "day:2026-02-05")
        unlisted = world.press(chat, chat, "stuck:2026-02-11")
        newest = world.last(chat)["message_id"]
        no_list = world.press_on(chat, chat, newest, "stuck:2026-01-01")
    assert len(world.fake.calls("answerCallbackQuery")) == 6
    assert missing == {"text": "За 5\xa0февраля\xa02026 отчёта нет.", "show_alert": True}
    assert unlisted == SILENT
    assert no_list == {"text": "За 1\xa0января\xa02026 списка нет.", "show_alert": True}


def test_the_next_ten_deadlines_are_named_from_the_moment_of_the_press_on(world: BotWorld) -> None:
    chat = world.fake.add_private_chat()
    world.subscribe(chat)
    world.deliver(world.store(DAY, 2))
    world.store_expiring(DAY, 16)
    with world.running():
        assert world.press(chat, chat, "expiring:2026-02-12") == SILENT
        told = world.last(chat)["text"].replace("\xa0", " ").split("\n")
        world.clock.now += timedelta(hours=6)
        world.press(chat, chat, "expiring:2026-02-12")
        later = world.last(chat)["text"].replace("\xa0", " ").split("\n")
        world.clock.now += timedelta(hours=6)
        world.press(chat, chat, "expiring:2026-02-12")
    assert told[0] == "Успеть сегодня, с 09:00 13 февраля: ближайшие 10 из 14"
    assert told[1] == "до 09:00 · late-2 · Первая линия"
    assert told[10] == "до 13:30 · late-11 · Первая линия"
    assert told[11] == "По данным на конец 12 февраля: кого закрыли сегодня, здесь ещё есть."
    assert later[:2] == [
        "Успеть сегодня, с 15:00 13 февраля: 2",
        "до 15:00 · late-14 · Первая линия",
    ]
    assert world.texts(chat)[-1] == "Все сроки 13\xa0февраля уже вышли, их было 16."


def test_each_deadline_leads_to_the_client_and_no_address_is_looked_at_by_the_service(
    world: BotWorld,
) -> None:
    chat = world.fake.add_private_chat()
    world.subscribe(chat)
    world.deliver(world.store(DAY, 2))
    world.store_expiring(DAY, 4)
    with world.running():
        world.press(chat, chat, "expiring:2026-02-12")
    [link, _] = [
        entity["url"] for entity in world.last(chat)["entities"] if entity["type"] == "text_link"
    ]
    assert link == "https://crm.example/late-2"
    sent = world.fake.calls("sendMessage")[-1]
    assert json.loads(sent.params["link_preview_options"]) == {"is_disabled": True}


def test_the_spreadsheet_begins_with_all_that_can_still_be_saved(world: BotWorld) -> None:
    chat = world.fake.add_private_chat()
    world.subscribe(chat)
    world.deliver(world.store(DAY, 2))
    world.store_expiring(DAY, 16)
    with world.running():
        world.press(chat, chat, "stuck:2026-02-12")
    shown = world.last(chat)
    assert shown["caption"].replace("\xa0", " ") == (
        "Ждут дольше 24 ч на конец 12 февраля: 2 случая. "
        "Срок истекает 13 февраля: 16, на первом листе."
    )
    book = load_workbook(BytesIO(world.fake.download(shown["document"]["file_id"])))
    assert book.sheetnames == ["Успеть сегодня 13.02.2026", "Зависшие 12.02.2026"]
    rows = list(book.worksheets[0].values)
    assert rows[0] == ("Срок, МСК", "Процесс", "Клиент", "Открыто, МСК")
    assert len(rows) == 17


def test_the_report_as_it_is_known_now_tells_what_changed(world: BotWorld) -> None:
    chat = world.fake.add_private_chat()
    world.subscribe(chat)
    world.deliver(world.store(DAY, 12))
    corrected = world.store(DAY, 15)
    with world.running():
        world.fake.say(chat, "/report")
        world.settled()
        assert world.press(chat, chat, "now:2026-02-12") == SILENT
    shown = world.last(chat)
    assert shown["caption"] == (
        "Всё спокойно\nНовых платящих 15\n\n"
        "Отчёт за 12\xa0февраля уточнён. новые платящие: было 12, стало 15."
    )
    assert world.fake.download(shown["photo"][-1]["file_id"]) == corrected.picture


def test_where_nothing_changed_it_says_so(world: BotWorld) -> None:
    chat = world.fake.add_private_chat()
    world.subscribe(chat)
    world.deliver(world.store(DAY))
    with world.running():
        world.fake.say(chat, "/report")
        world.settled()
        world.press(chat, chat, "now:2026-02-12")
        shutil.rmtree(world.settings.storage)
        gone = world.press(chat, chat, "now:2026-02-12")
    assert gone == {"text": "За 12\xa0февраля\xa02026 отчёта нет.", "show_alert": True}
    assert world.last(chat)["caption"].endswith(
        "Отчёт за 12\xa0февраля по данным на сейчас. "
        "Главные числа те же, что в отправленном отчёте."
    )


def test_a_button_that_is_too_old_to_answer_still_leads_somewhere(world: BotWorld) -> None:
    chat = world.fake.add_private_chat()
    world.subscribe(chat)
    world.deliver(world.store(DAY, 2))
    message = world.last(chat)["message_id"]
    world.fake.press(chat, chat, message, "stuck:2026-02-12")
    world.fake.expire_queries()
    world.run_until_idle()
    assert "document" in world.last(chat)


@pytest.mark.parametrize("kind", [MessageKind.REPORT, MessageKind.LATE])
def test_what_no_run_would_send_is_not_promised(world: BotWorld, kind: MessageKind) -> None:
    chat = world.fake.add_private_chat()
    world.subscribe(chat, "asleep" if kind is MessageKind.REPORT else "active")
    failed = Delivery(NEW, DAY, kind, chat, state=RowState.FAILED, owner="a test")
    sent = replace(failed, kind=MessageKind.REPORT, state=RowState.SENT)
    with world.state() as state:
        found = [failed] if kind is MessageKind.REPORT else [failed, sent]
        Ledger(state).keep(found, world.clock.now)
    world.fake.say(world.admin, "/start")
    with world.running():
        world.settled()
        message = world.last(world.admin)["message_id"]
        pressed = world.press_on(world.admin, world.admin, message, "again:1")
    assert pressed == {"text": "Эта кнопка больше не работает.", "show_alert": True}
    with world.state() as state:
        assert Ledger(state).unsettled() == []


def test_an_admin_orders_a_doubtful_report_again(world: BotWorld) -> None:
    chat = world.fake.add_private_chat()
    world.subscribe(chat)
    report = world.store(DAY)
    now = world.clock.now
    with world.state() as state:
        ledger = Ledger(state)
        ledger.remember_content(report, now)
        sha256 = report.content_sha256
        ledger.keep(owed(DAY, (), ledger.readers(), (), now, sha256=sha256, is_news=True), now)
        for _ in range(MOST_DOUBTS):
            claim = ledger.claim(ledger.rows(DAY)[0], "a test", now, report.content_sha256)
            assert claim is not None
            ledger.finish(claim, Answer(Outcome.UNKNOWN, "HTTP 500"), now)
            now += GRACE
    world.clock.now = now
    world.deliver(report)  # asks the admin
    assert list(buttons(world.last(world.admin))) == ["Отправить ещё раз"]
    with world.running():
        ordered = world.press(world.admin, world.admin, "again:1")
        again = world.press(world.admin, world.admin, "again:1")
        unknown = world.press_on(
            world.admin, world.admin, world.last(world.admin)["message_id"], "again:99"
        )
    assert ordered == {"text": "Отправлю ещё раз с ближайшей рассылкой.", "show_alert": True}
    assert again == ordered
    assert unknown == {"text": "Эта кнопка больше не работает.", "show_alert": True}
    world.deliver(report)
    assert len(world.fake.from_bot(chat)) == 1
    with world.state() as state:
        (row,) = (row for row in Ledger(state).rows(DAY) if row.chat == chat)
        assert (row.state, row.possible_duplicate) == ("sent", True)
    with world.running():
        sent = world.press(world.admin, world.admin, "again:1")
    assert sent == {"text": ru.BOT_SENT_BEFORE, "show_alert": True}
