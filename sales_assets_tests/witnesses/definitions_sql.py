"""The definitions of docs/metrics.md as plain SQL, word by word, for many logs at a time.

Nothing of `sales_assets.core`'s metrics is used or was looked at. Every time is a BIGINT of
microseconds since the epoch (UTC), so that the same text runs on DuckDB and on Postgres.

Tables to stand before: `logs` (seed, first_partition_us), `raw_events` (seed, user_id, event_id,
at_us), `raw_payments` (seed, user_id, at_us), `events_dict` (seed, id, description), `days` (seed,
day, d0, c, asked) with every asked day and every day that it is compared with, `compared` (seed,
day, earlier, days_before, in_history), `loaded_days` (seed, day, d0, c) with every day that the
product may load, `entry_days` (seed, day, d0, c) with the bounds of the day seven days before each
of `days`, `processes` (place, process, start_type), `process_ends` (process, end_type),
`process_keys` (process, series), `steps` (path, k, step), `experiment_types` (type).
"""


def _depths_from(entries: str) -> str:
    """Return how deep each client came from any of the entries of a view."""
    return f"""
        WITH RECURSIVE chain AS (
            SELECT e.seed, e.day, s.path, e.user_id, e.t1, e.t1 AS tk, s.k
            FROM {entries} e JOIN steps s ON s.k = 1
            UNION
            SELECT p.seed, p.day, p.path, p.user_id, p.t1, v.at_us AS tk, s.k
            FROM chain p JOIN steps s ON s.path = p.path AND s.k = p.k + 1
            JOIN visible v ON v.seed = p.seed AND v.day = p.day AND v.user_id = p.user_id
                AND v.type = s.step AND v.at_us >= p.tk AND v.at_us - p.t1 <= 7 * 86400000000)
        SELECT seed, day, path, user_id, MAX(k) AS depth FROM chain
        GROUP BY seed, day, path, user_id
    """  # noqa: S608 - no input, a name of our own


