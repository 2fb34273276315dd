"""What a way of sending promises: Telegram's Bot API, or files in the outbox."""

from typing import Protocol, Self

from sales_assets.core.delivery.messages import Message
from sales_assets.core.delivery.rules import Answer


class Transport(Protocol):
    """Sends one message with one request and says what came back; it decides nothing.

    Entered once a dispatch and left at its end; a fault of the network is an answer, not an
    exception.
    """

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *fault: object) -> None: ...

    async def send(self, chat: int, thread: int, message: Message) -> Answer:
        """Send `message` to the chat, into its topic `thread` unless that is 0."""
        ...

    async def edit(self, chat: int, message_id: int, message: Message) -> Answer:
        """Give the message in the chat the content of `message`."""
        ...
