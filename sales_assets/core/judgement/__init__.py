"""The judges: does a number stand out, and is the source's day complete?"""

from sales_assets.core.judgement.day_completeness import Completeness, completeness
from sales_assets.core.judgement.judging import Judgement, judge

__all__ = ["Completeness", "Judgement", "completeness", "judge"]
