"""Which round a seed stands for, and the Postgres server that some rounds keep their state in."""

import random
import traceback
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from sales_assets.demo import embedded_postgres
from sales_assets_tests.faults.promises import Figures
from sales_assets_tests.faults.rounds import DaemonRound, DagsterRound, Round
from sales_assets_tests.faults.stage import stage

#: So many rounds have their state in Postgres, deliver by runs of Dagster, or by its daemon.
POSTGRES_SHARE, DAGSTER_SHARE, DAEMON_SHARE = 1 / 3, 0.06, 0.02


class Server:
    """The embedded Postgres, started for the first round that asks for a database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server: embedded_postgres.EmbeddedServer | None = None
        self.stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stack.close()

    def database(self, name: str) -> str:
        """A fresh database's URL."""
        if self.server is None:
            starting = embedded_postgres.start(self.folder / "postgres")
            self.server = self.stack.enter_context(starting)
        return self.server.ensure_database(name)


def play(
    seed: int,
    place: Path,
    *,
    kind: type[Round] | None = None,
    state_url: str | None = None,
) -> tuple[list[str], Figures]:
    """Play the round of this seed in a folder below `place`; its breaches and its figures."""
    kind = kind_of(seed) if kind is None else kind
    with stage(seed, place / f"round-{seed}", state_url) as made:
        one = kind(made)
        try:
            breaches = one.play()
        except Exception:  # noqa: BLE001 - the next rounds go on, and this one is told
            breaches = [*one.breaches, f"wrong: the round broke off: {traceback.format_exc()}"]
    one.figures.wrong += sum(breach.startswith(("wrong", "leak")) for breach in breaches)
    one.figures.lost += sum(breach.startswith("lost") for breach in breaches)
    return breaches, one.figures


def kind_of(seed: int) -> type[Round]:
    """What the seed's round delivers by: mostly the dispatcher alone, which is quick."""
    drawn = random.Random(f"kind {seed}").random()  # noqa: S311 - a script
    if drawn < DAEMON_SHARE:
        return DaemonRound
    return DagsterRound if drawn < DAEMON_SHARE + DAGSTER_SHARE else Round


def is_in_postgres(seed: int) -> bool:
    """Whether the seed's round keeps its state in Postgres."""
    return random.Random(f"server {seed}").random() < POSTGRES_SHARE  # noqa: S311 - a script
