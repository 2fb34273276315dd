import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sales_assets_tests.fake_telegram import faults
from sales_assets_tests.fake_telegram.conftest import http_get, http_post, picture
from sales_assets_tests.fake_telegram.remote import RemoteFake
from sales_assets_tests.fake_telegram.server import CONTROLS, FakeTelegram


def test_a_taken_port_is_an_error_that_says_so(fake: FakeTelegram) -> None:
    second = FakeTelegram(fake.port)
    with pytest.raises(OSError, match="in use"):
        second.start_serving()


def test_every_control_that_http_offers_is_there(fake: FakeTelegram) -> None:
    assert [name for name in CONTROLS if not hasattr(fake, name)] == []


def test_a_wrong_control_is_refused_with_a_reason(fake: FakeTelegram) -> None:
    remote = RemoteFake(fake.url)
    with pytest.raises(ValueError, match="no control 'stop_serving'"):
        remote.stop_serving()
    with pytest.raises(ValueError, match="unexpected keyword"):
        remote.add_user(name="Anna")


def test_the_folder_mirrors_messages_and_their_edits(tmp_path: Path) -> None:
    with FakeTelegram(folder=tmp_path) as fake:
        chat = fake.add_private_chat()
        address = f"{fake.base_url}{fake.token}"
        http_post(
            f"{address}/sendPhoto", data={"chat_id": chat}, files={"photo": ("r.png", picture())}
        )
        edit = {"chat_id": chat, "message_id": 1, "caption": "new"}
        http_post(f"{address}/editMessageCaption", data=edit)
    assert (tmp_path / str(chat) / "000001_r.png").read_bytes() == picture()
    text = (tmp_path / str(chat) / "000001.json").read_text(encoding="utf-8")
    assert json.loads(text)["caption"] == "new"


@pytest.fixture
def process(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], RemoteFake]]:
    command = [sys.executable, "-m", "sales_assets_tests.fake_telegram", "--port", "0"]
    with subprocess.Popen(
        [*command, "--folder", str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        url = running.stdout.readline().split()[1]
        yield running, RemoteFake(url)
        running.send_signal(signal.SIGTERM)


def test_the_process_is_controlled_from_outside_and_ends_on_a_signal(
    process: tuple[subprocess.Popen[str], RemoteFake],
) -> None:
    running, remote = process
    remote.wait_until_up()
    token = remote.token()
    user = remote.add_user(first_name="Anna")
    remote.start(user_id=user, payload="invite")
    address = f"{remote.base_url}{token}"
    [update] = http_get(f"{address}/getUpdates").json()["result"]
    assert update["message"]["text"] == "/start invite"
    remote.order(fault=faults.accept_then_fail(), method="sendMessage")
    answer = http_post(f"{address}/sendMessage", data={"chat_id": user, "text": "<hi>"})
    assert answer.status_code == 500
    assert [one["method"] for one in remote.accepted(chat_id=user)] == ["sendMessage"]
    assert remote.violations() == []
    assert remote.requests()[-1]["status"] == 500
    state = http_get(f"{remote.url}/state").json()
    shown = next(chat for chat in state["chats"] if chat["id"] == user)["messages"]
    assert [one["html"] for one in shown] == ["/start invite", "&lt;hi&gt;"]
    assert "fetch(" in http_get(remote.url).text
    running.send_signal(signal.SIGTERM)
    assert running.wait(5) == 0
