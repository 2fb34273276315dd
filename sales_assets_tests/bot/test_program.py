"""The loop: no update is lost or done twice, whatever happens to the process or the service."""

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import httpx
import psycopg2
import pytest
from sqlalchemy.engine import make_url

from sales_assets.adapters.files.reports import NUMBERS
from sales_assets.adapters.settings import Settings
from sales_assets.adapters.state.database import StateError, open_state
from sales_assets.adapters.state.ledger import Ledger
from sales_assets.bot import program
from sales_assets.bot.diagnosis import telegram_findings
from sales_assets.bot.invitations import revoke
from sales_assets.core.delivery.rows import NEW, Delivery, MessageKind, RowState
from sales_assets.core.errors import SalesAssetsError
from sales_assets_tests.adapters.delivery.delivery_world import subscribe
from sales_assets_tests.bot.bot_world import DAY, SUBSCRIBED, BotWorld
from sales_assets_tests.conftest import SourceDatabase
from sales_assets_tests.distant_store import DistantStore
from sales_assets_tests.fake_telegram import faults
from sales_assets_tests.fake_telegram.faults import Fault

PROGRAM = (
    "import os, sys; from sales_assets.bot.program import run; "
    "from sales_assets.adapters.settings import Settings; "
    "sys.exit(run(Settings.from_environment(os.environ)))"
)
#: A process that has the bot's libraries, and becomes a new bot as often as a test kills one.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["sales_assets.bot.program"])


@contextmanager
def process(world: BotWorld) -> Iterator[subprocess.Popen[str]]:
    """The bot as a program of its own, from its import on."""
    environment = os.environ | {
        "SALES_ASSETS_TELEGRAM_BOT_TOKEN": world.fake.token,
        "SALES_ASSETS_TELEGRAM_BASE_URL": world.fake.base_url,
        "SALES_ASSETS_STATE_URL": world.settings.state_url,
        "SALES_ASSETS_STORAGE": world.settings.storage,
        "SALES_ASSETS_VAR": str(world.settings.var_dir),
    }
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env=environment, stderr=subprocess.PIPE, text=True
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def killed_at(world: BotWorld, method: str, fault: Fault) -> None:
    """Let the bot run until its call of `method` meets `fault`, and kill it there."""
    world.fake.order(fault, method)
    running = FORKS.Process(target=program.run, args=(world.settings,))
    running.start()
    world.fake.wait_for(lambda: world.fake.calls(method), 30)
    running.kill()
    running.join(10)
    assert running.exitcode == -signal.SIGKILL
    world.fake.clear_orders()


def test_killed_before_its_effects_an_update_is_done_by_the_next_start(world: BotWorld) -> None:
    owner = world.fake.add_user("Owner")
    group = world.fake.add_group("Sales", owner)
    reader = world.fake.add_private_chat()
    world.subscribe(reader)
    world.fake.say(owner, f"/init@{world.fake.bot_username}", group)
    world.fake.say(reader, "/help")  # it comes later and is done before the group's
    killed_at(world, "getChatMember", faults.silence())
    assert world.subscriptions() == [(reader, 0, "active", None)]
    world.run_until_idle()
    assert world.subscriptions()[1:] == [(group, 0, "pending", None)]
    assert len(world.texts(group)) == len(world.texts(world.admin)) == 1


def test_killed_before_its_answer_the_bot_answers_after_the_next_start(world: BotWorld) -> None:
    world.fake.say(world.admin, "/init")
    killed_at(world, "sendMessage", faults.silence())
    assert world.subscriptions() == [(world.admin, 0, "active", None)]
    assert world.texts(world.admin) == []
    world.run_until_idle()
    [told] = world.texts(world.admin)
    assert told.startswith(SUBSCRIBED)


def test_killed_after_its_answer_went_out_the_effect_stays_one(world: BotWorld) -> None:
    world.fake.say(world.admin, "/init")
    killed_at(world, "sendMessage", faults.accept_then_silence())
    world.run_until_idle()
    assert world.subscriptions() == [(world.admin, 0, "active", None)]
    first, second = world.texts(world.admin)
    assert first == second


