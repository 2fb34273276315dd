"""The report as a value and as it is stored."""

import pytest

from sales_assets.core.report import build_report
from sales_assets_tests.core.report_days import named_days


@pytest.mark.parametrize("name", named_days())
def test_a_report_of_any_day_is_built_with_a_short_verdict(name: str) -> None:
    report = build_report(named_days()[name])
    assert len(report.verdict.text) < 60
    assert len(report.caption_html) <= 1024
