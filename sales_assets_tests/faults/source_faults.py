"""The faults of sources that are tried, by kind: examples from public threads, and more like them.

The numbers S4 to S26 are those of the issue's open cases.
"""

from sales_assets_tests.faults.source_surroundings import (
    copied,
    encoded,
    filled,
    locked,
    pooled,
    reader,
    refusing,
    stored_in_s3,
)
from sales_assets_tests.faults.source_trial import PASSWORD, Fault

EVERYTHING_PAID = ("new_paying", "open_requests", "first_line", "second_line", "lesson_payment")
ALL_BUT_BRIDGE = (*EVERYTHING_PAID, "funnel", "expiring")
PROCESSES = ("open_requests", "first_line", "second_line", "lesson_payment")
OF_ORDER = (*PROCESSES, "funnel", "expiring")
OF_TODAY = "happened_at >= '$DAY'"
REPORTED = ("report", "$BEFORE")


def _renamed(name: str, number: int = 10) -> str:
    return f"UPDATE events_dict SET _description = {name} WHERE id = {number}"


# --- Names ----------------------------------------------------------------------------------

_LATIN = _renamed("'C' || substr(_description, 2)")
LOOK_ALIKE = (r"looks like 'Создание заявки' and is taken for it: .*U\+",)
NAMES = (
    Fault("S5 a Latin C", "names", _LATIN, LOOK_ALIKE, is_quick=True),
    Fault("Latin letters", "names", _renamed("translate(_description, 'оае', 'oae')"), LOOK_ALIKE),
    Fault("Greek letters", "names", _renamed("translate(_description, 'оа', 'οα')"), LOOK_ALIKE),
    Fault("full-width letters", "names", _renamed("'Ｃ' || substr(_description, 2)"), LOOK_ALIKE),
    Fault("a zero for an o", "names", _renamed("'С0здание заявки'"), LOOK_ALIKE),
    Fault("a stress mark", "names", _renamed("'Созда́ние заявки'"), LOOK_ALIKE),
    Fault(
        "i without its breve",
        "names",
        _renamed("'Успешныи ВУ'", 15),
        (r"looks like 'Успешный ВУ' and is taken for it",),
    ),
    Fault(
        "l for one",
        "names",
        _renamed("'Назначение задачи на звонок lЛ'", 11),
        (r"looks like 'Назначение задачи на звонок 1Л' and is taken for it",),
    ),
    Fault("S6 a blank at the end", "names", _renamed("_description || ' '", 12), is_quick=True),
    Fault("a no-break blank", "names", _renamed(r"U&'\00A0' || _description", 12)),
    Fault("a tab and a line", "names", _renamed(r"E'\t' || _description || E'\r\n'", 12)),
    Fault("two blanks within", "names", _renamed("replace(_description, ' ', '  ')", 12)),
    Fault("capitals", "names", _renamed("upper(_description)")),
    Fault("a zero-width blank", "names", _renamed(r"U&'\200B' || _description")),
    Fault("a decomposed letter", "names", _renamed("normalize(_description, NFD)", 15)),
    Fault(
        "S7 a changed name",
        "names",
        _renamed("'Создание заявки (сайт)'"),
        (r"id 10 has another name than before: it was 'Создание заявки', it is '.*\(сайт\)'",),
        not_counted=("open_requests", "funnel"),
        earlier=REPORTED,
        is_quick=True,
    ),
    Fault(
        "a row of the dictionary is gone",
        "names",
        "DELETE FROM events_dict WHERE id = 12",
        (r"names no event 'Ученик ответил.*its row is gone",),
        not_counted=("open_requests", "first_line", "funnel"),
        earlier=REPORTED,
    ),
    Fault(
        "an experiment's name is gone that was there",
        "names",
        _renamed("'Демо-урок'", 18),
        ("names no event 'Переход на ДУ", "it was 'Переход на ДУ"),
        not_counted=ALL_BUT_BRIDGE,
        earlier=REPORTED,
    ),
    Fault(
        "an experiment's name was never there",
        "names",
        "DELETE FROM events_dict WHERE id IN (18, 19, 20, 21)",
    ),
    Fault(
        "a name was never there",
        "names",
        _renamed("'Заявка'"),
        ("names no event 'Создание заявки'",),
        not_counted=("open_requests", "funnel"),
    ),
    Fault(
        "two names changed places",
        "names",
        """UPDATE events_dict SET _description = CASE id WHEN 14 THEN 'Успешный ВУ'
        ELSE 'Выход МВУ на ВУ' END WHERE id IN (14, 15)""",
        ("id 14 has another name than before", "id 15 has another name than before"),
        earlier=REPORTED,
    ),
    Fault(
        "S26 two rows for an id that no metric needs",
        "names",
        "INSERT INTO events_dict VALUES (77, 'Звонок'), (77, 'Письмо')",
        ("event id 77 as 'Звонок' and as 'Письмо'. No metric needs it",),
    ),
    Fault(
        "two names of an id that metrics need",
        "names",
        "INSERT INTO events_dict VALUES (10, 'Заявка с сайта')",
        ("id 10 as 'Заявка с сайта' and as 'Создание заявки'. Each id needs one",),
        code=1,
    ),
    Fault("a row twice", "names", "INSERT INTO events_dict SELECT * FROM events_dict"),
    Fault("an empty name beside", "names", "INSERT INTO events_dict VALUES (10, ' '), (10, NULL)"),
    Fault(
        "two ids of one name",
        "names",
        f"""INSERT INTO events_dict VALUES (110, 'создание заявки');
        UPDATE events SET event_id = 110 WHERE event_id = 10 AND {OF_TODAY}""",
    ),
    Fault("an id that is none", "names", "INSERT INTO events_dict VALUES (NULL, 'Ничто')"),
)

