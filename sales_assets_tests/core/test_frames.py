import pandas as pd
import pytest
from pandera.errors import SchemaErrors

from sales_assets.core import names
from sales_assets.core.frames import CLEAN_EVENTS, FRAMES, Frame
from sales_assets.core.metrics.schemas import frame_schema
from sales_assets.core.report.report import METRICS
from sales_assets_tests import frames_table


def require_described(frame: pd.DataFrame, description: Frame) -> None:
    """Raise unless the frame has the described columns, in order, of the described types."""
    folds = [name for name in frame.columns if name.removesuffix("_fold") in description.names]
    columns = [name for name in frame.columns if not name.endswith("_fold")]
    assert columns == description.names
    assert set(frame.columns) == {*columns, *folds}
    frame_schema(description).validate(frame, lazy=True)


def clean(**changes: object) -> pd.DataFrame:
    columns = {
        "user_id": pd.Series(["a"], dtype="str"),
        "event_time": pd.to_datetime(["2026-01-01 10:00"]).as_unit("us"),
        "event_type": pd.Categorical(["x"]),
    }
    return pd.DataFrame({**columns, **changes})


def test_a_frame_as_described_passes_and_nothing_else_does() -> None:
    require_described(clean(), CLEAN_EVENTS)
    require_described(clean(event_time_fold=pd.array([1], dtype="int8")), CLEAN_EVENTS)
    for wrong in (clean(more=1), clean()[["event_time", "user_id", "event_type"]]):
        with pytest.raises(AssertionError):
            require_described(wrong, CLEAN_EVENTS)
    for wrong in (clean(user_id=1), clean(user_id=pd.Series([None], dtype="str"))):
        with pytest.raises(SchemaErrors):
            require_described(wrong, CLEAN_EVENTS)


@pytest.mark.parametrize("description", FRAMES.values(), ids=lambda frame: frame.asset)
def test_an_empty_frame_of_the_described_types_is_as_described(description: Frame) -> None:
    frame = pd.DataFrame(columns=description.names).astype(description.dtypes)
    require_described(frame, description)


def test_every_frame_says_what_each_column_is() -> None:
    assert {names.RAW_EVENTS, *METRICS, names.REPORT_DELIVERY} <= FRAMES.keys()
    for frame in FRAMES.values():
        assert len(set(frame.names)) == len(frame.names)
        assert all(len(column.meaning) > 5 for column in frame.columns)


def test_the_document_has_the_columns_as_they_are_described() -> None:
    assert frames_table.written() == frames_table.table(), (
        "run: python -m sales_assets_tests.frames_table"
    )
