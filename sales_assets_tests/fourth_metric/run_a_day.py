"""Runs the main job for a day and prints what came of it: `python run_a_day.py 2025-01-10`.

Run with the package that PYTHONPATH names, which may be a changed one.
"""

import json
import os
import sys
from datetime import date

import dagster as dg

import sales_assets
from sales_assets.adapters.files.frames import FrameStore
from sales_assets.adapters.files.reports import NUMBERS
from sales_assets.adapters.settings import Settings
from sales_assets.core import names
from sales_assets.core.metrics.values import values_of
from sales_assets.core.report.inputs import ReportDay, ReportInputs
from sales_assets.core.report.page import Text
from sales_assets.core.report.picture import picture
from sales_assets.core.report.report import PARTS, build_report
from sales_assets.definitions import build_definitions


def main() -> None:
    """Print the package, the assets that were made, the stored numbers, the picture's texts."""
    day, settings = date.fromisoformat(sys.argv[1]), Settings.from_environment(os.environ)
    job = build_definitions(settings).resolve_job_def(names.DAILY_REPORT_JOB)
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, partition_key=day.isoformat())
        made = [event.asset_key for event in _made(result)]
        assets = [key.to_user_string() for key in made if key]
    store = FrameStore(settings.storage)
    written = store.path(names.DAILY_REPORT, day, NUMBERS).read_text(encoding="utf-8")
    frames = {part.FRAME: store.read(part.FRAME, day) for part in PARTS}
    inputs = ReportInputs(ReportDay(day, settings.report_zone, day), frames, values_of({}))
    texts = [mark.text for mark in picture(build_report(inputs)).marks if isinstance(mark, Text)]
    found = {
        "package": list(sales_assets.__path__),
        "assets": assets,
        "numbers": json.loads(written)["numbers"],
        "texts": texts,
    }
    print(json.dumps(found))  # noqa: T201 - what the parent process reads


def _made(result: dg.ExecuteInProcessResult) -> list[dg.DagsterEvent]:
    return [event for event in result.all_events if event.is_step_materialization]


if __name__ == "__main__":
    main()
