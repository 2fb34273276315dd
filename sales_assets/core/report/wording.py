"""How numbers, dates and counted things are written for people, in Russian."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from sales_assets.core.judgement.day_completeness import Completeness, State
from sales_assets.core.russian import report as ru

NBSP = "\u00a0"
_EN_DASH = "\u2013"


def number(value: float) -> str:
    """Write a count or a mean: no-break thousands, a decimal comma, one decimal where needed."""
    tenths = Decimal(str(value)).quantize(Decimal("0.1"), ROUND_HALF_UP)
    whole = f"{tenths:,.1f}".removesuffix(".0")
    return whole.replace(",", NBSP).replace(".", ",").replace("-", "\u2212")


def percent(share: float) -> str:
    """Write a share of 0…1 in whole percent, a very small one with a decimal.

    Neither 0 nor 100 is said of what is not quite so.
    """
    exact = Decimal(str(share)) * 100
    rounded = exact.quantize(Decimal(1 if exact >= 1 else "0.1"), ROUND_HALF_UP)
    if share > 0 and rounded == 0:
        return f"<{number(0.1)}{NBSP}%"
    if share < 1 and rounded == 100:  # noqa: PLR2004 - a hundred percent
        return f">99{NBSP}%"
    return f"{number(float(rounded))}{NBSP}%"


def plural(count: int, forms: tuple[str, str, str]) -> str:
    """Return the form that goes with `count`: of 1, of 2 to 4, of 5 and the teens."""
    tens, ones = count // 10 % 10, count % 10
    if tens == 1 or ones == 0 or ones > 4:  # noqa: PLR2004 - Russian grammar
        return forms[2]
    return forms[0] if ones == 1 else forms[1]


def counted(count: int, forms: tuple[str, str, str]) -> str:
    """Write a count with its noun in the right form; the two never part at a line's end."""
    return f"{number(count)}{NBSP}{plural(count, forms)}"


def day_and_month(day: date) -> str:
    """Write a day in words, without its year."""
    return f"{day.day}{NBSP}{ru.MONTHS_GENITIVE[day.month - 1]}"


def full_date(day: date) -> str:
    """Write a day in words, with its year."""
    return f"{day_and_month(day)}{NBSP}{day.year}"


def titled_day(day: date) -> str:
    """Write a day with its weekday and year, as the report's title has it."""
    return f"{ru.WEEKDAYS_SHORT[day.weekday()]}, {full_date(day)}"


def day_range(first: date, last: date) -> str:
    """Write the days from `first` to `last`, both included, with no word said twice."""
    if first.year != last.year:
        return f"{full_date(first)} {_EN_DASH} {full_date(last)}"
    if first.month != last.month:
        return f"{day_and_month(first)} {_EN_DASH} {day_and_month(last)}"
    return f"{first.day}{_EN_DASH}{day_and_month(last)}"


def enumeration(words: Sequence[str], limit: int) -> str:
    """Join words by commas and a last "and"; what exceeds `limit` is only counted."""
    if len(words) > limit:
        rest = ru.AND_MORE.format(count=number(len(words) - limit))
        return f"{', '.join(words[:limit])} {rest}"
    head, tail = ", ".join(words[:-1]), words[-1:]
    return f" {ru.AND} ".join(part for part in (head, *tail) if part)


def sentence(text: str) -> str:
    """Return `text` with a capital first letter and the rest as it is."""
    return text[:1].upper() + text[1:]


def zone_name(instant: datetime) -> str:
    """Name the zone of an aware time as people do: Moscow time, else hours from UTC."""
    if str(instant.tzinfo) == "Europe/Moscow":
        return ru.MOSCOW_TIME
    offset = f"{instant:%z}"
    hours, minutes = int(offset[1:3]), offset[3:5]
    sign = "\u2212" if offset[0] == "-" else "+"
    return f"UTC{sign}{hours}" + (f":{minutes}" if minutes != "00" else "")


def late_sentence(day: date, found: Completeness | None, *, is_in_progress: bool = False) -> str:
    """Say that the report of `day` is late, why, and that it will come by itself.

    A run computes it right now, or `found` is what the judge says of the source's day where that
    is the cause, or it could not be computed.
    """
    if found is not None and not is_in_progress:
        cause = cut_sentence(found, day)
        return ru.LATE_CAUSE_SENTENCE.format(day=day_and_month(day), cause=cause)
    cause = ru.LATE_IN_PROGRESS if is_in_progress else ru.LATE_FAILED
    return ru.LATE_SENTENCE.format(day=day_and_month(day), cause=cause)


def cut_sentence(found: Completeness, day: date) -> str:
    """Say up to when the source's data of a cut day goes: docs/source.md."""
    if found.state is State.EMPTY or found.ends_at is None:
        return ru.EMPTY.format(day=day_and_month(day))
    if found.state is State.HOLE and found.resumes_at is not None:
        return ru.HOLE.format(since=clock(found.ends_at, day), until=clock(found.resumes_at, day))
    return ru.ENDS_EARLY.format(time=clock(found.ends_at, day))


def clock(moment: datetime, day: date) -> str:
    """Write a time of the day as a clock shows it, and the end of the day as 24:00."""
    return "24:00" if moment.date() > day else f"{moment:%H:%M}"


def elided_words(text: str, length: int) -> str:
    """Return `text`, or as many of its words as fit `length` characters with an ellipsis."""
    if len(text) <= length:
        return text
    return text[: length - 1].rsplit(" ", 1)[0].rstrip(" ,:") + "\u2026"
