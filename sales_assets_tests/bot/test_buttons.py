"""The buttons under a report: every press is answered, and leads where it says."""

from sales_assets.adapters.state.ledger import Ledger
from sales_assets.core.delivery.plan import owed
from sales_assets.core.delivery.rows import GRACE, MOST_DOUBTS, Answer, Outcome
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
        missing = world.press(chat, chat, "day:2026-02-05")
        unlisted = world.press(chat, chat, "stuck:2026-02-11")
    assert len(world.fake.calls("answerCallbackQuery")) == 4
    assert missing == {"text": "За 5\xa0февраля\xa02026 отчёта нет.", "show_alert": True}
    assert unlisted == SILENT


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
        row = Ledger(state).row(1)
        assert (row.state, row.possible_duplicate) == ("sent", True)
