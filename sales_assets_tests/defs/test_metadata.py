import pandas as pd

from sales_assets.defs.metadata import table


def test_a_table_shows_ids_as_the_source_has_them_and_numbers_as_numbers() -> None:
    ids = ["123.0", "1e5", "12345678901234567890123"]
    shown = str(table(pd.DataFrame({"user_id": ids, "share": [0.123456789, 0.5, 1.0]})).value)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in shown.split("\n")[2:]]
    assert rows == [[ids[0], "0.123457"], [ids[1], "0.5"], [ids[2], "1"]]


def test_a_strange_name_stays_in_its_cell() -> None:
    shown = str(table(pd.DataFrame({"event_type": ["звонок|или\nвстреча"], "rows": [3]})).value)
    assert len(shown.split("\n")) == 3
    assert r"| звонок\|или встреча |" in shown


def test_no_row_is_a_table_of_its_columns() -> None:
    assert "user_id" in str(table(pd.DataFrame({"user_id": pd.array([], dtype="str")})).value)
    assert table(pd.DataFrame()).value == ""
