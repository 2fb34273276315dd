"""The fake as a process, to try the bot without the network; it needs the extra `dev`."""

import signal
import threading
from pathlib import Path

import click

from sales_assets_tests.fake_telegram.server import FakeTelegram


@click.command()
@click.option("--port", default=8081, show_default=True, help="Port on 127.0.0.1; 0: any free.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where the chats are mirrored.")
@click.option("--token", help="The bot's token; the default is one of no real bot.")
@click.option("--username", default="sales_report_bot", show_default=True, help="Its username.")
def main(port: int, folder: Path | None, token: str | None, username: str) -> None:
    """Serve a Telegram of its own: the Bot API, and a page that shows the chats.

    What it needs comes with the extra `dev`: pip install -c constraints.txt -e '.[dev]'
    """
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with FakeTelegram(port, folder, token, username) as fake:
        furnish(fake)
        click.echo(f"page      {fake.url}/")
        click.echo(f"base URL  {fake.base_url}")
        click.echo(f"token     {fake.token}")
        stopped.wait()


def furnish(fake: FakeTelegram) -> None:
    """Two people, and a group of the first one that the bot is not in yet."""
    chief = fake.add_user("Chief")
    stranger = fake.add_user("Stranger")
    group = fake.add_group("Sales", owner_id=chief, bot_status="left")
    fake.set_member(group, stranger, "member")


if __name__ == "__main__":
    main()