# --- Keys -----------------------------------------------------------------------------------

FOREIGN = (r"payers of the four weeks until .* have no earlier event", r"written\s+differently")
_PAYERS = "UPDATE payments SET _user_id = "


def _foreign(name: str, change: str, *, is_quick: bool = False) -> Fault:
    return Fault(name, "keys", change, FOREIGN, not_counted=ALL_BUT_BRIDGE, is_quick=is_quick)


KEYS = (
    _foreign("S8 a decimal point", f"{_PAYERS} _user_id || '.0'", is_quick=True),
    Fault("S8 a blank at the end", "keys", f"{_PAYERS} _user_id || ' '", is_quick=True),
    Fault("a no-break blank before", "keys", rf"{_PAYERS} U&'\00A0' || _user_id"),
    Fault("blanks in events", "keys", r"UPDATE events SET _user_id = E'\t' || _user_id || '  '"),
    _foreign("lost zeros", f"{_PAYERS} ltrim(_user_id, '01')"),
    _foreign("another prefix", f"{_PAYERS} 'tg_' || _user_id"),
    _foreign(
        "letters of the other case",
        f"UPDATE events SET _user_id = 'u' || _user_id; {_PAYERS} 'U' || _user_id",
    ),
    _foreign(
        "a decimal point since last week",
        f"{_PAYERS} _user_id || '.0' WHERE transaction_created_at > date '$DAY' - 7",
    ),
    _foreign(
        "numbers beside text",
        """ALTER TABLE payments ALTER _user_id TYPE bigint USING _user_id::bigint * 1000""",
    ),
    Fault(
        "payers without events are normal",
        "keys",
        f"{_PAYERS} 'shop' || _user_id WHERE _user_id LIKE '%6'",
        settings={"SALES_ASSETS_PAYERS_WITHOUT_EVENTS": "1"},
        figures={"bought": 21},
    ),
    Fault(
        "S10 a blank id",
        "keys",
        "UPDATE events SET _user_id = ' ' WHERE _user_id LIKE '%19' "
        "AND happened_at >= date '$BEFORE' AND happened_at < date '$DAY'",
        figures={"requests due": 19, "first line late": 9},
        settings={"SALES_ASSETS_BAD_ROWS_SHARE": "0.1"},
    ),
    Fault(
        "too many blank ids",
        "keys",
        rf"UPDATE events SET _user_id = U&'\2003' WHERE {OF_TODAY} AND event_id = 11",
        ("rows set aside",),
        code=1,
        doctor=(),
    ),
    Fault(
        "a placeholder",
        "keys",
        f"UPDATE events SET _user_id = 'NULL' WHERE {OF_TODAY} AND event_id = 11",
        ("The client 'NULL' has 20 of the 69 rows",),
        not_counted=ALL_BUT_BRIDGE,
        is_quick=True,
    ),
    Fault(
        "one id of many rows",
        "keys",
        """INSERT INTO events SELECT '77777', 12, timestamp '$DAY 10:00' + n * interval '1 min'
        FROM generate_series(1, 200) n""",
        ("The client '77777' has 200 of the 269 rows",),
        not_counted=ALL_BUT_BRIDGE,
    ),
    Fault(
        "an id of a megabyte",
        "keys",
        "INSERT INTO events VALUES (repeat('я', 500000), 20, '$DAY 10:00')",
    ),
    Fault(
        "ids that look like text of SQL, JSON and HTML",
        "keys",
        """UPDATE events SET _user_id = _user_id || E'''"<b>&\\\\{},\u0001\\n;'
        WHERE _user_id LIKE '%18'; """
        + _PAYERS
        + """_user_id || E'''"<b>&\\\\{},\u0001\\n;' WHERE _user_id LIKE '%18'""",
    ),
    Fault(
        "ids are uuids",
        "keys",
        """ALTER TABLE events ALTER _user_id TYPE uuid USING md5(_user_id)::uuid;
        ALTER TABLE payments ALTER _user_id TYPE uuid USING md5(_user_id)::uuid""",
    ),
    Fault(
        "ids are whole numbers of two widths",
        "keys",
        """ALTER TABLE events ALTER _user_id TYPE bigint USING _user_id::bigint;
        ALTER TABLE payments ALTER _user_id TYPE int USING _user_id::int""",
    ),
    _foreign(
        "ids are decimal numbers",
        "ALTER TABLE payments ALTER _user_id TYPE numeric(20, 2) USING _user_id::numeric",
    ),
    Fault(
        "ids of events are decimal numbers",
        "keys",
        "ALTER TABLE events ALTER event_id TYPE numeric(10, 1)",
        (r"69|65 of 65 events of .* have an id that events_dict lacks: .*10\.0: ",),
        not_counted=OF_ORDER,
    ),
)

