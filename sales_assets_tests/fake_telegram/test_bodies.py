import contextlib
import http.client
import io
import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from sales_assets_tests.fake_telegram.conftest import http_get, http_post, picture
from sales_assets_tests.fake_telegram.server import FakeTelegram


def url(fake: FakeTelegram, method: str) -> str:
    return f"{fake.base_url}{fake.token}/{method}"


def test_a_message_may_come_in_any_encoding(fake: FakeTelegram) -> None:
    chat = fake.add_private_chat()
    fields: dict[str, Any] = {"chat_id": str(chat), "text": "<b>ж</b>", "parse_mode": "HTML"}
    address = url(fake, "sendMessage")
    answers = [
        http_post(address, data=fields),
        http_post(address, json=fields | {"chat_id": chat}),
        http_post(address, files={name: (None, value) for name, value in fields.items()}),
        http_get(address, params=fields),
        http_post(url(fake, "SENDMESSAGE"), data=fields),
    ]
    assert [answer.json()["result"]["text"] for answer in answers] == ["ж"] * 5
    assert fake.violations == []


def test_a_chunked_upload_is_read_whole(fake: FakeTelegram) -> None:
    chat = fake.add_private_chat()
    body = (
        b'--b\r\nContent-Disposition: form-data; name="chat_id"\r\n\r\n'
        + str(chat).encode()
        + b'\r\n--b\r\nContent-Disposition: form-data; name="photo"; filename="r.png"\r\n'
        + b"Content-Type: image/png\r\n\r\n"
        + picture()
        + b"\r\n--b--\r\n"
    )

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(body), 7):
            yield body[start : start + 7]

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = http_post(url(fake, "sendPhoto"), content=pieces(), headers=headers)
    photo = answer.json()["result"]["photo"][-1]
    assert fake.download(photo["file_id"]) == picture()
    assert fake.violations == []


def test_nested_objects_may_come_as_json_or_as_text(fake: FakeTelegram) -> None:
    chat = fake.add_private_chat()
    markup = {"inline_keyboard": [[{"text": "b", "callback_data": "c"}]]}
    as_object = {"chat_id": chat, "text": "a", "reply_markup": markup}
    as_text = {**as_object, "reply_markup": json.dumps(markup)}
    for fields in (as_object, as_text):
        answer = http_post(url(fake, "sendMessage"), json=fields)
        assert answer.json()["result"]["reply_markup"] == markup


@pytest.mark.parametrize("body", [b"{", b"[1]"])
def test_a_body_that_is_no_object_is_refused(fake: FakeTelegram, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = http_post(url(fake, "sendMessage"), content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["description"] == "Bad Request: can't parse JSON object"


def test_a_keyboard_that_is_no_json_is_refused(fake: FakeTelegram) -> None:
    fields = {"chat_id": fake.add_private_chat(), "text": "a", "reply_markup": "{"}
    answer = http_post(url(fake, "sendMessage"), data=fields)
    assert "can't parse reply keyboard markup JSON object" in answer.json()["description"]


def test_something_that_is_no_token_is_not_found(fake: FakeTelegram) -> None:
    answer = http_get(f"{fake.base_url}TOKEN/getMe")
    assert answer.json() == {"ok": False, "error_code": 404, "description": "Not Found"}


def test_an_announced_body_over_the_limit_is_refused_unread(fake: FakeTelegram) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", fake.port, timeout=2)
    with contextlib.closing(connection):
        connection.putrequest("POST", f"/bot{fake.token}/sendDocument")
        connection.putheader("Content-Length", str(10**9))
        connection.endheaders()
        answer = connection.getresponse()
        assert answer.status == 413
        assert json.loads(answer.read())["description"] == "Request Entity Too Large"


def test_a_file_is_downloaded_with_the_right_token_only(fake: FakeTelegram) -> None:
    chat = fake.add_private_chat()
    sent = http_post(
        url(fake, "sendPhoto"), data={"chat_id": chat}, files={"photo": ("r.png", picture())}
    ).json()["result"]
    file_id = sent["photo"][-1]["file_id"]
    path = http_get(url(fake, "getFile"), params={"file_id": file_id}).json()["result"]["file_path"]
    with urllib.request.urlopen(f"{fake.base_file_url}{fake.token}/{path}") as answer:  # noqa: S310 - loopback
        assert Image.open(io.BytesIO(answer.read())).size == (60, 90)
    assert http_get(f"{fake.base_file_url}1:wrong/{path}").status_code == 401
    assert http_get(f"{fake.base_file_url}{fake.token}/photos/none").status_code == 404


def test_every_request_is_on_record_with_its_answer(fake: FakeTelegram) -> None:
    chat = fake.add_private_chat()
    http_post(url(fake, "sendMessage"), data={"chat_id": chat, "text": "a"})
    http_post(url(fake, "sendMessage"), data={"chat_id": 1, "text": "b"})
    found = [(one.chat_id, one.params["text"], one.status) for one in fake.calls("sendMessage")]
    assert found == [(str(chat), "a", 200), ("1", "b", 400)]