#: The views build on one another in this order.
VIEWS = {
    "source_rows": """
        SELECT e.seed, e.user_id, d.description AS type, e.at_us
        FROM raw_events e LEFT JOIN events_dict d ON d.seed = e.seed AND d.id = e.event_id
        UNION ALL
        SELECT seed, user_id, 'Покупка' AS type, at_us FROM raw_payments
    """,
    # Known over all history, and what the product may load of it.
    "history": """
        SELECT DISTINCT seed, user_id, type, at_us FROM source_rows
        WHERE user_id IS NOT NULL AND type IS NOT NULL AND at_us IS NOT NULL
    """,
    "loaded": """
        SELECT h.* FROM history h JOIN logs l ON l.seed = h.seed
        WHERE h.at_us >= l.first_partition_us
    """,
    "in_experiments": """
        SELECT DISTINCT d.seed, d.day, h.user_id
        FROM days d JOIN history h ON h.seed = d.seed AND h.at_us < d.c
        JOIN experiment_types x ON x.type = h.type
    """,
    # The rows that the report of a day may use: before the cut-off, nobody in an experiment.
    "visible": """
        SELECT d.day, d.d0, d.c, e.*
        FROM days d JOIN loaded e ON e.seed = d.seed AND e.at_us < d.c
        WHERE NOT EXISTS (
            SELECT 1 FROM in_experiments x
            WHERE x.seed = d.seed AND x.day = d.day AND x.user_id = e.user_id)
    """,
    "starts": """
        SELECT v.*, p.process,
               (SELECT MIN(e.at_us) FROM visible e JOIN process_ends n ON n.end_type = e.type
                WHERE e.seed = v.seed AND e.day = v.day AND e.user_id = v.user_id
                  AND n.process = p.process AND e.at_us >= v.at_us) AS closed_at
        FROM visible v JOIN processes p ON p.start_type = v.type
        WHERE v.at_us >= v.c - 30 * 86400000000
    """,
    "opened_cases": """
        SELECT seed, day, d0, c, process, user_id, closed_at,
               MIN(at_us) AS opened_at, MAX(at_us) AS last_start, COUNT(*) AS starts,
               MIN(at_us) + 86400000000 AS deadline, c - MIN(at_us) AS age
        FROM starts GROUP BY seed, day, d0, c, process, user_id, closed_at
    """,
    "cases": """
        SELECT *,
            CASE WHEN closed_at IS NULL THEN 1 ELSE 0 END AS is_open,
            CASE WHEN deadline >= d0 AND deadline < c THEN 1 ELSE 0 END AS is_due,
            CASE WHEN deadline < c AND (closed_at IS NULL OR closed_at > deadline)
                 THEN 1 ELSE 0 END AS is_breached
        FROM opened_cases
    """,
    # What ran out on the day and was open when it began.
    "waited": """
        SELECT * FROM cases WHERE is_due = 1 AND (closed_at IS NULL OR closed_at >= d0)
    """,
    "same_day": """
        SELECT s.seed, s.day, p.process, COUNT(DISTINCT s.user_id) AS users
        FROM visible s JOIN processes p ON p.start_type = s.type
        WHERE s.at_us >= s.d0 AND NOT EXISTS (
            SELECT 1 FROM visible e JOIN process_ends n ON n.end_type = e.type
            WHERE e.seed = s.seed AND e.day = s.day AND e.user_id = s.user_id
              AND n.process = p.process AND e.at_us >= s.d0)
        GROUP BY s.seed, s.day, p.process
    """,
    "case_numbers": """
        SELECT d.seed, d.day, p.process,
            COALESCE(SUM(is_due), 0) AS due,
            COALESCE(SUM(is_due * is_breached), 0) AS breached,
            COALESCE(SUM(CASE WHEN k.opened_at >= k.d0 THEN 1 ELSE 0 END), 0) AS opened,
            COALESCE(SUM(CASE WHEN k.closed_at >= k.d0 THEN 1 ELSE 0 END), 0) AS closed,
            COALESCE(SUM(CASE WHEN is_open = 1 AND k.deadline >= k.c THEN 1 ELSE 0 END), 0)
                AS in_progress,
            COALESCE(SUM(CASE WHEN is_open = 1 AND k.age > 86400000000
                              AND k.age <= 3 * 86400000000 THEN 1 ELSE 0 END), 0) AS overdue_1_3d,
            COALESCE(SUM(CASE WHEN is_open = 1 AND k.age > 3 * 86400000000
                              AND k.age <= 7 * 86400000000 THEN 1 ELSE 0 END), 0) AS overdue_3_7d,
            COALESCE(SUM(CASE WHEN is_open = 1 AND k.age > 7 * 86400000000
                              THEN 1 ELSE 0 END), 0) AS overdue_7_30d
        FROM days d CROSS JOIN processes p
        LEFT JOIN cases k ON k.seed = d.seed AND k.day = d.day AND k.process = p.process
        GROUP BY d.seed, d.day, p.process
    """,
    "usual": """
        SELECT c.seed, c.day, n.process,
               PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY n.breached) AS usual_breached
        FROM compared c
        JOIN case_numbers n ON n.seed = c.seed AND n.day = c.earlier
        WHERE c.days_before IN (7, 14, 21, 28) AND c.in_history
        GROUP BY c.seed, c.day, n.process HAVING COUNT(*) = 4
    """,
    "entries": """
        SELECT DISTINCT seed, day, c, user_id, at_us AS t1 FROM visible
        WHERE type = 'Создание заявки'
          AND at_us >= c - 14 * 86400000000 AND at_us < c - 7 * 86400000000
    """,
    "usual_entries": """
        SELECT DISTINCT seed, day, c, user_id, at_us AS t1 FROM visible
        WHERE type = 'Создание заявки'
          AND at_us >= c - 35 * 86400000000 AND at_us < c - 7 * 86400000000
    """,
    # Those of the calendar day seven days before, whatever the clock did between.
    "day_entries": """
        SELECT DISTINCT v.seed, v.day, v.c, v.user_id, v.at_us AS t1
        FROM visible v JOIN entry_days e ON e.seed = v.seed AND e.day = v.day
        WHERE v.type = 'Создание заявки' AND v.at_us >= e.d0 AND v.at_us < e.c
    """,
    # Before the history's first day nobody asks for a value.
    "valued_days": """
        SELECT d.* FROM days d WHERE d.asked OR EXISTS (
            SELECT 1 FROM compared p
            WHERE p.seed = d.seed AND p.earlier = d.day AND p.in_history)
    """,
    "depths": _depths_from("entries"),
    "usual_depths": _depths_from("usual_entries"),
    # A day without an entry has a row without a client.
    "entered_depths": _depths_from("day_entries"),
    "day_depths": """
        SELECT d.seed, d.day, r.user_id, r.depth
        FROM valued_days d LEFT JOIN entered_depths r
            ON r.seed = d.seed AND r.day = d.day AND r.path = 'main'
    """,
    "firsts": """
        SELECT seed, user_id, MIN(at_us) AS first_us FROM history
        WHERE type = 'Покупка' GROUP BY seed, user_id
    """,
    "new_payers": """
        SELECT d.seed, d.day, f.user_id, x.user_id IS NOT NULL AS in_experiment
        FROM days d JOIN firsts f ON f.seed = d.seed AND f.first_us >= d.d0 AND f.first_us < d.c
        LEFT JOIN in_experiments x
            ON x.seed = d.seed AND x.day = d.day AND x.user_id = f.user_id
    """,
    "new_paying": """
        SELECT d.seed, d.day,
            COALESCE(SUM(CASE WHEN NOT n.in_experiment THEN 1 ELSE 0 END), 0) AS new_paying,
            COALESCE(SUM(CASE WHEN n.in_experiment THEN 1 ELSE 0 END), 0) AS new_paying_experiment
        FROM days d LEFT JOIN new_payers n ON n.seed = d.seed AND n.day = d.day
        GROUP BY d.seed, d.day
    """,
}

