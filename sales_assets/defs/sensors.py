"""What reacts: a report without its failed parts, and the delivery."""

from collections.abc import Iterator

import dagster as dg

from sales_assets.adapters.settings import Settings
from sales_assets.defs import names
from sales_assets.defs.jobs import daily_report_job

#: Tags that say which days a run is about; a follow-up run takes them over.
_DAY_TAGS = (
    "dagster/partition",
    "dagster/asset_partition_range_start",
    "dagster/asset_partition_range_end",
)
FOLLOW_UP_TAG = "sales_assets/follow_up_of"


def sensors(settings: Settings) -> list[dg.SensorDefinition]:
    """Return the sensors; they run by themselves in production alone."""
    status = (
        dg.DefaultSensorStatus.RUNNING
        if settings.starts_on_its_own
        else dg.DefaultSensorStatus.STOPPED
    )
    return [_partial_report_sensor(status)]


def _partial_report_sensor(status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    @dg.run_failure_sensor(
        name=names.PARTIAL_REPORT_SENSOR,
        monitored_jobs=[daily_report_job],
        request_job=daily_report_job,
        default_status=status,
        description="After a run in which nothing but metrics failed, renders the report with "
        "those parts marked as missing.",
    )
    def sensor(context: dg.RunFailureSensorContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        run = context.dagster_run
        failed = {event.step_key for event in context.get_step_failure_events()}
        if FOLLOW_UP_TAG in run.tags or not failed or not failed <= set(names.METRICS):
            yield dg.SkipReason(f"{run.run_id} is no run in which nothing but metrics failed")
            return
        yield dg.RunRequest(
            run_key=f"partial:{run.run_id}",
            asset_selection=[dg.AssetKey(names.DAILY_REPORT)],
            tags={
                **{tag: run.tags[tag] for tag in _DAY_TAGS if tag in run.tags},
                FOLLOW_UP_TAG: run.run_id,
            },
        )

    return sensor
