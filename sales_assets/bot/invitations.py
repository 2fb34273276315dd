"""Letting somebody in with a link, and taking the right to read away again."""

import asyncio
from contextlib import closing
from datetime import UTC, datetime, timedelta

from sales_assets.adapters.settings import Settings
from sales_assets.adapters.state import subscriptions
from sales_assets.adapters.state.database import WITNESS, StateDatabase, open_state
from sales_assets.bot.program import open_api, result_of
from sales_assets.core.bot.access import REVOKED
from sales_assets.core.errors import SalesAssetsError

VALID_FOR = timedelta(days=3)


def invite(settings: Settings, valid_for: timedelta = VALID_FOR) -> str:
    """Return a link that lets one chat in, once, within `valid_for`.

    Only the link's hash is stored, so it cannot be shown a second time.

    Raises:
        SalesAssetsError: no token, a time that is over already, or Telegram could not be asked
            for the bot's name.
    """
    if valid_for <= timedelta():
        raise SalesAssetsError(
            f"An invite valid for {valid_for} was asked for; it needs some time, such as 72 hours."
        )
    name = asyncio.run(_bot_name(settings))
    now = datetime.now(UTC)
    with _opened(settings) as state, state.writing() as session:
        secret = subscriptions.new_invite(session, now, now + valid_for)
    return f"https://t.me/{name}?start={secret}"


def revoke(settings: Settings, chat: int) -> int:
    """Take the right to read away from `chat`; return how many of its topics had it.

    Its /init is answered like a stranger's from now on, until it comes with a new invite.

    Raises:
        SalesAssetsError: no such chat is known.
    """
    with _opened(settings) as state, state.writing() as session:
        count = subscriptions.bar(session, chat, REVOKED, datetime.now(UTC))
        if count == 0:
            known = ", ".join(str(one.place.chat) for one in subscriptions.all_of(session))
            raise SalesAssetsError(
                f"Chat {chat} has no subscription. Known chats: {known or 'none'}."
            )
        return count


async def _bot_name(settings: Settings) -> str:
    async with open_api(settings) as api:
        try:
            return result_of(await api.identity())["username"]
        except SalesAssetsError as error:
            raise SalesAssetsError(
                f"Telegram was asked for the bot's name, which the link needs: {error}. "
                "`sales-assets doctor` says more about the token and the way to Telegram."
            ) from None


def _opened(settings: Settings) -> closing[StateDatabase]:
    return closing(open_state(settings.state_url, witness=settings.var_dir / WITNESS))
