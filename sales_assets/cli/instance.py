"""The Dagster instance of a command: its home, and runs with progress on stderr."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import dagster as dg
from filelock import FileLock

from sales_assets.adapters.settings import Settings
from sales_assets.core.errors import SalesAssetsError
from sales_assets.defs.partitions import partition_tags

HOME = "DAGSTER_HOME"
CONFIGURATION = "dagster.yaml"
LOCK, LOCK_SECONDS = ".preparing.lock", 60
#: So many of a range's events go to the event log at once; Dagster's default is one by one.
BATCH, BATCH_SIZE = "DAGSTER_EVENT_BATCH_SIZE", "500"
_QUIET: Mapping[str, Any] = {"loggers": {"progress": {}}}


def home_folder(settings: Settings) -> Path:
    """Return where `DAGSTER_HOME` is, or is to be made."""
    return Path(os.environ.get(HOME) or settings.var_dir / "dagster").absolute()


def prepare_home(settings: Settings) -> Path:
    """Make `DAGSTER_HOME` (default `<var>/dagster`) with all that Dagster needs there; return it.

    Any number of processes may do so at once.

    Raises:
        SalesAssetsError: the folder can't be made, or Dagster can't use what is in it.
    """
    with opened_instance(settings):
        return Path(os.environ[HOME])


@contextmanager
def opened_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """Open the instance of that home, which is made first: `prepare_home`."""
    home = home_folder(settings)
    os.environ[HOME] = str(home)  # Dagster takes nothing but an absolute path
    os.environ.setdefault(BATCH, BATCH_SIZE)
    try:
        home.mkdir(parents=True, exist_ok=True)
        # Two processes that let Dagster make its databases at once can corrupt them.
        with FileLock(home / LOCK, timeout=LOCK_SECONDS):
            if not (home / CONFIGURATION).exists():
                with as_file(files("sales_assets.defs") / CONFIGURATION) as template:
                    shutil.copyfile(template, home / CONFIGURATION)
            instance = _instance_of(home)
    except OSError as error:
        raise unusable_home(home, error) from error
    with instance:
        yield instance


def unusable_home(home: Path, error: OSError) -> SalesAssetsError:
    """Return the error about a home that can't be made, with the way out."""
    return SalesAssetsError(
        f"Dagster's home {home} could not be made: {error.strerror or error}. "
        f"Give the user the right to write there, or set {HOME} to another folder."
    )


def _instance_of(home: Path) -> dg.DagsterInstance:
    try:
        return dg.DagsterInstance.get()
    except OSError:
        raise
    except Exception as error:
        cause = (str(error) or type(error).__name__).splitlines()[0]
        raise SalesAssetsError(
            f"Dagster could not open its instance in {home}: {cause}. "
            f"Check {CONFIGURATION} there and the database that it names; a home that was damaged "
            "has to be moved away, and the days are materialized again."
        ) from error


def run_job(
    job: dg.JobDefinition,
    instance: dg.DagsterInstance,
    days: Sequence[date],
    selection: Sequence[str] | None = None,
    tags: Mapping[str, str] | None = None,
) -> dg.ExecuteInProcessResult:
    """Run `job` for `days` (contiguous) in this process; a failed run is returned, not raised."""
    return job.execute_in_process(
        instance=instance,
        run_config=_QUIET,
        asset_selection=[dg.AssetKey(name) for name in selection] if selection else None,
        raise_on_error=False,
        partition_key=days[0].isoformat() if len(days) == 1 else None,
        tags={**(tags or {}), **(partition_tags(days) if len(days) > 1 else {})},
    )


def failure_messages(result: dg.ExecuteInProcessResult) -> list[str]:
    """Return what failed and in which steps; of a run that never came to a step, why."""
    # `dev`, which waits for as long as its UI runs, does without the libraries that come with it.
    from sales_assets.defs.morning import failure_message

    steps = [event for event in result.all_events if event.is_step_failure]
    runs = [event for event in result.all_events if event.is_run_failure]
    where: dict[str, list[str]] = {}
    for event in steps or runs:
        where.setdefault(failure_message(event), []).append(event.step_key or event.job_name)
    return [f"{', '.join(names)}: {message}" for message, names in where.items()]
