"""Dagster's event log in SQLite files: a range's events in a transaction, not one each."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._serdes import ConfigurableClassData

#: Where Dagster's own default puts the same files under DAGSTER_HOME.
FOLDER = Path("history") / "runs"
_BATCHED = {
    dg.DagsterEventType.ASSET_MATERIALIZATION,
    dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
}


class BatchedSqliteEventLog(SqliteEventLogStorage):
    """Stores batches of a range's materializations as Dagster's Postgres storage does.

    The stock one takes batches apart: 300 days of eight assets are 4800 events, each with two
    connections, two commits and 10 ms or more. The files are the same, so that either storage
    reads what the other wrote. Batches come if DAGSTER_EVENT_BATCH_SIZE is above 0.
    """

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> "BatchedSqliteEventLog":
        """Take DAGSTER_HOME from the configuration."""
        return cls(str(Path(config_value["base_dir"]) / FOLDER), inst_data)

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
