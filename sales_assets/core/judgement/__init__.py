from sales_assets.core.judgement.judging import Judgement, judge

__all__ = ["Judgement", "judge"]