# --- Times ----------------------------------------------------------------------------------

NO_HOURS = ("times of payments.transaction_created_at on .* are at 00:00:00",)
_TRUNCATED = (
    "UPDATE payments SET transaction_created_at = date_trunc('day', transaction_created_at)"
)


def _odd(name: str, instant: str, *, is_quick: bool = False) -> Fault:
    change = f"""
    INSERT INTO events VALUES ('1', 10, {instant}), ('1', 10, {instant});
    INSERT INTO payments VALUES ('1', {instant})
    """
    says = (r"Rows without a usable time .*events: 2 rows, payments: 1 rows",)
    return Fault(name, "times", change, says, is_quick=is_quick)


def _without_hours(name: str, change: str, *, is_quick: bool = False) -> Fault:
    return Fault(name, "times", change, NO_HOURS, not_counted=OF_ORDER, is_quick=is_quick)


TIMES = (
    _without_hours("S9 times without hours", _TRUNCATED, is_quick=True),
    _without_hours(
        "a column of dates",
        "ALTER TABLE payments ALTER transaction_created_at TYPE date",
    ),
    _without_hours(
        "midnights of a zone",
        """ALTER TABLE payments ALTER transaction_created_at TYPE timestamptz
        USING date_trunc('day', transaction_created_at) AT TIME ZONE '$ZONE'""",
    ),
    Fault(
        "events without hours",
        "times",
        "UPDATE events SET happened_at = date_trunc('day', happened_at)",
        ("times of events.happened_at on .* are at 00:00:00",),
        not_counted=OF_ORDER,
    ),
    _odd("S11 before our era", "'4713-01-01 BC'", is_quick=True),
    _odd("S12 infinity", "'infinity'", is_quick=True),
    _odd("minus infinity", "'-infinity'"),
    _odd("no time", "NULL"),
    _odd("year one", "'0001-01-01'"),
    _odd("an epoch's zero", "'1970-01-01'"),
    Fault(
        "S12 four rows of the day at infinity",
        "times",
        f"""UPDATE events SET happened_at = 'infinity' WHERE {OF_TODAY} AND event_id = 14""",
        ("Rows without a usable time .*events: 4 rows",),
    ),
    Fault(
        "the last year",
        "times",
        """INSERT INTO events VALUES ('1', 10, '294276-12-31 23:59:59.999999');
        INSERT INTO payments VALUES ('1', '9999-12-31')""",
        ("more than a day in the future: events: 1 rows, payments: 1 rows",),
    ),
    Fault(
        "odd instants with a zone",
        "times",
        """ALTER TABLE events ALTER happened_at TYPE timestamptz
        USING happened_at AT TIME ZONE '$ZONE';
        INSERT INTO events VALUES ('1', 10, '4713-01-01 BC'), ('1', 10, 'infinity'),
        ('1', 10, '-infinity'), ('1', 10, '0001-01-01'), ('1', 10, '294276-12-31 00:00+00')""",
        ("Rows without a usable time .*events: 4 rows", "future: events: 1 rows"),
    ),
    Fault(
        "dates at infinity",
        "times",
        """ALTER TABLE payments ALTER transaction_created_at TYPE date;
        INSERT INTO payments VALUES ('1', 'infinity'), ('1', '5874897-12-31'),
        ('1', '0044-03-15 BC')""",
        ("usable time .*payments: 2 rows", "future: payments: 1 rows", *NO_HOURS),
        not_counted=OF_ORDER,
    ),
    Fault(
        "payments by another clock since this week",
        "times",
        """UPDATE payments SET transaction_created_at = transaction_created_at - interval '6 h'
        WHERE transaction_created_at > date '$DAY' - 6""",
        ("first payments of the week until .* lie before their own client's",),
    ),
    Fault(
        "times with a zone",
        "times",
        """ALTER TABLE events ALTER happened_at TYPE timestamptz
        USING happened_at AT TIME ZONE '$ZONE';
        ALTER TABLE payments ALTER transaction_created_at TYPE timestamp(0)""",
    ),
    Fault(
        "times are text",
        "times",
        "ALTER TABLE events ALTER happened_at TYPE text",
        ("events.happened_at has the type 'text'; expected one of",),
        code=1,
    ),
)