#: One query for one asset; each returns the asset's columns after `seed` and `day`.
ASSETS = {
    "unclosed_processes": """
        SELECT n.seed, n.day, n.process, n.due, n.breached, n.opened, n.closed, n.in_progress,
            n.overdue_1_3d, n.overdue_3_7d, n.overdue_7_30d, u.usual_breached,
            COALESCE(s.users, 0) AS same_day_users
        FROM case_numbers n
        JOIN days d ON d.seed = n.seed AND d.day = n.day AND d.asked
        LEFT JOIN usual u ON u.seed = n.seed AND u.day = n.day AND u.process = n.process
        LEFT JOIN same_day s ON s.seed = n.seed AND s.day = n.day AND s.process = n.process
    """,
    "stuck_cases": """
        SELECT k.seed, k.day, k.process, k.user_id, k.opened_at, k.age / 3600000000.0 AS age_hours,
            k.starts
        FROM cases k JOIN days d ON d.seed = k.seed AND d.day = k.day AND d.asked
        WHERE k.is_open = 1 AND k.deadline < k.c
    """,
    "expiring_cases": """
        SELECT k.seed, k.day, k.process, k.user_id, k.opened_at, k.deadline
        FROM cases k JOIN days d ON d.seed = k.seed AND d.day = k.day AND d.asked
        WHERE k.is_open = 1 AND k.deadline >= k.c
    """,
    "expired_cases": """
        SELECT d.seed, d.day, p.process, COUNT(k.user_id) AS waiting,
            COALESCE(SUM(1 - k.is_breached), 0) AS met
        FROM days d CROSS JOIN processes p
        LEFT JOIN waited k ON k.seed = d.seed AND k.day = d.day AND k.process = p.process
        WHERE d.asked GROUP BY d.seed, d.day, p.process
    """,
    "conversion_funnel": """
        SELECT d.seed, d.day, s.path, s.step, s.k,
            COUNT(r.user_id) AS users,
            COUNT(r.user_id) * 1.0 / GREATEST(1, (
                SELECT COUNT(DISTINCT e.user_id) FROM entries e
                WHERE e.seed = d.seed AND e.day = d.day)) AS share
        FROM days d CROSS JOIN steps s
        LEFT JOIN depths r ON r.seed = d.seed AND r.day = d.day AND r.path = s.path
            AND r.depth >= s.k
        WHERE d.asked
        GROUP BY d.seed, d.day, s.path, s.step, s.k
    """,
    "daily_activity": """
        SELECT v.seed, v.day, v.type AS event_type, COUNT(DISTINCT v.user_id) AS users,
            COUNT(*) AS events
        FROM visible v JOIN days d ON d.seed = v.seed AND d.day = v.day AND d.asked
        WHERE v.at_us >= v.d0
        GROUP BY v.seed, v.day, v.type
    """,
    "new_paying_users": """
        SELECT n.seed, n.day, n.new_paying, n.new_paying_experiment,
            (SELECT COUNT(DISTINCT v.user_id) FROM visible v
             WHERE v.seed = n.seed AND v.day = n.day AND v.type = 'Покупка' AND v.at_us >= v.d0)
                AS paying,
            (SELECT COUNT(*) FROM visible v
             WHERE v.seed = n.seed AND v.day = n.day AND v.type = 'Покупка' AND v.at_us >= v.d0)
                AS payments,
            (SELECT w.new_paying FROM compared c JOIN new_paying w
                ON w.seed = c.seed AND w.day = c.earlier
             WHERE c.seed = n.seed AND c.day = n.day AND c.days_before = 7 AND c.in_history)
                AS same_weekday_last_week,
            (SELECT AVG(w.new_paying) FROM compared c JOIN new_paying w
                ON w.seed = c.seed AND w.day = c.earlier
             WHERE c.seed = n.seed AND c.day = n.day AND c.days_before BETWEEN 1 AND 7
                AND c.in_history
             HAVING COUNT(*) = 7) AS mean_7d
        FROM new_paying n JOIN days d ON d.seed = n.seed AND d.day = n.day AND d.asked
    """,
    "population": """
        SELECT d.seed, d.day, COUNT(DISTINCT e.user_id) AS active,
            COUNT(DISTINCT x.user_id) AS in_experiments
        FROM days d
        LEFT JOIN loaded e ON e.seed = d.seed AND e.at_us >= d.d0 AND e.at_us < d.c
        LEFT JOIN in_experiments x
            ON x.seed = d.seed AND x.day = d.day AND x.user_id = e.user_id
        WHERE d.asked
        GROUP BY d.seed, d.day
    """,
    # What the day is judged by: of every series a value, of a share its whole.
    "daily_values": """
        SELECT d.seed, d.day, 'new_paying' AS series, n.new_paying AS value, NULL AS whole
        FROM valued_days d JOIN new_paying n ON n.seed = d.seed AND n.day = d.day
        UNION ALL
        SELECT d.seed, d.day, 'requests' AS series, COUNT(DISTINCT v.user_id) AS value,
            NULL AS whole
        FROM valued_days d LEFT JOIN visible v ON v.seed = d.seed AND v.day = d.day
            AND v.type = 'Создание заявки' AND v.at_us >= v.d0
        GROUP BY d.seed, d.day
        UNION ALL
        SELECT d.seed, d.day, k.series, n.breached AS value, n.due AS whole
        FROM valued_days d JOIN case_numbers n ON n.seed = d.seed AND n.day = d.day
        JOIN process_keys k ON k.process = n.process
        UNION ALL
        SELECT seed, day, 'appointed' AS series, COUNT(CASE WHEN depth >= 2 THEN 1 END) AS value,
            COUNT(user_id) AS whole
        FROM day_depths GROUP BY seed, day
        UNION ALL
        SELECT seed, day, 'paid' AS series, COUNT(CASE WHEN depth >= 5 THEN 1 END) AS value,
            COUNT(CASE WHEN depth >= 2 THEN 1 END) AS whole
        FROM day_depths GROUP BY seed, day
    """,
    # Where a cohort's steps usually lie: the clients who entered 35 to 7 days before the cut-off.
    "usual_steps": """
        SELECT d.seed, d.day, s.path, s.step, COUNT(r.user_id) AS users,
            COUNT(r.user_id) * 1.0 / GREATEST(1, (
                SELECT COUNT(DISTINCT e.user_id) FROM usual_depths e
                WHERE e.seed = d.seed AND e.day = d.day)) AS share
        FROM days d CROSS JOIN steps s
        LEFT JOIN usual_depths r ON r.seed = d.seed AND r.day = d.day AND r.path = s.path
            AND r.depth >= s.k
        WHERE d.asked
        GROUP BY d.seed, d.day, s.path, s.step
    """,
    # A row with two flaws counts once: without a user, else of no known type.
    "data_quality": """
        SELECT d.seed, d.day, COUNT(r.seed) AS rows,
            COALESCE(SUM(CASE WHEN r.user_id IS NULL AND r.seed IS NOT NULL
                              THEN 1 ELSE 0 END), 0) AS without_user,
            COALESCE(SUM(CASE WHEN r.user_id IS NOT NULL AND r.type IS NULL
                              THEN 1 ELSE 0 END), 0) AS unknown_type,
            COUNT(CASE WHEN r.user_id IS NOT NULL AND r.type IS NOT NULL THEN 1 END)
                - (SELECT COUNT(*) FROM history h
                   WHERE h.seed = d.seed AND h.at_us >= d.d0 AND h.at_us < d.c) AS duplicates
        FROM days d
        LEFT JOIN source_rows r ON r.seed = d.seed AND r.at_us >= d.d0 AND r.at_us < d.c
        WHERE d.asked
        GROUP BY d.seed, d.day, d.d0, d.c
    """,
}

