"""Dagster's event log in SQLite files: kept open, a range's events in one transaction."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine

#: Where Dagster's own default puts the same files under DAGSTER_HOME.
FOLDER = Path("history") / "runs"
_BATCHED = {
    dg.DagsterEventType.ASSET_MATERIALIZATION,
    dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
}
#: A run writes its own file and the index of all runs.
FILES_OPEN = 2


class BatchedSqliteEventLog(SqliteEventLogStorage):
    """Stores batches of a range's materializations as Dagster's Postgres storage does.

    The stock one takes batches apart: 300 days of eight assets are 4800 events, each with two
    connections, two commits and 10 ms or more. The files are the same, so that either storage
    reads what the other wrote. Batches come if DAGSTER_EVENT_BATCH_SIZE is above 0.

    The last used files stay open: the stock one opens one for each event, compiles the same
    statement again, and closing it clears its log, a tenth of a day's run altogether.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """Open nothing yet."""
        self._engines: dict[str, Engine] = {}
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> "BatchedSqliteEventLog":
        """Take DAGSTER_HOME from the configuration."""
        return cls(str(Path(config_value["base_dir"]) / FOLDER), inst_data)

    def dispose(self) -> None:
        """Close the files."""
        super().dispose()
        self._keep_open(0)

    def wipe(self) -> None:
        """Delete the files, too."""
        self._keep_open(0)
        super().wipe()

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock, self._engine(shard).begin() as connection:
            yield connection

    def _engine(self, shard: str) -> Engine:
        engine = self._engines.pop(shard, None) or create_engine(
            self.conn_string_for_shard(shard),
            connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS},
        )
        if shard not in self._initialized_dbs:
            self._initdb(engine)
            self._initialized_dbs.add(shard)
        self._engines[shard] = engine  # the one used last stands last
        self._keep_open(FILES_OPEN)
        return engine

    def _keep_open(self, files: int) -> None:
        while len(self._engines) > files:
            self._engines.pop(next(iter(self._engines))).dispose()

    def store_event_batch(self, events: Sequence[dg.EventLogEntry]) -> None:
        """Store the events of one run: the materializations at once, the others one by one."""
        together = [event for event in events if event.dagster_event_type in _BATCHED]
        super().store_event_batch(
            [event for event in events if event.dagster_event_type not in _BATCHED]
        )
        if together:
            self._store_together(together)

    def _store_together(self, events: Sequence[dg.EventLogEntry]) -> None:
        insert = self.prepare_insert_event_batch(events)
        with self.run_connection(events[0].run_id) as connection:
            connection.execute(insert)
        with self.index_transaction() as connection:
            stored = connection.execute(insert.returning(SqlEventLogStorageTable.c.id))
            ids = [int(row[0]) for row in stored]
            self._store_asset_event_tags(connection, events, ids)
            # An asset's row tells of its last event.
            keys = [event.get_dagster_event().asset_key for event in events]
            latest = {key: position for position, key in enumerate(keys)}
            for position in latest.values():
                self._store_asset_event(connection, events[position], ids[position])