# --- Reading --------------------------------------------------------------------------------

_LONG_DICTIONARY = (
    "INSERT INTO events_dict SELECT n, 'Событие ' || n FROM generate_series(1000, 41000) n"
)
_PARTITIONED = """
ALTER TABLE events RENAME TO whole;
CREATE TABLE events (LIKE whole) PARTITION BY RANGE (happened_at);
CREATE TABLE events_old PARTITION OF events FOR VALUES FROM (MINVALUE) TO ('$DAY');
CREATE TABLE events_new PARTITION OF events DEFAULT;
INSERT INTO events SELECT * FROM whole
"""
_VIEWS = """
CREATE SCHEMA store;
ALTER TABLE events SET SCHEMA store; ALTER TABLE payments SET SCHEMA store;
CREATE VIEW events AS SELECT * FROM store.events;
CREATE MATERIALIZED VIEW payments AS SELECT * FROM store.payments
"""
READING = (
    Fault("S13 windows-1251", "reading", around=encoded("WIN1251"), is_quick=True),
    Fault("koi8-r", "reading", around=encoded("KOI8R")),
    Fault("iso 8859-5", "reading", around=encoded("ISO_8859_5")),
    Fault(
        "an environment of another encoding",
        "reading",
        settings={"PGCLIENTENCODING": "WIN1251"},
    ),
    Fault(
        "bytes that are no text",
        "reading",
        around=encoded(
            "SQL_ASCII",
            rf"UPDATE events SET _user_id = E'\xcf' || _user_id WHERE {OF_TODAY}",
        ),
        says=(r"events\._user_id or event_id holds bytes that are no text",),
        doctor=(),
        code=1,
    ),
    Fault(
        "a dictionary of bytes that are no text",
        "reading",
        around=encoded("SQL_ASCII", _renamed(r"E'\xd1\xee\xe7\xe4'")),
        says=(r"events_dict\._description or id holds bytes that are no text",),
        code=1,
    ),
    Fault(
        "a database of another style",
        "reading",
        """DO $$ DECLARE setting text; BEGIN FOREACH setting IN ARRAY ARRAY[
            'DateStyle = ''SQL, DMY''', 'TimeZone = ''Asia/Tokyo''',
            'client_encoding = ''WIN1251''', 'IntervalStyle = ''iso_8601''',
            'standard_conforming_strings = off', 'transform_null_equals = on',
            'idle_in_transaction_session_timeout = ''20ms''',
            'default_transaction_isolation = ''serializable''', 'extra_float_digits = 0']
        LOOP EXECUTE format('ALTER DATABASE %I SET ', current_database()) || setting; END LOOP;
        END $$""",
    ),
    Fault(
        "S14 bigint beside int",
        "reading",
        """ALTER TABLE events_dict ALTER id TYPE bigint;
        INSERT INTO events_dict VALUES (5000000000, 'Новое событие')""",
        is_quick=True,
    ),
    Fault("S15 forty thousand names", "reading", _LONG_DICTIONARY),
    Fault(
        "S16 char beside varchar",
        "reading",
        """ALTER TABLE events ALTER event_id TYPE char(8);
        ALTER TABLE events_dict ALTER id TYPE varchar(8)""",
        is_quick=True,
    ),
    Fault(
        "S17 a domain of a domain",
        "reading",
        """CREATE DOMAIN a AS varchar; CREATE DOMAIN b AS a CHECK (VALUE <> '');
        ALTER TABLE events ALTER _user_id TYPE b; CREATE DOMAIN c AS timestamp;
        CREATE DOMAIN d AS c; ALTER TABLE payments ALTER transaction_created_at TYPE d""",
    ),
    Fault(
        "an enum",
        "reading",
        """CREATE TYPE codes AS ENUM ('10', '11', '12', '13', '14', '15');
        ALTER TABLE events ALTER event_id TYPE codes USING event_id::text::codes""",
    ),
    Fault("a partitioned table", "reading", _PARTITIONED),
    Fault("views", "reading", _VIEWS),
    Fault(
        "another schema",
        "reading",
        """CREATE SCHEMA sales; ALTER TABLE events SET SCHEMA sales;
        ALTER TABLE events_dict SET SCHEMA sales; ALTER TABLE payments SET SCHEMA sales""",
        settings={"SALES_ASSETS_SOURCE_URL": "$URL&options=-csearch_path=sales"},
    ),
    Fault(
        "a table in a schema that isn't looked into",
        "reading",
        "CREATE SCHEMA sales; ALTER TABLE events SET SCHEMA sales",
        ("has no table 'events'.*search_path=NAME",),
        code=1,
    ),
    Fault(
        "names of columns in capitals",
        "reading",
        'ALTER TABLE events RENAME _user_id TO "_USER_ID"',
        ("'events' has no column '_user_id', only _USER_ID, event_id, happened_at.*a view",),
        code=1,
    ),
    Fault(
        "an id of bytes",
        "reading",
        "ALTER TABLE events ALTER _user_id TYPE bytea USING convert_to(_user_id, 'UTF8')",
        ("events._user_id has the type 'bytea'.*a view with a cast",),
        code=1,
    ),
    Fault(
        "blanks around ids of the dictionary and of events",
        "reading",
        r"""ALTER TABLE events ALTER event_id TYPE text;
        ALTER TABLE events_dict ALTER id TYPE text;
        UPDATE events SET event_id = E'\t' || event_id || ' ';
        UPDATE events_dict SET id = id || U&'\00A0'""",
    ),
    Fault("other columns", "reading", "ALTER TABLE events ADD COLUMN body jsonb DEFAULT '{}'"),
)

