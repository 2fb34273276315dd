"""The pace that Telegram allows, and the pauses that it asks for: of one chat, or of all."""

from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

#: Telegram's limits: 30 messages a second in all, one a second in a chat, 20 a minute in a group.
_APART = timedelta(seconds=1 / 29)
_APART_IN_CHAT = timedelta(seconds=1)
_GROUP_MESSAGES, _GROUP_WINDOW = 20, timedelta(minutes=1)
#: So much of a late wake-up may be made up for.
_CATCH_UP = timedelta(seconds=0.2)
#: Two chats that are asked for so short a pause, so soon after each other, mean all of them.
_SHORT, _TOGETHER = timedelta(minutes=1), timedelta(seconds=5)
#: So many chats in a row, whatever they are asked for, mean all of them as well.
MOST_HELD = 10
#: A run that is asked to wait longer ends, and the sensor asks for the next one.
LONGEST_PAUSE = timedelta(minutes=2)
LONGEST_PAUSES = timedelta(minutes=5)

Clock = Callable[[], datetime]
Sleep = Callable[[float], Awaitable[None]]


class Pace:
    """Gives out turns to send; a pause holds back the chat that got it, or everyone."""

    def __init__(self, clock: Clock, sleep: Sleep) -> None:
        self._clock = clock
        self._sleep = sleep
        self._free_at = clock()
        self._paused_until = clock()
        self._paused = timedelta()
        self._sent: defaultdict[int, deque[datetime]] = defaultdict(deque)
        self._held: dict[int, datetime] = {}
        self._in_a_row: dict[int, tuple[datetime, timedelta]] = {}

    async def turn(self, chat: int) -> bool:
        """Wait until a message to `chat` may leave; False if that is longer than a run waits."""
        while (wait := self._free_for(chat) - self._clock()) > timedelta():
            if wait > LONGEST_PAUSE:
                return False
            await self._sleep(wait.total_seconds())
        now = self._clock()
        self._free_at = max(now - _CATCH_UP, self._free_at) + _APART
        self._sent[chat].append(now)
        return True

    def held_until(self, chat: int) -> datetime | None:
        """Return until when the service holds this chat back, if it still does."""
        until = self._held.get(chat)
        return until if until is not None and until > self._clock() else None

    def sent(self) -> None:
        """Note that the service took a message: it holds back single chats at most."""
        self._in_a_row.clear()

    def hold(self, chat: int, length: timedelta, *, names_chat: bool = True) -> timedelta | None:
        """Hold `chat` back for `length`; return how long everyone is held back, if so.

        One chat that is in slow mode, or that was written to too often, is a matter of its own. It
        is one of all where the answer does not come from a chat, where other chats are asked for a
        short pause at the same moment, or where nobody was served since `MOST_HELD` of them.
        """
        now = self._clock()
        self._held[chat] = now + length
        self._in_a_row[chat] = now, length
        short = [
            asked
            for at, asked in self._in_a_row.values()
            if asked <= _SHORT and at > now - _TOGETHER
        ]
        if not names_chat:
            return self._pause(length)
        if length <= _SHORT and len(short) > 1:
            return self._pause(max(short))
        if len(self._in_a_row) >= MOST_HELD:
            shortest = min(asked for _, asked in self._in_a_row.values())
            self._in_a_row.clear()
            return self._pause(shortest)
        return None

    def is_too_long(self, pause: timedelta) -> bool:
        """Whether a run does not wait for `pause`."""
        return pause > LONGEST_PAUSE or self._paused > LONGEST_PAUSES

    def _pause(self, length: timedelta) -> timedelta:
        now = self._clock()
        extra = now + length - max(self._paused_until, now)
        self._paused_until = max(self._paused_until, now + length)
        self._paused += max(extra, timedelta())
        return length

    def _free_for(self, chat: int) -> datetime:
        """Return from when on a message to `chat` may leave."""
        sent, free_at = self._sent[chat], max(self._paused_until, self._free_at)
        while sent and sent[0] <= self._clock() - _GROUP_WINDOW:
            sent.popleft()
        if sent:
            free_at = max(free_at, sent[-1] + _APART_IN_CHAT)
        if chat < 0 and len(sent) >= _GROUP_MESSAGES:
            free_at = max(free_at, sent[-_GROUP_MESSAGES] + _GROUP_WINDOW)
        return free_at