def test_a_right_that_was_taken_away_while_the_bot_was_down_ends_the_answer_that_it_owes(
    world: BotWorld,
) -> None:
    world.store(DAY)
    chat = world.fake.add_private_chat()
    world.subscribe(chat)
    world.fake.say(chat, "/report")
    killed_at(world, "sendPhoto", faults.silence())
    revoke(world.settings, chat)
    world.fake.say(world.admin, "/report")  # an admin reads without a subscription
    world.run_until_idle()
    assert world.texts(chat) == []
    assert len(world.texts(world.admin)) == 1


def test_what_changed_is_not_told_either_once_the_right_is_gone(world: BotWorld) -> None:
    chat = world.fake.add_private_chat()
    world.subscribe(chat)
    caption = f"<b>Всё спокойно</b>\n{'я' * 1000}"
    world.deliver(world.store(DAY, 12, caption))
    world.store(DAY, 14, caption)
    message = world.fake.from_bot(chat)[-1]["message_id"]
    world.fake.press(chat, chat, message, f"now:{DAY}")
    killed_at(world, "sendMessage", faults.silence())
    revoke(world.settings, chat)
    world.run_until_idle()
    assert "было" not in str(world.texts(chat))


def test_a_signal_ends_the_bot_at_once_and_cleanly(world: BotWorld) -> None:
    with process(world) as running:
        world.fake.wait_for(lambda: world.fake.calls("getUpdates"), 30)
        began = time.monotonic()
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == program.EXIT_OK
        assert time.monotonic() - began < 5
        assert running.stderr is not None
        assert world.fake.token not in running.stderr.read()


def test_the_same_update_twice_is_done_once(world: BotWorld) -> None:
    world.fake.say(world.admin, "/init")
    again = world.fake.pending_updates()
    world.run_until_idle()
    world.fake.bot().updates.extend(again)
    world.clock.now += timedelta(days=7)  # so long after the last update the offset is not trusted
    world.run_until_idle()
    assert len(world.texts(world.admin)) == 1


def test_an_update_that_fails_three_times_is_passed_over_and_those_behind_it_are_not(
    world: BotWorld,
) -> None:
    world.fake.world.push(world.fake.bot(), "message", {"message_id": world.fake.token})
    world.fake.say(world.admin, "/init")
    world.run_until_idle()
    assert world.texts(world.admin)[0].startswith(SUBSCRIBED)
    lines = _lines(world.settings)
    assert "updates passed over after three failures: 1" in lines
    assert world.fake.token not in str(lines)
    assert world.fake.token.encode() not in world.state_bytes()


def test_a_reply_that_fails_three_times_is_passed_over_with_a_word(world: BotWorld) -> None:
    world.store(DAY)
    path = f"{world.settings.storage}/daily_report/{DAY}{NUMBERS}"
    os.truncate(path, 10)
    chat = world.fake.add_private_chat()
    world.subscribe(chat)
    world.fake.say(chat, "/report")
    world.fake.say(chat, "/help")
    world.run_until_idle()
    failed, helped = world.texts(chat)
    assert failed == "Не получилось ответить; ошибка записана. Попробуйте ещё раз позже."
    assert "/report" in helped


