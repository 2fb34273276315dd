import pytest

from sales_assets_tests.fake_telegram.calls import Call, Upload
from sales_assets_tests.fake_telegram.witness import violations

PNG = Upload("r.png", b"picture", "image/png")
KEYBOARD = '{"inline_keyboard": [[{"text": "b", "callback_data": "c"}]]}'


@pytest.mark.parametrize(
    "call",
    [
        Call("sendMessage", {"chat_id": "1", "text": "[a]", "reply_markup": KEYBOARD}),
        Call("sendPhoto", {"chat_id": "1", "caption": "{"}, {"photo": PNG}),
        Call("sendPhoto", {"chat_id": "1", "photo": "attach://key"}, {"key": PNG}),
        Call("sendPhoto", {"chat_id": 1, "photo": "AgAC", "disable_notification": "true"}),
        Call(
            "editMessageMedia",
            {"chat_id": "1", "message_id": "2", "media": '{"type":"photo","media":"attach://k"}'},
            {"k": PNG},
        ),
        Call("getUpdates", {"offset": "1", "timeout": "5", "allowed_updates": '["message"]'}),
        Call("getMe"),
    ],
)
def test_a_right_request_has_no_violation(call: Call) -> None:
    assert violations(call) == []


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (Call("sendMessage", {"chat_id": "1"}), "text"),
        (Call("sendMessage", {"chat_id": "1", "text": "a", "silent": "1"}), "unknown field silent"),
        (Call("sendMessage", {"chat_id": "1", "text": "a", "reply_markup": "{"}), "Expecting"),
        (
            Call(
                "sendMessage",
                {
                    "chat_id": 1,
                    "text": "a",
                    "reply_markup": {"inline_keyboard": [[{"text": "b", "data": "c"}]]},
                },
            ),
            "unknown field reply_markup.inline_keyboard.data",
        ),
        (Call("sendMessage", {"chat_id": "1", "text": "a", "message_thread_id": "x"}), "integer"),
        (Call("sendPhoto", {"chat_id": "1", "photo": "attach://lost"}), "did not come"),
        (Call("sendPhoto", {"chat_id": "1", "photo": "id"}, {"more": PNG}), "used nowhere"),
        (Call("sendPoem", {"chat_id": "1"}), "no such method"),
    ],
)
def test_a_wrong_request_is_a_violation(call: Call, word: str) -> None:
    [problem] = violations(call)
    assert problem.startswith(call.method)
    assert word in problem
