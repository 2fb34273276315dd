"""A source may write its rows in another way from one day to the next: no stored day changes by it.

Blanks around ids, other types of columns, a second id of an event, names in another form, tables
made anew or behind a view: before the first report, between two, or both.
"""

import shutil
import sys
import tempfile
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from random import Random

import click
import psycopg2

from sales_assets.demo import embedded_postgres
from sales_assets.demo.embedded_postgres import EmbeddedServer
from sales_assets.demo.journeys import DemoPlan
from sales_assets.demo.source import load_demo_source
from sales_assets_tests.base_source import yesterday
from sales_assets_tests.faults.source_trial import Run, as_a_process
from sales_assets_tests.sources import drop_database, execute

#: How far back the source begins, and the reports.
SOURCE_DAYS, REPORT_DAYS = 110, 80
REQUESTS_PER_DAY = 20
BLANKS = ("' '", "'   '", r"E'\t'", r"E'\n'", r"E'\x0c'", r"U&'\00A0'", r"U&'\2002'", r"U&'\3000'")
TEXTS = ("text", "varchar(60)", "char(60)")
NUMBERS = ("int", "bigint", *TEXTS)
NAMES = (
    "normalize(_description, NFD)",
    "_description || ' '",
    "replace(_description, ' ', '  ')",
    r"replace(_description, ' ', U&'\00A0')",
)
TIMES = {"events": "happened_at", "payments": "transaction_created_at"}

PADDED = "UPDATE {table} SET _user_id = {before} || _user_id || {after} WHERE {rows}"
RETYPED = "ALTER TABLE {table} ALTER {column} TYPE {kind} USING btrim({column}::text)::{kind}"
ZONED = """
SET timezone = 'Europe/Moscow';
ALTER TABLE {table} ALTER {column} TYPE timestamptz USING {column}::timestamptz
"""
RENAMED = "UPDATE events_dict SET _description = {name} WHERE mod(hashtext(id::text), 2) = 0"
SECOND_ID = """
INSERT INTO events_dict
SELECT {new}, _description FROM events_dict WHERE btrim(id::text) = '{old}';
UPDATE events SET event_id = {new} WHERE btrim(event_id::text) = '{old}' AND {rows}
"""
MOVED = """
CREATE TABLE moved AS SELECT * FROM {table} ORDER BY random();
DROP TABLE {table};
ALTER TABLE moved RENAME TO {table}
"""
BEHIND_A_VIEW = """
ALTER TABLE {table} RENAME TO {table}_rows;
CREATE VIEW {table} AS SELECT * FROM {table}_rows
"""
WIDER = "ALTER TABLE {table} ADD COLUMN note text DEFAULT 'x'"
STATEMENTS = (PADDED, PADDED, RETYPED, ZONED, RENAMED, SECOND_ID, MOVED, BEHIND_A_VIEW, WIDER)


def rewrite(random: Random, *, at_first: bool) -> str:
    """Return SQL that writes something in another way; where it doesn't fit, nothing happens.

    Older rows alone are rewritten only `at_first`: whether these have blanks around their ids is
    looked for once a storage.
    """
    statement = random.choice(STATEMENTS)
    table = "events" if statement is SECOND_ID else random.choice(list(TIMES))
    column, kinds = random.choice((("_user_id", TEXTS), ("event_id", NUMBERS)))
    if statement is ZONED:
        column = TIMES[table]
    since = yesterday() - timedelta(days=random.randrange(1, SOURCE_DAYS))
    rows = [f"{TIMES[table]} >= '{since}'", f"mod(hashtext({TIMES[table]}::text), 3) = 0", "true"]
    if at_first:
        rows.append(f"{TIMES[table]} < '{since}'")
    return statement.format(
        table=table,
        column=column,
        kind=random.choice(kinds),
        before=random.choice(("''", *BLANKS)),
        after=random.choice(BLANKS),
        rows=random.choice(rows),
        name=random.choice(NAMES),
        old=random.randrange(10, 22),
        new=random.randrange(200, 400),
    )


class Rewrites:
    """A demo source, and what reports of its last two days store."""

    def __init__(self, server: EmbeddedServer, folder: Path, command: Run) -> None:
        self._server, self._folder, self._command = server, folder, command
        self._template = f"rewrites_{yesterday():%m%d}"
        url = server.ensure_database(self._template)
        today = yesterday() + timedelta(days=1)
        plan = DemoPlan(today - timedelta(days=SOURCE_DAYS), today, REQUESTS_PER_DAY)
        load_demo_source(url, plan)
        self._expected = self._stored(url, "expected", [], [])

    def differences(self, seed: int) -> list[str]:
        """Rewrite by the seed; return which stored files differ, and what was rewritten."""
        random, name = Random(seed), f"rewrites_{seed}"  # noqa: S311 - a play, no secret
        before = [rewrite(random, at_first=True) for _ in range(random.randrange(3))]
        between = [rewrite(random, at_first=False) for _ in range(random.randrange(1, 4))]
        url = self._server.ensure_database(name, self._template)
        found = self._stored(url, name, before, between)
        drop_database(self._server, name)
        differing = {each for each, _ in self._expected.items() ^ found.items()}
        return [*sorted(differing), *before, "between:", *between] if differing else []

    def _stored(
        self, url: str, name: str, before: list[str], between: list[str]
    ) -> dict[str, bytes]:
        settings = {
            "SALES_ASSETS_SOURCE_URL": url,
            "SALES_ASSETS_START_DATE": str(yesterday() - timedelta(days=REPORT_DAYS)),
            "SALES_ASSETS_VAR": str(self._folder / name),
        }
        (self._folder / name).mkdir(parents=True)
        for statements, days in ((before, 1), (between, 0)):
            for statement in statements:
                with suppress(psycopg2.Error):
                    execute(url, statement)
            day = yesterday() - timedelta(days=days)
            answer = self._command(["report", str(day)], settings, self._folder / name)
            if answer.code:
                return {answer.all: b""}
        storage = self._folder / name / "storage"
        files = [*storage.glob("*/*.parquet"), *storage.glob("daily_report/*")]
        stored = {str(path.relative_to(storage)): path.read_bytes() for path in files}
        shutil.rmtree(self._folder / name)
        return stored


@click.command()
@click.option("--seeds", default=30, show_default=True, help="How many sources are rewritten.")
@click.option("--seed", default=None, type=int, help="The first seed; random if not given.")
def main(seeds: int, seed: int | None) -> None:
    """Rewrite SEEDS sources at random; exit code 1 if a stored day differs by it."""
    first = seed if seed is not None else int(time.time()) % 1_000_000 * 1000
    place, failed = Path(tempfile.mkdtemp(prefix="rewrites-")), []
    with embedded_postgres.start(place / "postgres") as server:
        rewrites = Rewrites(server, place, as_a_process)
        for each in range(first, first + seeds):
            differences = rewrites.differences(each)
            click.echo(f"seed {each}: {'DIFFERS' if differences else 'the same'}")
            for difference in differences:
                click.echo(f"  {difference}", err=True)
            failed += [each] if differences else []
    shutil.rmtree(place, ignore_errors=True)
    click.echo(f"{seeds} rewritten sources, {len(failed)} with other days {failed}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