def test_a_refusal_that_cannot_be_written_down_ends_no_line(
    world: BotWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put_to_sleep(*_: object, **__: object) -> None:
        raise StateError("the database is locked")

    monkeypatch.setattr(Ledger, "put_to_sleep", put_to_sleep)
    world.store(DAY)
    chat = world.fake.add_private_chat()
    world.subscribe(chat)
    blocked = faults.refuse(403, "Forbidden: bot was blocked by the user")
    world.fake.order(blocked, "sendPhoto", times=None)
    world.fake.order(blocked, "sendMessage")
    world.fake.say(chat, "/report")
    world.fake.say(chat, "/help")
    world.run_until_idle()
    [helped] = world.texts(chat)
    assert "/report" in helped


def test_a_second_poller_is_told_of_and_the_bot_goes_on(
    world: BotWorld, caplog: pytest.LogCaptureFixture
) -> None:
    with world.running():
        world.fake.wait_for(lambda: world.fake.polls)
        httpx.get(f"{world.fake.base_url}{world.fake.token}/getUpdates")
        world.fake.wait_for(lambda: "only one may run with a token" in caplog.text)
        world.fake.say(world.admin, "/init")
        world.settled()
    assert len(world.texts(world.admin)) == 1
    assert world.fake.token not in caplog.text


def test_a_webhook_is_told_of(world: BotWorld, caplog: pytest.LogCaptureFixture) -> None:
    world.fake.bot().webhook_url = "https://example.com/hook"
    with world.running():
        world.fake.wait_for(lambda: "deleteWebhook" in caplog.text)
    assert world.codes == [program.EXIT_OK]
    assert any("deleteWebhook" in line for line in _lines(world.settings))


@pytest.mark.parametrize("is_running", [False, True])
def test_a_token_that_is_not_known_ends_the_bot_with_a_code_of_its_own(
    world: BotWorld,
    caplog: pytest.LogCaptureFixture,
    is_running: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    if not is_running:
        world.fake.revoke_token()
    with world.running():
        if is_running:
            world.fake.wait_for(lambda: world.fake.polls)
            world.fake.revoke_token()
            world.fake.wake(world.fake.bot())
        world.fake.wait_for(lambda: world.codes)
    assert world.codes == [program.EXIT_STOPPED]
    assert "SALES_ASSETS_TELEGRAM_BOT_TOKEN" in caplog.text
    assert world.fake.token not in caplog.text


def test_without_a_token_it_says_how_to_get_one(world: BotWorld) -> None:
    with pytest.raises(SalesAssetsError, match="BotFather"):
        program.run(world.settings.model_copy(update={"telegram_bot_token": None}))


def test_a_service_that_is_away_for_a_while_is_waited_for(world: BotWorld) -> None:
    world.fake.order(faults.bad_gateway(), "getMe")
    world.fake.order(faults.hang_up(), "getUpdates")
    world.fake.say(world.admin, "/init")
    world.run_until_idle()
    assert len(world.texts(world.admin)) == 1


@pytest.mark.parametrize(
    "body",
    [
        '{"ok": true, "result": true}',
        '{"ok": true, "result": {"id": "7", "username": "a_bot"}}',
        f'{{"ok": true, "result": {{"id": {2**70}, "username": "a_bot"}}}}',
    ],
)
def test_whoever_answers_as_no_bot_does_is_asked_again(world: BotWorld, body: str) -> None:
    world.fake.order(faults.accept_then_say(body), "getMe")
    world.fake.say(world.admin, "/init")
    world.run_until_idle()
    assert len(world.texts(world.admin)) == 1
    world.fake.order(faults.accept_then_say(body), "getMe")
    token = telegram_findings(world.settings)[0]
    assert not token.is_well
    assert "not what was asked for" in token.text
    world.fake.order(faults.accept_then_say(body), "getWebhookInfo")
    webhook = telegram_findings(world.settings)[1]
    assert not webhook.is_well
    assert "not what was asked for" in webhook.text


@pytest.mark.parametrize("fault", [faults.flood(900), faults.refuse(404, "Not Found")])
def test_commands_that_cannot_be_registered_hold_up_nobody(
    world: BotWorld, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    world.fake.order(fault, "setMyCommands", times=None)
    world.fake.say(world.admin, "/init")
    world.run_until_idle()
    assert len(world.texts(world.admin)) == 1
    assert "The list of commands stays as it was" in caplog.text


def test_a_locked_state_is_waited_for(world: BotWorld) -> None:
    world.fake.say(world.admin, "/init")
    with _locked_for(world.settings, seconds=0.5):
        world.run_until_idle()
    assert len(world.texts(world.admin)) == 1


def test_a_state_that_is_locked_for_longer_than_one_waits_costs_no_update(
    world: BotWorld, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "open_state", partial(open_state, busy_seconds=0.5))
    with world.running():
        world.fake.say(world.admin, "/init")
        world.settled()
        with _locked_for(world.settings, 1.5):
            world.fake.say(world.admin, "/stop")
            world.fake.say(world.admin, "/init")
            world.fake.wait_for(lambda: "waits: " in caplog.text)
        world.settled()
    welcome, farewell, again = world.texts(world.admin)
    assert welcome.startswith("Готово!")
    assert farewell.startswith("Хорошо, больше не присылаю.")
    assert again.startswith("Готово!")
    assert "passed over" not in "\n".join(_lines(world.settings))


@contextmanager
def _locked_for(settings: Settings, seconds: float) -> Iterator[None]:
    """Lock the state as another process would; the lock ends by itself."""
    path = settings.state_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, check_same_thread=False, isolation_level=None)) as locked:
        locked.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(seconds, locked.rollback)
        timer.start()
        try:
            yield
        finally:
            timer.join()


def test_a_state_whose_server_is_away_for_a_while_costs_no_update(
    world: BotWorld, caplog: pytest.LogCaptureFixture, source_database: SourceDatabase
) -> None:
    url = source_database()
    state_url = url.replace("postgresql://", "postgresql+psycopg2://", 1)
    away = replace(world, settings=world.settings.model_copy(update={"state_url": state_url}))
    with away.running():
        world.fake.say(world.admin, "/init")
        world.fake.wait_for(lambda: world.texts(world.admin), 15)
        with _shut(url):
            world.fake.say(world.admin, "/stop")
            world.fake.wait_for(lambda: "Next try" in caplog.text, 15)
        world.fake.wait_for(lambda: len(world.texts(world.admin)) == 2, 15)
    assert away.codes == [program.EXIT_OK]


@contextmanager
def _shut(url: str) -> Iterator[None]:
    """Let nobody into a database, and throw out who is in it, as a server's restart does."""
    name = make_url(url).database
    others = url.replace(f"/{name}?", "/postgres?", 1)
    with closing(psycopg2.connect(others)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        try:
            yield
        finally:
            cursor.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


def test_a_storage_that_is_away_for_a_while_costs_no_update(
    world: BotWorld, caplog: pytest.LogCaptureFixture, distant_store: DistantStore
) -> None:
    away = replace(
        world, settings=world.settings.model_copy(update={"storage": distant_store.folder})
    )
    with away.running():
        world.fake.say(world.admin, "/init")
        told = f"Could not list {distant_store.folder}"
        world.fake.wait_for(lambda: told in caplog.text, 60)
        distant_store.open()
        away.settled(60)
    assert away.codes == [program.EXIT_OK]
    assert world.texts(world.admin)[0].startswith("Готово!")


def test_doctor_tells_of_every_trouble_with_what_to_do(world: BotWorld) -> None:
    world.subscribe(1, "asleep", reason="blocked by the user")
    world.subscribe(2, "pending")
    world.subscribe(3)
    world.subscribe(4, "asleep", reason="revoked")
    lines = "\n".join(_lines(world.settings))
    assert f"token: belongs to @{world.fake.bot_username}" in lines
    assert "webhook: none" in lines
    assert "subscriptions: 1 active, 2 asleep, 1 waiting for an admin" in lines
    assert "chat 1: asleep (blocked by the user); /init there wakes it" in lines
    assert "chat 3: reads" in lines
    assert "chat 4: asleep (revoked); an invite wakes it, or an admin's /init there" in lines
    assert world.fake.token not in lines
    world.fake.revoke_token()
    refused = telegram_findings(world.settings)[0]
    assert "token: cannot be used" in refused.text
    assert not refused.is_well
    unset = world.settings.model_copy(update={"telegram_bot_token": None, "telegram_admins": ()})
    assert _lines(unset)[0].startswith("token: not set")
    nowhere = world.settings.model_copy(update={"telegram_base_url": "http://127.0.0.1:9/bot"})
    assert "could not be checked" in _lines(nowhere)[0]


@pytest.mark.parametrize(
    ("back", "policy", "state", "told"),
    [
        (1, "repeat", RowState.UNKNOWN, "repeated once, flagged, by the next run"),
        (1, "hold", RowState.UNKNOWN, "press the button"),
        (9, "repeat", RowState.UNKNOWN, "press the button"),
        (1, "repeat", RowState.PLANNED, "waits for the next delivery run"),
        (1, "", RowState.PLANNED, "its chat gets no reports now"),
    ],
)
def test_doctor_promises_a_message_where_one_comes(
    world: BotWorld, back: int, policy: str, state: RowState, told: str
) -> None:
    day = datetime.now(world.settings.report_zone).date() - timedelta(days=back)
    with world.state() as opened:
        if policy:
            subscribe(opened, 5, doubt_policy=policy)
        row = Delivery(NEW, day, MessageKind.REPORT, 5, state=state, doubts=1)
        Ledger(opened).keep([row], world.clock())
    [line] = [one for one in _lines(world.settings) if "report to chat 5" in one]
    assert told in line


def _lines(settings: Settings) -> list[str]:
    return [finding.text for finding in telegram_findings(settings)]
