"""What the UI shows of an asset: its columns, and each day's numbers and a small table."""

from typing import Any

import dagster as dg
import pandas as pd

from sales_assets.core.frames import Column, Frame
from sales_assets.core.metrics.summaries import ROWS, Summary

ROW_COUNT = "dagster/row_count"


def column_schema(frame: Frame) -> dict[str, Any]:
    """Return the definition metadata that shows an asset's columns."""
    columns = [_shown(column) for column in frame.columns]
    return {"dagster/column_schema": dg.TableSchema(columns=columns)}


def _shown(column: Column) -> dg.TableColumn:
    return dg.TableColumn(
        column.name,
        column.kind.value,
        description=column.meaning,
        constraints=dg.TableColumnConstraints(nullable=column.nullable),
        tags={"unit": column.unit} if column.unit else None,
    )


def day_metadata(summary: Summary) -> dict[str, Any]:
    """Return the metadata of one day: its numbers as numbers that the UI plots, its tables."""
    return {
        ROW_COUNT if name == ROWS else name: _table(value)
        if isinstance(value, pd.DataFrame)
        else value
        for name, value in summary.items()
    }


def _table(frame: pd.DataFrame) -> dg.MetadataValue:
    return dg.MetadataValue.md(frame.to_markdown(index=False) or "")