# --- Rights and locks -----------------------------------------------------------------------

_ROW_SECURITY = """ALTER TABLE events ENABLE ROW LEVEL SECURITY;
ALTER TABLE payments ENABLE ROW LEVEL SECURITY"""
POOLER = ("A pooler stands before the server",)


def _stopped(name: str, kind: str = "rights", **told: object) -> Fault:
    return Fault(name, kind, code=1, **told)  # pyright: ignore[reportArgumentType]


RIGHTS = (
    _stopped(
        "S4 row security that hides everything",
        change=_ROW_SECURITY,
        says=("shows no row to this user, and row security is on for events, payments",),
        around=reader(),
        is_quick=True,
    ),
    _stopped(
        "row security that refuses",
        change=_ROW_SECURITY,
        says=("affected by row-level security.*CREATE POLICY",),
        around=reader("ALTER ROLE $READER SET row_security = off"),
    ),
    Fault(
        "row security with a policy",
        "rights",
        f"{_ROW_SECURITY}; CREATE POLICY p ON events FOR SELECT USING (true); "
        "CREATE POLICY p ON payments FOR SELECT USING (true)",
        around=reader(),
    ),
    *(
        _stopped(
            f"no right to read {table}",
            says=(f"permission denied for (table|view) {table}.*SELECT",),
            around=reader(f"REVOKE ALL ON {table} FROM $READER"),
            is_quick=table == "payments",
        )
        for table in ("events", "events_dict", "payments")
    ),
    _stopped(
        "no right to a column",
        says=("permission denied for table payments.*SELECT",),
        around=reader(
            "REVOKE ALL ON payments FROM $READER; GRANT SELECT (_user_id) ON payments TO $READER"
        ),
    ),
    _stopped(
        "no right to the schema",
        change="REVOKE ALL ON SCHEMA public FROM public",
        says=("has no table 'events'.*USAGE",),
        around=reader("REVOKE ALL ON SCHEMA public FROM $READER"),
    ),
    *(
        _stopped(
            f"an empty {table}", change=f"TRUNCATE {table}", says=(f"{table} has no row at all",)
        )
        for table in ("events", "events_dict", "payments")
    ),
    _stopped(
        "S18 a locked table",
        says=(r"table events is locked by process \d+ \(user postgres, nightly load",),
        around=locked("LOCK TABLE events IN ACCESS EXCLUSIVE MODE"),
        is_quick=True,
    ),
    _stopped(
        "a table that is being loaded anew",
        says=("table payments is locked by process",),
        around=locked("TRUNCATE payments"),
    ),
    _stopped(
        "a dictionary that is being changed",
        says=("table events_dict is locked by process",),
        around=locked("ALTER TABLE events_dict ADD COLUMN more text"),
    ),
    _stopped(
        "a change that waits for a reader",
        says=(r"table events is locked by process \d+ .*waits",),
        around=locked("SELECT FROM events LIMIT 1", "ALTER TABLE events ADD COLUMN more text"),
    ),
    _stopped(
        "a locked partition",
        change=_PARTITIONED,
        says=("table events_new is locked by process",),
        around=locked("LOCK TABLE events_new IN ACCESS EXCLUSIVE MODE"),
    ),
    _stopped(
        "a locked table behind a view",
        change=_VIEWS,
        says=("table events is locked by process",),
        around=locked("LOCK TABLE store.events IN ACCESS EXCLUSIVE MODE"),
    ),
    Fault(
        "a lock that lets read",
        "rights",
        around=locked("LOCK TABLE events IN EXCLUSIVE MODE; UPDATE payments SET _user_id = 'x'"),
    ),
    _stopped(
        "a statement timeout of the role",
        says=("statement timeout.*raise statement_timeout",),
        change="CREATE VIEW slow AS SELECT * FROM events WHERE pg_sleep(0.01)::text IS NOT NULL; "
        "ALTER TABLE events RENAME TO fast; ALTER VIEW slow RENAME TO events",
        around=reader("ALTER ROLE $READER SET statement_timeout = '100ms'"),
    ),
    _stopped(
        "a role that has no connection left",
        says=("too many connections.*(connections|CONNECTION LIMIT)",),
        around=reader("ALTER ROLE $READER CONNECTION LIMIT 0"),
    ),
    _stopped(
        "a role that may not log in",
        says=("not permitted to log in.*LOGIN",),
        around=reader("ALTER ROLE $READER NOLOGIN"),
    ),
    _stopped(
        "a database that isn't there",
        says=("does not exist.*Correct the name",),
        settings={"SALES_ASSETS_SOURCE_URL": "$URL&dbname=crm_of_nobody"},
    ),
    _stopped(
        "S19 a busy pooler",
        says=("query_wait_timeout.*no connection left",),
        around=refusing("query_wait_timeout"),
        is_quick=True,
    ),
    _stopped(
        "a pooler that lets nobody in",
        says=("no more connections allowed.*no connection left",),
        around=refusing("no more connections allowed (max_client_conn)"),
    ),
    _stopped(
        "a pooler that doesn't know the database",
        says=("no such database.*pgbouncer",),
        around=refusing("no such database: crm", "08P01"),
    ),
    _stopped(
        "a pooler that can't reach the server",
        says=("server_login_retry.*",),
        around=refusing(
            "server login has been failing, cached error: connect failed (server_login_retry)"
        ),
    ),
    _stopped(
        "a pooler that refuses settings",
        says=("unsupported startup parameter.*", *POOLER),
        around=refusing("unsupported startup parameter in options: search_path"),
    ),
    _stopped(
        "a pooler of single statements",
        says=("transaction blocks not allowed.*", *POOLER),
        around=refusing("transaction blocks not allowed in statement pooling mode"),
    ),
    _stopped(
        "a server that is starting",
        says=("starting up.*again",),
        around=refusing("the database system is starting up", "57P03"),
    ),
    _stopped(
        "a server without room",
        says=("too many clients already.*again",),
        around=refusing("sorry, too many clients already", "53300"),
    ),
    _stopped(
        "a server that lets this machine in with SSL only",
        says=("no encryption.*sslmode=require",),
        around=refusing(
            'no pg_hba.conf entry for host "10.0.0.1", user "reader", db "crm", no encryption',
            "28000",
        ),
    ),
    _stopped(
        "a server without SSL",
        says=("does not support SSL.*sslmode=disable",),
        around=refusing("nobody hears this", sslmode="require"),
    ),
    _stopped(
        "another password",
        says=("password authentication failed.*Correct the user and the password.*%40",),
        around=refusing('password authentication failed for user "reader"', "28P01"),
    ),
    Fault("a pooler in transaction mode", "rights", around=pooled),
)

