"""People who talk to the bot in a round, and what their talk must have come to."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sales_assets.adapters.state import subscriptions
from sales_assets.adapters.state.database import BotUpdate, Subscription
from sales_assets.core.bot.access import STOPPED
from sales_assets_tests.faults.promises import is_report
from sales_assets_tests.faults.stage import HEALTHY, Stage

#: Who comes: with an invite, with one that is used up, asking to be let in, leaving again.
INVITED, LATE, ASKING, ALLOWED, LEAVING = "invited", "late", "asking", "allowed", "leaving"
EXPECTED = {INVITED: "active", LATE: None, ASKING: "pending", ALLOWED: "active", LEAVING: "asleep"}


@dataclass
class Guest:
    """A person: the words still to be said, and how many were said."""

    user: int
    role: str
    words: list[str]
    said: int = 0


@dataclass
class Crowd:
    """All who act on the bot in a round; `act` lets one of them do the next thing."""

    stage: Stage
    guests: list[Guest] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    intruded: list[int] = field(default_factory=list)

    def gather(self) -> None:
        """Bring in guests of every role; the late ones have the invite of the first."""
        rng = self.stage.rng
        with self.stage.state() as state, state.writing() as session:
            now = datetime.now(UTC)
            self.secrets = [
                subscriptions.new_invite(session, now, now + timedelta(days=30)) for _ in range(3)
            ]
        readers = [f"/report {self.stage.day - timedelta(days=1)}", "/status", "/stuck", "/help"]
        scripts = {
            INVITED: [f"/start {self.secrets[0]}", *rng.sample(readers, 2)],
            LATE: [f"/start {self.secrets[0]}", "/report"],
            ASKING: ["/init", "/init"],
            ALLOWED: ["/init"],
            LEAVING: [f"/start {self.secrets[1]}", "/stop"],
        }
        for role, words in scripts.items():
            self.guests.append(Guest(self.stage.fake.add_user(role), role, words))
        self.guests.append(
            Guest(
                self.stage.fake.add_user("second"),
                INVITED,
                [f"/start {self.secrets[2]}", "/init", "/init"],
            )
        )

    def act(self) -> None:
        """Let somebody say the next thing, press a button, or add the bot to a strange group."""
        rng, fake = self.stage.rng, self.stage.fake
        doing = rng.random()
        if doing < 0.15:
            stranger = fake.add_user("Stranger")
            group = fake.add_group("Strange", owner_id=stranger, bot_status="left")
            fake.add_bot_to(group, stranger)
            self.intruded.append(group)
        elif doing < 0.35:
            self.press()
        else:
            self.say(rng.choice(self.ready()) if self.ready() else None)

    def ready(self) -> list[Guest]:
        """Those who have something to say; a late guest comes after the invite is used."""
        first = next(guest for guest in self.guests if guest.role == INVITED)
        return [
            guest for guest in self.guests if guest.words and (guest.role != LATE or first.said)
        ]

    def say(self, guest: Guest | None) -> None:
        if guest is not None:
            self.stage.fake.say(guest.user, guest.words.pop(0))
            guest.said += 1

    def press(self) -> None:
        """A healthy chat presses a button under a report that it has."""
        fake, rng = self.stage.fake, self.stage.rng
        for seat in self.stage.seats:
            found = [one for one in fake.accepted(seat.chat) if is_report(one)]
            if seat.fate == HEALTHY and found:
                before = self.stage.day - timedelta(days=1)
                data = rng.choice([f"stuck:{self.stage.day}", f"day:{before}"])
                user = seat.chat if seat.chat > 0 else fake.add_user("Member")
                with suppress(KeyError):
                    self.queries.append(fake.press(user, seat.chat, found[0]["message_id"], data))
                return

    def finish(self) -> None:
        """Let everybody say the rest, in turn."""
        while self.ready():
            self.say(self.ready()[0])

    def allow(self) -> bool:
        """Let the admin press the button that lets in the guest who was promised so; if it came."""
        guest = next(guest for guest in self.guests if guest.role == ALLOWED)
        with self.stage.state() as state, state.reading() as session:
            row = session.query(Subscription).filter(Subscription.chat == guest.user).first()
            data = f"allow:{row.id}" if row else ""
        for message in self.stage.fake.from_bot(self.stage.admin):
            buttons = message.get("reply_markup", {}).get("inline_keyboard", [])
            if data and data in {one["callback_data"] for line in buttons for one in line}:
                fake, admin = self.stage.fake, self.stage.admin
                self.queries.append(fake.press(admin, admin, message["message_id"], data))
                return True
        return False

    # --- What must have come of it ---

    def breaches(self, kills: int, given_up: int, *, was_allowed: bool) -> Iterator[str]:
        with self.stage.state() as state, state.reading() as session:
            found = {row.chat: (row.state, row.reason) for row in session.query(Subscription)}
            taken = session.query(BotUpdate).count()
        for guest in self.guests:
            expected = EXPECTED[guest.role]
            if guest.role == ALLOWED and not was_allowed:
                expected = "pending"
            state_now, reason = found.get(guest.user, (None, None))
            if state_now != expected:
                yield f"wrong: the {guest.role} guest is {state_now}, expected {expected}"
            if guest.role == LEAVING and reason != STOPPED:
                yield f"wrong: the leaving guest sleeps with {reason!r}"
            yield from self.reply_breaches(guest, kills, given_up)
        yield from self.intrusion_breaches(found, given_up)
        if taken < sum(guest.said for guest in self.guests):
            yield f"lost: {taken} updates are recorded, more were sent"

    def reply_breaches(self, guest: Guest, kills: int, given_up: int) -> Iterator[str]:
        """Every word is answered; an answer comes twice only after a kill or a doubt."""
        sent = [one for one in self.stage.fake.accepted(guest.user) if not is_report(one)]
        replies = [one for one in sent if one["method"].startswith("send")]
        if len(replies) < guest.said - given_up:
            words = [(one["message"] or {}).get("text") for one in replies]
            yield f"lost: the {guest.role} guest said {guest.said} things and heard {words}"
        most = Counter(str((one["message"] or {}).get("text")) for one in replies).most_common(1)
        if most and most[0][1] > guest.said + 1 + kills:
            yield f"wrong: the {guest.role} guest heard the same {most}"

    def intrusion_breaches(self, found: dict, given_up: int) -> Iterator[str]:
        for group in self.intruded:
            status = self.stage.fake.chat(group).members[self.stage.fake.bot().user.user_id]
            if status != "left" and not given_up:
                yield f"wrong: the bot stays in the strange group {group}"
            if group in found:
                yield f"wrong: the strange group {group} is subscribed"
