"""Whose days a storage holds: the stamp beside the frames, and how two of them differ."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from sales_assets.core.dictionary import EventDictionary, meant

#: Goes up when a definition of docs/metrics.md changes: days of two versions don't mix.
DEFINITIONS = 1


@dataclass(frozen=True)
class SourceIdentity:
    """A source without its secrets: which server, database and schemas the tables are in.

    `system` is the server's own identifier, None where the user may not read it; then the address
    tells servers apart.
    """

    system: str | None
    address: str
    database: str
    schemas: Mapping[str, str]


@dataclass(frozen=True)
class Stamp:
    """What all stored days have in common, and what the last run knew.

    That is its dictionary (id to name), its first partition, and whether ids of events have blanks
    around them.
    """

    source: SourceIdentity
    source_zone: str
    report_zone: str
    definitions: int = DEFINITIONS
    dictionary: Mapping[str, str] = field(default_factory=dict)
    first_day: date | None = None
    padded_ids: bool | None = None

    def differences(self, other: "Stamp") -> list[str]:
        """Say in words what differs in `other`; what the last run knew may change."""
        mine, theirs = self.source, other.source
        pairs = [
            ("the source's database", mine.database, theirs.database),
            ("the schemas of the tables", _listed(mine.schemas), _listed(theirs.schemas)),
            ("SALES_ASSETS_SOURCE_TZ", self.source_zone, other.source_zone),
            ("SALES_ASSETS_REPORT_TZ", self.report_zone, other.report_zone),
            ("the version of the definitions", self.definitions, other.definitions),
        ]
        told = [f"{what} was {old} and is {new}" for what, old, new in pairs if old != new]
        is_other_server = mine.address != theirs.address
        if mine.system and theirs.system:
            is_other_server = mine.system != theirs.system
        if is_other_server:
            servers = (mine.address, theirs.address)
            if mine.address == theirs.address:  # it was set up anew there
                servers = tuple(f"{one.address} ({one.system})" for one in (mine, theirs))
            told.insert(0, "the source's server was {} and is {}".format(*servers))
        return told


def remembered(last: Mapping[str, str], now: EventDictionary) -> dict[str, str]:
    """Return the dictionary to remember: today's names, and of a type that is gone the last one.

    So what is missing is told in each run until it is back, not only in the first.
    """
    gone = set(now.missing_types)
    kept = {number: name for number, name in last.items() if meant(name) in gone}
    return dict(sorted({**now.names, **kept}.items()))


def _listed(schemas: Mapping[str, str]) -> str:
    return ", ".join(f"{schema}.{table}" for table, schema in sorted(schemas.items()))