# --- Addresses ------------------------------------------------------------------------------


def _with_sign(sign: str, says: str) -> Fault:
    url = f"postgresql://reader:{PASSWORD}{sign}x@127.0.0.1:1/crm?connect_timeout=2"
    return Fault(
        f"a password with a bare {sign}",
        "addresses",
        settings={"SALES_ASSETS_SOURCE_URL": url},
        says=(says,),
        code=1,
        is_quick=sign == "/",
    )


ADDRESSES = (
    *(_with_sign(sign, "written as %XX.*%40") for sign in ("@", "/", "%", "@b:c/d", "/@[")),
    *(_with_sign(sign, "Connection refused") for sign in ("#", "?", "[", ":", "%23")),
    Fault(
        "a server that isn't there",
        "addresses",
        settings={"SALES_ASSETS_SOURCE_URL": f"postgresql://u:{PASSWORD}@127.0.0.1:1/crm"},
        says=("refused.*Start the server, or correct the host and the port",),
        code=1,
        is_quick=True,
    ),
    Fault(
        "a host that isn't there",
        "addresses",
        settings={"SALES_ASSETS_SOURCE_URL": f"postgresql://u:{PASSWORD}@db.invalid/crm"},
        says=("translate host name.*Correct the host",),
        code=1,
    ),
    Fault(
        "another scheme",
        "addresses",
        settings={"SALES_ASSETS_SOURCE_URL": f"mysql://u:{PASSWORD}@127.0.0.1/crm"},
        says=("SALES_ASSETS_SOURCE_URL is set to a value that is not shown, but an address like",),
        code=1,
        is_quick=True,
    ),
    *(
        Fault(
            f"the scheme {scheme}",
            "addresses",
            settings={"SALES_ASSETS_SOURCE_URL": f"{scheme}$REST"},
        )
        for scheme in ("postgres:", "postgresql+psycopg2:", "postgresql+asyncpg:")
    ),
)

