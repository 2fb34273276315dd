"""ClickHouse's own `windowFunnel` over the same logs, by `chdb` (dev only, half a gigabyte)."""

from importlib import import_module

import pandas as pd
import pyarrow as pa

#: An entry has to lie in the range, so a request outside it is no first step; all else stays.
#: `windowFunnel` without a mode: other events may intervene, equal times count in step order,
#: the window includes its end, and the longest chain over all entries is the answer.
WINDOW_FUNNEL = """
    SELECT seed, day, path, user_id, depth FROM (
        SELECT seed, day, 'main' AS path, user_id, windowFunnel(604800000000)(toUInt64(at_us),
            type = 'Создание заявки' AND at_us >= c - 14 * 86400000000
                AND at_us < c - 7 * 86400000000,
            type = 'Назначение ВУ', type = 'Выход МВУ на ВУ', type = 'Успешный ВУ',
            type = 'Покупка') AS depth
        FROM Python(table) GROUP BY seed, day, user_id
        UNION ALL
        SELECT seed, day, 'first_line' AS path, user_id, windowFunnel(604800000000)(
            toUInt64(at_us),
            type = 'Создание заявки' AND at_us >= c - 14 * 86400000000
                AND at_us < c - 7 * 86400000000,
            type = 'Назначение задачи на звонок 1Л',
            type = 'Ученик ответил на звонок оператора 1л') AS depth
        FROM Python(table) GROUP BY seed, day, user_id)
    WHERE depth > 0
"""


def funnel_depths(visible: pd.DataFrame) -> pd.DataFrame:
    """Return seed, day, path, user_id, depth of every user with an entry, by ClickHouse.

    `visible` (seed, day, c, user_id, type, at_us) holds the rows that each day's report may use.
    """
    chdb = import_module("chdb")
    table = pa.Table.from_pandas(visible, preserve_index=False)  # noqa: F841 - chdb reads it by name
    return chdb.query(WINDOW_FUNNEL, "DataFrame")
