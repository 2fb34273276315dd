"""The search for secrets: in every file of a round, in every row, in what the UI is told."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from sqlalchemy import text

from sales_assets.adapters.state.database import Base, open_state


def leaks(folder: Path, secrets: Iterable[str]) -> Iterator[str]:
    """Every file below `folder` that holds one of `secrets`, as they are or as URLs write them."""
    wanted = {secret: secret.encode() for secret in secrets}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            found = [secret for secret, needle in wanted.items() if needle in content]
            yield from (f"leak: {path} holds {secret!r}" for secret in found)


def row_leaks(state_url: str, secrets: Iterable[str]) -> Iterator[str]:
    """Every table of the state that holds one of `secrets`; a server's files are not ours."""
    wanted = tuple(secrets)
    with closing(open_state(state_url)) as state, state.reading() as session:
        for table in Base.metadata.sorted_tables:
            rows = str(session.execute(text(f"select * from {table.name}")).all())  # noqa: S608 - our own table
            found = [secret for secret in wanted if secret in rows]
            yield from (f"leak: table {table.name} holds {secret!r}" for secret in found)
