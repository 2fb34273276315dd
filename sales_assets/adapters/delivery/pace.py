"""The pace that Telegram allows, and the pauses that it asks for."""

from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

#: Telegram's limits: 30 messages a second in all, one a second in a chat, 20 a minute in a group.
_APART = timedelta(seconds=1 / 28)
_APART_IN_CHAT = timedelta(seconds=1)
_GROUP_MESSAGES, _GROUP_WINDOW = 20, timedelta(minutes=1)
#: A run that is asked to wait longer ends, and the sensor asks for the next one.
LONGEST_PAUSE = timedelta(minutes=2)
LONGEST_PAUSES = timedelta(minutes=5)

Clock = Callable[[], datetime]
Sleep = Callable[[float], Awaitable[None]]


class Pace:
    """Gives out turns to send; a pause holds back everyone."""

    def __init__(self, clock: Clock, sleep: Sleep) -> None:
        self._clock = clock
        self._sleep = sleep
        self._free_at = clock()
        self._paused_until = clock()
        self._paused = timedelta()
        self._chats: defaultdict[int, deque[datetime]] = defaultdict(deque)

    async def turn(self, chat: int) -> None:
        """Wait until a message to `chat` may leave."""
        while (wait := self._wait_for(chat)) > 0:
            await self._sleep(wait)
        now = self._clock()
        self._free_at = max(now, self._free_at) + _APART
        self._chats[chat].append(now)

    def pause(self, length: timedelta) -> bool:
        """Hold back all turns for `length`; False if that is longer than a run waits."""
        now = self._clock()
        extra = now + length - max(self._paused_until, now)
        self._paused_until = max(self._paused_until, now + length)
        self._paused += max(extra, timedelta())
        return length <= LONGEST_PAUSE and self._paused <= LONGEST_PAUSES

    def _wait_for(self, chat: int) -> float:
        free_at = max(self._paused_until, self._free_at, self._chat_free_at(chat))
        return (free_at - self._clock()).total_seconds()

    def _chat_free_at(self, chat: int) -> datetime:
        sent = self._chats[chat]
        now = self._clock()
        while sent and sent[0] <= now - _GROUP_WINDOW:
            sent.popleft()
        if not sent:
            return now
        is_full = chat < 0 and len(sent) >= _GROUP_MESSAGES
        window_free_at = sent[-_GROUP_MESSAGES] + _GROUP_WINDOW if is_full else now
        return max(sent[-1] + _APART_IN_CHAT, window_free_at)