#: Facts over all history before the cut-off, for every user with an event on the day.
USER_HISTORY = """
    SELECT d.seed, d.day, h.user_id,
        MIN(h.at_us) AS first_event_at,
        MIN(CASE WHEN x.type IS NOT NULL THEN h.at_us END) AS first_experiment_at,
        MIN(CASE WHEN h.type = 'Покупка' THEN h.at_us END) AS first_payment_at
    FROM loaded_days d JOIN history h ON h.seed = d.seed AND h.at_us < d.c
    LEFT JOIN experiment_types x ON x.type = h.type
    WHERE EXISTS (
        SELECT 1 FROM history t WHERE t.seed = d.seed AND t.user_id = h.user_id
            AND t.at_us >= d.d0 AND t.at_us < d.c)
    GROUP BY d.seed, d.day, h.user_id
"""

#: open(C) = open(D0) + opened - closed - aged out - joined an experiment, for each asked day.
#: A case has aged out when its last start is older than 30 days; a client who joins an experiment
#: on the day leaves with all his cases, also those that were open at D0.
BACKLOG = """
    SELECT n.seed, n.day, n.process, n.opened, n.closed,
        n.in_progress + n.overdue_1_3d + n.overdue_3_7d + n.overdue_7_30d AS open_at_end,
        COUNT(b.user_id) AS open_at_start,
        COUNT(CASE WHEN x.user_id IS NOT NULL THEN 1 END) AS joined,
        COUNT(CASE WHEN x.user_id IS NULL AND b.last_start < d.c - 30 * 86400000000
                   THEN 1 END) AS aged_out
    FROM case_numbers n
    JOIN days d ON d.seed = n.seed AND d.day = n.day AND d.asked
    JOIN compared p ON p.seed = n.seed AND p.day = n.day AND p.days_before = 1
    LEFT JOIN cases b ON b.seed = n.seed AND b.day = p.earlier AND b.process = n.process
        AND b.is_open = 1
    LEFT JOIN in_experiments x
        ON x.seed = d.seed AND x.day = d.day AND x.user_id = b.user_id
    GROUP BY n.seed, n.day, n.process, n.opened, n.closed, n.in_progress, n.overdue_1_3d,
        n.overdue_3_7d, n.overdue_7_30d
"""

#: What ClickHouse is given, and every user's depth on every path to hold its answer against.
VISIBLE = "SELECT v.* FROM visible v JOIN days d ON d.seed = v.seed AND d.day = v.day AND d.asked"
DEPTHS = "SELECT r.* FROM depths r JOIN days d ON d.seed = r.seed AND d.day = r.day AND d.asked"

#: All that is known of anybody, the window apart.
HISTORY = "SELECT * FROM history"
