"""Which updates the bot has processed, where it goes on, and what it still owes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, ScalarResult, delete, select
from sqlalchemy.orm import Session

from sales_assets.adapters.state.database import BotOffset, BotUpdate, StateDatabase
from sales_assets.core.bot.replies import REPLIES, Reply

#: After so many failures an update is recorded and passed over.
MOST_FAILURES = 3
#: After a week without updates Telegram numbers them anew, so an old offset could skip some.
OFFSET_LIFETIME = timedelta(days=6)
#: Telegram keeps an update for a day; what was processed is remembered for longer than that.
KEPT_FOR = timedelta(days=14)
_LONGEST_REASON = 500
_PROCESSED, _FAILING, _PASSED_OVER = "processed", "failing", "passed_over"


@dataclass(frozen=True)
class Owed:
    """What the bot still owes for one update."""

    update_id: int
    replies: tuple[Reply, ...]


@dataclass(frozen=True)
class BotState:
    """The part of the state database that belongs to the bot with this public id."""

    state: StateDatabase
    bot_id: int

    def next_update_id(self, now: datetime) -> int | None:
        """Return the offset to ask with; None asks for all that Telegram still has."""
        with self.state.reading() as session:
            row = session.get(BotOffset, self.bot_id)
            is_fresh = row is not None and now - row.updated_at < OFFSET_LIFETIME
            return row.next_update_id if row is not None and is_fresh else None

    def process(
        self,
        update_id: int,
        decide: Callable[[Session], Sequence[Reply]],
        now: datetime,
        fingerprint: str | None = None,
        offset: int | None = None,
    ) -> Owed | None:
        """Commit in one transaction what `decide` does, what it owes, and the `offset`.

        The offset is the first number that is not processed, by default the next one. Returns
        None if the update was processed before: nothing is done a second time. Telegram numbers
        updates anew now and then, so one with another `fingerprint` is another one.
        """
        with self.state.writing() as session:
            row = self._row(session, update_id)
            self._move_on(session, offset or update_id + 1, now)
            known = row.fingerprint if row is not None else None
            is_other = known is not None and fingerprint not in (None, known)
            if row is not None and row.state != _FAILING and not is_other:
                return None
            owed = tuple(decide(session))
            row = row or self._new_row(session, update_id)
            row.fingerprint = fingerprint
            row.failures = 0 if is_other else row.failures
            row.state, row.reason, row.updated_at = _PROCESSED, None, now
            row.replies = REPLIES.dump_python(owed, mode="json") or None
            return Owed(update_id, owed)

    def fail(self, update_id: int, reason: str, now: datetime, offset: int | None = None) -> bool:
        """Record a failure; True if the update is passed over with it."""
        with self.state.writing() as session:
            row = self._row(session, update_id) or self._new_row(session, update_id)
            row.failures = (row.failures or 0) + 1
            row.reason, row.updated_at = reason[:_LONGEST_REASON], now
            is_over = row.failures >= MOST_FAILURES
            # One that fails in its replies has had its effects: it stays processed until then.
            if is_over:
                row.state, row.replies = _PASSED_OVER, None
                self._move_on(session, offset or update_id + 1, now)
            elif row.state != _PROCESSED:
                row.state = _FAILING
            return is_over

    def settle(self, update_id: int, left: Sequence[Reply], now: datetime) -> None:
        """Record what the bot still owes; nothing ends the update, and old ones are forgotten."""
        with self.state.writing() as session:
            row = self._row(session, update_id)
            if row is not None:
                row.replies = REPLIES.dump_python(tuple(left), mode="json") or None
                row.updated_at = now
            if not left:
                is_old = (BotUpdate.bot_id == self.bot_id) & (BotUpdate.updated_at < now - KEPT_FOR)
                session.execute(delete(BotUpdate).where(is_old, BotUpdate.replies.is_(None)))

    def owed(self) -> list[Owed]:
        """Return what a killed process left unsaid, the oldest first."""
        with self.state.reading() as session:
            return [
                Owed(row.update_id, REPLIES.validate_python(row.replies or ()))
                for row in self._rows(session, BotUpdate.replies.is_not(None))
            ]

    def passed_over(self) -> list[tuple[int, str]]:
        """Return the updates that were passed over lately, each with its reason."""
        with self.state.reading() as session:
            rows = self._rows(session, BotUpdate.state == _PASSED_OVER)
            return [(row.update_id, row.reason or "") for row in rows]

    def _rows(self, session: Session, wanted: ColumnElement[bool]) -> ScalarResult[BotUpdate]:
        found = select(BotUpdate).where(BotUpdate.bot_id == self.bot_id, wanted)
        return session.scalars(found.order_by(BotUpdate.update_id))

    def _row(self, session: Session, update_id: int) -> BotUpdate | None:
        return session.get(BotUpdate, (self.bot_id, update_id), with_for_update=True)

    def _new_row(self, session: Session, update_id: int) -> BotUpdate:
        row = BotUpdate(bot_id=self.bot_id, update_id=update_id, failures=0)
        session.add(row)
        return row

    def _move_on(self, session: Session, offset: int, now: datetime) -> None:
        row = session.get(BotOffset, self.bot_id)
        if row is None:
            row = BotOffset(bot_id=self.bot_id)
            session.add(row)
        row.next_update_id, row.updated_at = offset, now
