"""What the UI shows of an asset: its columns, each day's numbers and a small table."""

from collections.abc import Callable
from typing import Any

import dagster as dg
import pandas as pd

from sales_assets.core.frames import Frame
from sales_assets.core.metrics.summaries import ROWS, Summary

ROW_COUNT = "dagster/row_count"


def column_schema(frame: Frame) -> dict[str, Any]:
    """Return the definition metadata that shows an asset's columns."""
    columns = [
        dg.TableColumn(
            column.name,
            column.kind.value,
            description=column.meaning,
            constraints=dg.TableColumnConstraints(nullable=column.nullable),
            tags={"unit": column.unit} if column.unit else None,
        )
        for column in frame.columns
    ]
    return {"dagster/column_schema": dg.TableSchema(columns=columns)}


def column_lineage(frame: Frame, made_from: Frame) -> dict[str, Any]:
    """Return the definition metadata that says which columns are carried over from `made_from`.

    A column that is carried over keeps its name; what is counted has one of its own.
    """
    carried = {
        name: [dg.TableColumnDep(asset_key=made_from.asset, column_name=name)]
        for name in frame.names
        if name in made_from.names
    }
    return {"dagster/column_lineage": dg.TableColumnLineage(carried)} if carried else {}


def code_reference(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the definition metadata by which the UI opens `function` in an editor.

    `dg.with_source_code_references` knows asset bodies only, and reads each file for its line.
    """
    code = function.__code__
    at = dg.LocalFileCodeReference(file_path=code.co_filename, line_number=code.co_firstlineno)
    return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[at])}


def day_metadata(summary: Summary) -> dict[str, Any]:
    """Return the metadata of one day: its numbers as numbers that the UI plots, its tables."""
    return {
        ROW_COUNT if name == ROWS else name: table(value)
        if isinstance(value, pd.DataFrame)
        else value
        for name, value in summary.items()
    }


def table(frame: pd.DataFrame) -> dg.MetadataValue:
    """Return a frame as the table that the UI shows; texts as they are, be it an id like 123.0."""
    kinds = enumerate(frame.dtypes) if len(frame) else ()  # of no row tabulate knows no column
    texts = [n for n, kind in kinds if not pd.api.types.is_numeric_dtype(kind)]
    shown = frame.map(_in_one_cell).to_markdown(index=False, disable_numparse=texts)
    return dg.MetadataValue.md(shown or "")


def _in_one_cell(value: object) -> object:
    return " ".join(value.split()).replace("|", r"\|") if isinstance(value, str) else value
