import os
import signal
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
import sqlalchemy

from sales_assets.core.errors import SalesAssetsError
from sales_assets.demo import embedded_postgres
from sales_assets_tests.sources import drop_database, execute, query

#: Deeper than the 107 bytes of a socket's path, and with what shells and URLs treat specially.
DEEP = Path('a folder, it\'s $HOME & "more"') / ("d" * 120)


def postmaster_pid(folder: Path) -> int:
    return int((folder / "data" / "postmaster.pid").read_text().split()[0])


def is_running(folder: Path) -> bool:
    return (folder / "data" / "postmaster.pid").exists()


@pytest.fixture(scope="module")
def used_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder whose server has run and was stopped; a new start is quick."""
    folder = tmp_path_factory.mktemp("embedded") / DEEP
    with embedded_postgres.start(folder) as server:
        execute(server.ensure_database("kept"), "CREATE TABLE kept AS SELECT 42 AS answer")
    return folder


def test_a_deep_folder_with_odd_signs_works_for_every_driver(used_folder: Path) -> None:
    with embedded_postgres.start(used_folder) as server:
        assert query(server.url("kept"), "SELECT answer FROM kept") == [(42,)]
        address = server.url("kept").replace("postgresql://", "postgresql+psycopg2://", 1)
        engine = sqlalchemy.create_engine(address)
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT answer FROM kept").scalar() == 42
        engine.dispose()


def test_the_last_release_stops_the_server_and_no_earlier_one(used_folder: Path) -> None:
    first = embedded_postgres.start(used_folder)
    second = embedded_postgres.start(used_folder)
    first.release()
    first.release()
    assert query(second.url("kept"), "SELECT 1") == [(1,)]
    second.release()
    assert not is_running(used_folder)


def test_a_killed_server_is_started_again_with_its_data(used_folder: Path) -> None:
    with embedded_postgres.start(used_folder) as server:
        os.kill(postmaster_pid(used_folder), signal.SIGKILL)
    with embedded_postgres.start(used_folder) as server:
        assert query(server.url("kept"), "SELECT answer FROM kept") == [(42,)]


def test_a_pid_file_that_names_a_stranger_is_stale(used_folder: Path) -> None:
    with embedded_postgres.start(used_folder):
        lines = (used_folder / "data" / "postmaster.pid").read_text().splitlines()
    stale = "\n".join([str(os.getpid()), *lines[1:]])
    (used_folder / "data" / "postmaster.pid").write_text(stale)
    with embedded_postgres.start(used_folder) as server:
        assert query(server.url(), "SELECT 1") == [(1,)]


def test_a_lease_ends_with_the_process_that_held_it(used_folder: Path) -> None:
    program = f"""
        import os, signal
        from pathlib import Path
        from sales_assets.demo import embedded_postgres
        server = embedded_postgres.start(Path({str(used_folder)!r}))
        print(server.url("kept"), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    with embedded_postgres.start(used_folder) as server:
        other = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert other.stdout.strip() == server.url("kept")
        assert other.returncode == -signal.SIGKILL
    assert not is_running(used_folder)


def test_processes_that_start_a_new_server_at_once_share_one(tmp_path: Path) -> None:
    program = f"""
        import sys
        from pathlib import Path
        from sales_assets.demo import embedded_postgres
        with embedded_postgres.start(Path({str(tmp_path / "new")!r})) as server:
            print(server.ensure_database("shared"), flush=True)
            sys.stdin.readline()
    """
    others = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    urls = [other.stdout.readline() for other in others if other.stdout]
    codes = [other.communicate("end\n") and other.returncode for other in others]
    assert len(set(urls)) == 1
    assert codes == [0, 0, 0]
    assert not is_running(tmp_path / "new")


def test_an_interrupted_set_up_is_begun_anew(tmp_path: Path) -> None:
    unfinished = tmp_path / "data.unfinished"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18")
    with embedded_postgres.start(tmp_path) as server:
        assert query(server.url(), "SELECT 1") == [(1,)]


def test_a_server_that_was_stopped_has_no_address(used_folder: Path) -> None:
    server = embedded_postgres.start(used_folder)
    server.release()
    server.release()
    with pytest.raises(SalesAssetsError, match="is not running"):
        server.url()


def test_a_database_is_made_once_and_dropped_at_will(used_folder: Path) -> None:
    with embedded_postgres.start(used_folder) as server:
        assert server.ensure_database('odd "name"') == server.ensure_database('odd "name"')
        drop_database(server, 'odd "name"')
        drop_database(server, 'odd "name"')
        with pytest.raises(psycopg2.OperationalError, match="does not exist"):
            psycopg2.connect(server.url('odd "name"'))


def test_a_copied_database_has_the_rows_of_its_template(used_folder: Path) -> None:
    with embedded_postgres.start(used_folder) as server:
        assert query(server.ensure_database("copy", "kept"), "SELECT answer FROM kept") == [(42,)]


def test_another_versions_data_are_named_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").write_text("16\n")
    with pytest.raises(SalesAssetsError, match=r"holds data of Postgres 16.*Remove the folder"):
        embedded_postgres.start(tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SalesAssetsError, match=r"cannot use the folder .*/file/data: Not a dir"):
        embedded_postgres.start(tmp_path / "file" / "data")


def test_a_server_that_does_not_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    with embedded_postgres.start(tmp_path):
        pass
    with (tmp_path / "data" / "postgresql.conf").open("a") as configuration:
        configuration.write("no_such_setting = 1\n")
    with pytest.raises(SalesAssetsError, match=r"server\.log ends: .*no_such_setting"):
        embedded_postgres.start(tmp_path)


def test_the_server_listens_on_no_port(used_folder: Path) -> None:
    with (
        embedded_postgres.start(used_folder) as server,
        closing(psycopg2.connect(server.url())) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SHOW listen_addresses")
        assert cursor.fetchone() == ("",)