# --- The storage ----------------------------------------------------------------------------

#: Reports of another source are no reason to be content.
NO_PRAISE = r"(?s)\A(?!.*is rendered)"
STORAGE = (
    Fault(
        "S20 another zone of the report",
        "storage",
        "UPDATE payments SET transaction_created_at = transaction_created_at + interval '2 h'",
        (
            "SALES_ASSETS_REPORT_TZ was $ZONE and is $LATER_ZONE",
            "--rebuild",
            NO_PRAISE,
        ),
        code=3,
        earlier=REPORTED,
        settings={
            "SALES_ASSETS_REPORT_TZ": "$LATER_ZONE",
            "SALES_ASSETS_SOURCE_TZ": "$ZONE",
        },
        way_out=("backfill", "$DAY", "$DAY", "--rebuild"),
        is_quick=True,
    ),
    Fault(
        "another zone of the source",
        "storage",
        says=("SALES_ASSETS_SOURCE_TZ was $ZONE and is UTC", "--rebuild"),
        code=3,
        earlier=REPORTED,
        settings={"SALES_ASSETS_SOURCE_TZ": "UTC"},
        is_quick=True,
    ),
    Fault(
        "S21 own data after the demo",
        "storage",
        says=("the source's database was", "SALES_ASSETS_STORAGE", "--rebuild", NO_PRAISE),
        code=3,
        earlier=("demo",),
        way_out=("backfill", "$DAY", "$DAY", "--rebuild"),
    ),
    Fault(
        "own data after the demo, as the README says",
        "storage",
        earlier=("demo",),
        settings={"SALES_ASSETS_STORAGE": "$FOLDER/var/own"},
    ),
    Fault("S23 an object store", "storage", around=stored_in_s3),
    Fault(
        "tables that moved to another schema",
        "storage",
        """CREATE SCHEMA sales; ALTER TABLE events SET SCHEMA sales;
        ALTER TABLE events_dict SET SCHEMA sales; ALTER TABLE payments SET SCHEMA sales""",
        ("the schemas of the tables was public.events.* and is sales.events", "--same-source"),
        code=3,
        earlier=REPORTED,
        settings={"SALES_ASSETS_SOURCE_URL": "$URL&options=-csearch_path=sales"},
        way_out=("report", "$DAY", "--same-source"),
        is_quick=True,
    ),
    Fault(
        "a database that moved",
        "storage",
        says=("the source's database was", "--same-source"),
        code=3,
        earlier=REPORTED,
        around=copied,
        way_out=("report", "$DAY", "--same-source"),
    ),
    Fault(
        "an object store that isn't there",
        "storage",
        settings={
            "SALES_ASSETS_STORAGE": "s3://bucket/folder",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
            "AWS_ACCESS_KEY_ID": "made-up",
            "AWS_SECRET_ACCESS_KEY": "made-up",
        },
        says=("Could not read s3://bucket/folder/source.json: .*127.0.0.1:1",),
        code=1,
    ),
    Fault(
        "an object store of another kind",
        "storage",
        settings={"SALES_ASSETS_STORAGE": "gs://bucket/folder"},
        says=("needs a package that is not installed",),
        code=1,
    ),
    Fault(
        "a storage that is a file",
        "storage",
        says=("var/storage",),
        code=1,
        around=filled("var/storage"),
    ),
    Fault(
        "a Dagster home that is a file",
        "storage",
        says=("dagster could not be made",),
        code=1,
        around=filled("dagster"),
    ),
)

