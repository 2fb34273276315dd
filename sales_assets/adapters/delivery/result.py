"""How a day's messages stand after a dispatch."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from sales_assets.core.delivery.rows import OUTBOX_CHAT, OUTBOX_NAME, Delivery, RowState
from sales_assets.core.frames import REPORT_DELIVERY


@dataclass(frozen=True)
class DeliveryResult:
    """The messages of a day after a dispatch: of every chat, not only those it sent to.

    `outcomes` is the frame of `report_delivery`: a row per message. `trouble` says why the run has
    failed though its messages may be fine: the dispatch ended before it reached every chat,
    or the readers are missing.
    """

    day: date
    outcomes: pd.DataFrame
    warnings: tuple[str, ...] = ()
    trouble: str | None = None

    @property
    def sent(self) -> int:
        """Messages that arrived."""
        return self._count(RowState.SENT)

    @property
    def failed(self) -> int:
        """Messages refused for good, or not sent while they were news."""
        return self._count(RowState.FAILED)

    @property
    def unknown(self) -> int:
        """Messages of which nobody knows whether they arrived."""
        return self._count(RowState.UNKNOWN)

    @property
    def waiting(self) -> int:
        """Messages that a later run sends."""
        return self._count(RowState.PLANNED) + self._count(RowState.SENDING)

    @property
    def possible_duplicates(self) -> int:
        """Messages that a chat may have twice."""
        return int(self.outcomes["possible_duplicate"].sum())

    @property
    def is_complete(self) -> bool:
        """Whether every message arrived."""
        return self.trouble is None and self.sent == len(self.outcomes)

    def _count(self, state: RowState) -> int:
        return int((self.outcomes["state"] == state.value).sum())


def as_frame(rows: Sequence[Delivery]) -> pd.DataFrame:
    """Return `rows` as `DeliveryResult.outcomes`."""
    columns = REPORT_DELIVERY.names
    values = [{name: getattr(row, name) for name in columns} | _readable(row) for row in rows]
    return pd.DataFrame(values, columns=columns).astype(REPORT_DELIVERY.dtypes)


def _readable(row: Delivery) -> dict[str, str]:
    name = OUTBOX_NAME if row.chat == OUTBOX_CHAT else str(row.chat)
    return {"chat": name, "kind": row.kind.value, "state": row.state.value}
