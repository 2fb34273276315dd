"""The two jobs: compute the day's report, deliver it."""

import dagster as dg

from sales_assets.core import names
from sales_assets.defs.checks import FRESHNESS

#: At most one such run at a time (dagster.yaml); by their priority yesterday goes first.
MORNING_TAG = "sales_assets/morning"

#: The metrics that failed just now, by commas: the follow-up report must not show older files.
FAILED_METRICS_TAG = "sales_assets/failed_metrics"

#: What a run was told about the days that it reads; set by the command line, or in the launchpad.
AS_IT_IS_TAG = "sales_assets/as_it_is"
ACCEPT_LOSS_TAG = "sales_assets/accept_loss"
#: Days to be read again with those of the run, by commas.
REREAD_TAG = "sales_assets/reread"

daily_report_job = dg.define_asset_job(
    names.DAILY_REPORT_JOB,
    selection=dg.AssetSelection.assets(names.DAILY_REPORT).upstream()
    - dg.AssetSelection.checks(FRESHNESS),
    description="Computes days, from the source's rows to the rendered report.",
)

report_delivery_job = dg.define_asset_job(
    names.REPORT_DELIVERY_JOB,
    selection=dg.AssetSelection.assets(names.REPORT_DELIVERY) | dg.AssetSelection.checks(FRESHNESS),
    description="Delivers a rendered report to every chat that the ledger still owes it, and looks "
    "whether the newest was there in time.",
)