# --- Settings -------------------------------------------------------------------------------


def _unknown(name: str, nearest: str, *, is_quick: bool = False) -> Fault:
    return Fault(
        f"an unknown name {name}",
        "settings",
        settings={name: "1"},
        says=(f"{name} is set, but there is no such setting; the nearest name is {nearest}",),
        code=1,
        is_quick=is_quick,
    )


def _file(name: str, content: bytes, says: str = "was read as UTF-8 and isn't") -> Fault:
    return Fault(name, "settings", environment_file=content, says=(says,), code=1)


_COMMENT = "# Источник\nSALES_ASSETS_CATCH_UP_DAYS=7\n"
SETTINGS = (
    Fault(
        "S22 a misspelt source in production",
        "settings",
        earlier=("demo",),
        environment_file=b"SALES_ASSETS_SOURCE_URI=$URL\nSALES_ASSETS_PRODUCTION=1\n"
        b"SALES_ASSETS_TELEGRAM_BOT_TOKEN=7000000001:AAFaultsTokenThatMustBeNowhere_00001\n",
        settings={"SALES_ASSETS_SOURCE_URL": ""},
        says=("SOURCE_URI is set, but .* the nearest name is SALES_ASSETS_SOURCE_URL",),
        code=1,
    ),
    Fault(
        "a production without a source",
        "settings",
        settings={"SALES_ASSETS_SOURCE_URL": "", "SALES_ASSETS_PRODUCTION": "1"},
        says=("SALES_ASSETS_SOURCE_URL is not set: the demo's numbers would go to real chats",),
        code=1,
        is_quick=True,
    ),
    Fault(
        "S25 a subfolder",
        "settings",
        environment_file=b"SALES_ASSETS_VAR=var\n",
        settings={"SALES_ASSETS_VAR": ""},
        says=(),
        doctor=("What is stored here is under $FOLDER/var",),
        below="some/where",
        is_quick=True,
    ),
    _unknown("SALES_ASSETS_SOURCEURL", "SALES_ASSETS_SOURCE_URL", is_quick=True),
    _unknown("SALES_ASSET_SOURCE_URL", "SALES_ASSETS_SOURCE_URL"),
    _unknown("sales_assets_source_url", "SALES_ASSETS_SOURCE_URL"),
    _unknown("SALES_ASSETS_TELEGRAM_TOKEN", "SALES_ASSETS_TELEGRAM_BOT_TOKEN"),
    _unknown("SALES_ASSETS_REPORT_ZONE", "SALES_ASSETS_REPORT_TZ"),
    _unknown("SALES-ASSETS-START-DATE", "SALES_ASSETS_START_DATE"),
    _file("S24 a file in windows-1251", _COMMENT.encode("cp1251")),
    _file("a file in utf-16", _COMMENT.encode("utf-16")),
    _file("a file in utf-16 without a mark", _COMMENT.encode("utf-16-be")),
    _file("a file in koi8-r", _COMMENT.encode("koi8-r")),
    _file("a file in utf-32", _COMMENT.encode("utf-32")),
    Fault("a file with a mark", "settings", environment_file=_COMMENT.encode("utf-8-sig")),
    _file("a line without a value", b"SALES_ASSETS_START_DATE 2026-01-01\n", "START_DATE"),
    Fault(
        "a start date in the future",
        "settings",
        settings={"SALES_ASSETS_START_DATE": "2999-01-01"},
        says=("START_DATE is set to '2999-01-01', but a day like .* isn't in the future",),
        code=1,
        is_quick=True,
    ),
    Fault(
        "a start date after the report's day",
        "settings",
        settings={"SALES_ASSETS_START_DATE": "$NEXT"},
        says=("SALES_ASSETS_START_DATE",),
        code=1,
    ),
    Fault(
        "a start date of another order",
        "settings",
        settings={"SALES_ASSETS_START_DATE": "01.09.2026"},
        says=("START_DATE is set to '01.09.2026', but a day like 2026-01-31",),
        code=1,
    ),
    Fault(
        "a zone that isn't there",
        "settings",
        settings={"SALES_ASSETS_REPORT_TZ": "Moscow"},
        says=("REPORT_TZ is set to 'Moscow', but a zone name",),
        code=1,
    ),
)

FAULTS: tuple[Fault, ...] = (
    *NAMES, *KEYS, *TIMES, *READING, *RIGHTS, *ADDRESSES, *STORAGE, *SETTINGS
)  # fmt: skip
