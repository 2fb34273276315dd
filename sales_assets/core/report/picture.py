"""The picture's four parts: what stands where on the sheet, at which size and in which colour."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

from sales_assets.core import journey
from sales_assets.core.journey import FIRST_LINE_PATH, MAIN_PATH
from sales_assets.core.report.levels import Change
from sales_assets.core.report.parts import (
    STAGES,
    ClientGroup,
    Funnel,
    FunnelMove,
    NewPaying,
    ProcessDay,
    Stage,
)
from sales_assets.core.report.report import Report
from sales_assets.core.report.sheet import (
    ELLIPSIS,
    INK,
    PAPER,
    SMALLEST_TEXT,
    Block,
    Box,
    Mark,
    Text,
    chart_spec,
    elided,
    fitting_size,
    stacked,
    text_width,
    wrapped,
)
from sales_assets.core.report.verdict import VerdictKind, paying_comparisons
from sales_assets.core.report.wording import (
    counted,
    day_and_month,
    day_range,
    number,
    percent,
    sentence,
    titled_day,
    zone_name,
)
from sales_assets.core.russian import report as ru

WIDTH = 1280
MARGIN = 56
CONTENT = WIDTH - 2 * MARGIN
RIGHT = WIDTH - MARGIN

#: Something is wrong. Never alone: a sign and bold type go with it.
ALARM = "#ad0d27"
#: Past the promise, as usual.
BREACHED = "#5d7893"
#: Kept the promise; all that a share is a share of.
TRACK = "#d3dee8"
#: Bars that say how many.
BAR = "#5d7893"
PALE_BAR = "#a9bbcb"
MUTED = "#4f5b67"
RULE = "#dde3e9"
PANEL = "#f1f4f7"

TITLE_SIZE = 50
VERDICT_SIZES = (46, 42, 38, 36)
BANNER_INDENT = 28
SECTION_SIZE = 38
BODY_SIZE = 32
SMALL_SIZE = 30
HUGE_SIZES = (124, 108, 92)
LINE = 42

MORE_SIGN = "▲"
LESS_SIGN = "▼"
BRANCH_SIGN = "↳"
#: With more groups, columns are too narrow for their numbers: groups become rows.
MOST_COLUMNS = 4
MOST_NAME_LINES = 3


def picture_spec(report: Report) -> dict[str, Any]:
    """Return the Vega-Lite specification of the report's picture, 1280 pixels wide.

    Four parts in a fixed order under the title and the verdict; a part that could not be
    computed keeps its place and says so.
    """
    return chart_spec(picture(report), WIDTH)


def picture(report: Report) -> Block:
    """Lay the picture out."""
    parts = [_paying_part(report), _processes_part(report), _funnel_part(report)]
    ruled = [block for part in parts for block in (_rule(), part)]
    return stacked([_gap(28), _header(report), *ruled, _rule(), _footer(report), _gap(20)])


def _gap(height: float) -> Block:
    return Block((), height)


def _rule() -> Block:
    return Block((Box(MARGIN, 18, CONTENT, 2, RULE),), 38)


def _section_title(text: str) -> Text:
    return Text(MARGIN, 34, text, SECTION_SIZE, "bold")


def _header(report: Report) -> Block:
    title = ru.TITLE.format(day=titled_day(report.day))
    heading = Block((Text(MARGIN, 50, title, TITLE_SIZE, "bold"),), 72)
    is_alarm = report.verdict.kind is VerdictKind.ALARM
    return stacked([heading, _banner(report) if is_alarm else _plain_verdict(report)])


def _banner(report: Report) -> Block:
    """Set an alarm in white on a dark strip: seen at arm's length, and without its colour too."""
    width = CONTENT - 2 * BANNER_INDENT
    lines, size = _verdict_lines(report.verdict.text, width)
    height = 52 * len(lines) + 36
    strip = Box(MARGIN, 8, CONTENT, height, ALARM)
    texts = [
        Text(MARGIN + BANNER_INDENT, 69 + 52 * i, line, size, "bold", PAPER)
        for i, line in enumerate(lines)
    ]
    return Block((strip, *texts), height + 12)


def _plain_verdict(report: Report) -> Block:
    sign = f"{MORE_SIGN} " if report.verdict.kind is VerdictKind.GOOD else ""
    lines, size = _verdict_lines(f"{sign}{report.verdict.text}", CONTENT)
    texts = [Text(MARGIN, 46 + 52 * i, line, size, "bold") for i, line in enumerate(lines)]
    return Block(tuple(texts), 52 * len(lines) + 14)


def _verdict_lines(text: str, width: float) -> tuple[list[str], float]:
    size = fitting_size(text, width, VERDICT_SIZES, is_bold=True)
    return wrapped(text, width, size, is_bold=True), size


def _missing(text: str) -> Block:
    """Say in a part's place that it could not be computed."""
    lines = wrapped(text, CONTENT - 64, BODY_SIZE)
    height = 88 + LINE * len(lines)
    marks = [Text(MARGIN + 32, 62 + LINE * i, line, BODY_SIZE) for i, line in enumerate(lines)]
    return Block((Box(MARGIN, 0, CONTENT, height - 20, PANEL), *marks), height - 20)


# --- New paying clients ---------------------------------------------------------------------

CHART_LEFT = 664
CHART_TOP = 96
CHART_HEIGHT = 140
COLUMN = 20


def _paying_part(report: Report) -> Block:
    if report.paying is None:
        return _missing(ru.MISSING_NEW_PAYING.format(day=day_and_month(report.day)))
    numbers = _paying_numbers(report.day, report.paying)
    series = Block(tuple(_series(report.day, report.paying)), CHART_TOP + CHART_HEIGHT + 48)
    height = max(numbers.height, series.height)
    both = Block((*numbers.marks, *series.marks), height)
    footnote = [report.paying_footnote] if report.paying_footnote else []
    return stacked([both, _gap(8 * len(footnote)), _small_lines(footnote)])


def _paying_numbers(day: date, paying: NewPaying) -> Block:
    is_alarm = paying.level.change is Change.LESS
    value = number(paying.level.value)
    size = fitting_size(value, CHART_LEFT - MARGIN - 140, HUGE_SIZES, is_bold=True)
    color = ALARM if is_alarm else INK
    huge = Text(MARGIN - 4, 156, value, size, "bold", color)
    sign = {Change.LESS: LESS_SIGN, Change.MORE: MORE_SIGN}.get(paying.level.change, "")
    marks = [
        _section_title(ru.NEW_PAYING_TITLE),
        huge,
        Text(huge.x + huge.width + 20, 156, sign, 52, "bold", color),
    ]
    lines = [Text(0, 0, line, SMALL_SIZE) for line in _paying_lines(day, paying)]
    if paying.level.change is not Change.USUAL and paying.level.usual is not None:
        usual = ru.USUALLY.format(usual=number(paying.level.usual))
        lines.insert(0, Text(0, 0, usual, SMALL_SIZE, "bold", color))
    placed = [
        Text(MARGIN, 206 + 40 * i, line.text, line.size, line.weight, line.color)
        for i, line in enumerate(lines)
    ]
    return Block((*marks, *placed), 178 + 40 * len(lines))


def _paying_lines(day: date, paying: NewPaying) -> list[str]:
    lines = paying_comparisons(day, paying)
    if paying.experiment:
        lines.append(ru.IN_EXPERIMENTS.format(count=number(paying.experiment)))
    return lines


def _series(day: date, paying: NewPaying) -> Iterator[Mark]:
    """Draw a column per day from zero, the report's weekday darker, the day itself darkest."""
    known = [value for _, value in paying.series if value is not None]
    top = max([*known, 1])
    days = counted(len(known), ru.DAYS_FORMS)
    form = ru.DAYS_RANGE if min(known) != max(known) else ru.DAYS_SAME
    spread = form.format(days=days, low=number(min(known)), high=number(max(known)))
    weekdays = ru.DARKER_WEEKDAYS.format(weekdays=ru.WEEKDAYS_PLURAL[day.weekday()])
    yield Text(CHART_LEFT, 34, spread, SMALL_SIZE)
    yield Text(CHART_LEFT, 72, weekdays, SMALL_SIZE, color=MUTED)
    floor = CHART_TOP + CHART_HEIGHT
    for place, (each, value) in enumerate(paying.series):
        yield _column(place, day, each, value, top)
    width = COLUMN * len(paying.series)
    yield Box(CHART_LEFT, floor, width, 2, MUTED)
    yield Text(CHART_LEFT, floor + 40, day_and_month(paying.series[0][0]), SMALL_SIZE, color=MUTED)
    last = day_and_month(day)
    yield Text(CHART_LEFT + width, floor + 40, last, SMALL_SIZE, color=MUTED, align="right")


def _column(place: int, day: date, each: date, value: int | None, top: int) -> Box:
    left = CHART_LEFT + COLUMN * place + 3
    if value is None:
        return Box(left, CHART_TOP, COLUMN - 6, CHART_HEIGHT, PANEL)
    height = max(CHART_HEIGHT * value / top, 3 if value else 0)
    return Box(
        left, CHART_TOP + CHART_HEIGHT - height, COLUMN - 6, height, _column_color(day, each)
    )


def _column_color(day: date, each: date) -> str:
    if each == day:
        return INK
    return BAR if each.weekday() == day.weekday() else PALE_BAR


# --- Unclosed processes ---------------------------------------------------------------------

ROW = 60
BAR_HEIGHT = 40


def _processes_part(report: Report) -> Block:
    if report.processes is None:
        return _missing(ru.MISSING_PROCESSES.format(day=day_and_month(report.day)))
    title = Block((_section_title(ru.PROCESSES_TITLE),), 56)
    rows = Block(tuple(_process_rows(report.processes)), ROW * len(report.processes) + 8)
    legend = _process_legend(report.day, report.processes)
    return stacked([title, legend, rows, _small_lines([_overdue_line(report.processes)])])


def _process_legend(day: date, processes: Sequence[ProcessDay]) -> Block:
    words = [(BREACHED, ru.LONGER_THAN_24H), (TRACK, ru.WITHIN_24H)]
    marks: list[Mark] = []
    left: float = MARGIN
    for color, word in words:
        marks += [Box(left, 4, 28, 28, color), Text(left + 40, 28, word, SMALL_SIZE, color=MUTED)]
        left += 40 + text_width(word, SMALL_SIZE, is_bold=False) + 40
    if any(process.level.usual is not None for process in processes):
        usual = ru.USUAL_ON_WEEKDAY.format(when=ru.ON_WEEKDAY[day.weekday()])
        marks += [Box(left, 0, 6, 36, INK), Text(left + 20, 28, usual, SMALL_SIZE, color=MUTED)]
    return Block(tuple(marks), 52)


def _process_rows(processes: Sequence[ProcessDay]) -> Iterator[Mark]:
    values = [_process_value(process) for process in processes]
    usuals = [_process_usual(process) for process in processes]
    labels = max(text_width(each.name, BODY_SIZE, is_bold=True) for each in processes)
    value_width = max(text_width(value, BODY_SIZE, is_bold=True) for value in values)
    usual_width = max(text_width(usual, SMALL_SIZE, is_bold=False) for usual in usuals)
    left = MARGIN + labels + 24
    usual_left = RIGHT - usual_width
    value_left = usual_left - (24 if usual_width else 0) - value_width
    scale = (value_left - 24 - left) / max(1, *(_longest(process) for process in processes))
    for i, process in enumerate(processes):
        color = ALARM if process.is_alarming else INK
        weight = "bold" if process.is_alarming else "normal"
        middle = ROW * i + 42
        yield Text(MARGIN, middle, process.name, BODY_SIZE, weight, color)
        yield from _process_bar(process, left, ROW * i + 10, scale)
        yield _value_text(process, value_left, middle, color)
        yield Text(usual_left, middle, usuals[i], SMALL_SIZE, color=MUTED)


def _value_text(process: ProcessDay, left: float, baseline: float, color: str) -> Text:
    if not process.due:
        return Text(left, baseline, ru.NOTHING_DUE, SMALL_SIZE, color=MUTED)
    return Text(left, baseline, _process_value(process), BODY_SIZE, "bold", color)


def _longest(process: ProcessDay) -> float:
    return max(process.due, process.level.usual or 0)


def _process_value(process: ProcessDay) -> str:
    if not process.due:
        return ru.NOTHING_DUE
    breached, due = number(process.breached), number(process.due)
    value = ru.BREACHED_OF_DUE.format(breached=breached, due=due)
    return f"{MORE_SIGN} {value}" if process.is_alarming else value


def _process_usual(process: ProcessDay) -> str:
    usual = process.level.usual
    return "" if usual is None else ru.USUALLY.format(usual=number(usual))


def _process_bar(process: ProcessDay, left: float, top: float, scale: float) -> Iterator[Box]:
    breached = max(process.breached * scale, 4 if process.breached else 0)
    yield Box(left, top, process.due * scale, BAR_HEIGHT, TRACK)
    yield Box(left, top, breached, BAR_HEIGHT, ALARM if process.is_alarming else BREACHED)
    if process.level.usual is not None and _longest(process):
        mark = left + process.level.usual * scale
        yield Box(mark - 5, top - 6, 10, BAR_HEIGHT + 12, PAPER)
        yield Box(mark - 3, top - 6, 6, BAR_HEIGHT + 12, INK)


def _overdue_line(processes: Sequence[ProcessDay]) -> str:
    overdue = sum(process.overdue for process in processes)
    if not overdue:
        return ru.NOBODY_OVERDUE
    old = sum(process.overdue_over_7d for process in processes)
    line = ru.STILL_OVERDUE.format(count=number(overdue))
    return ru.STILL_OVERDUE_OLD.format(count=line, old=number(old)) if old else line


# --- The funnel -----------------------------------------------------------------------------

STAGE_ROW = 54
GROUP_GAP = 24
GROUP_ROW = 100
ROWS_HEAD = 76
SHARE_BAR = 10


def _funnel_part(report: Report) -> Block:
    cohort = day_range(*report.cohort)
    if report.funnel is None:
        return _missing(ru.MISSING_FUNNEL_PART.format(cohort=cohort))
    title = Block((_section_title(ru.FUNNEL_TITLE),), 48)
    summary = _small_lines([_funnel_summary(report.funnel, cohort)])
    if not report.funnel.everybody.entries:
        return stacked([title, summary])
    groups = report.funnel.groups or (_named_as_all(report.funnel.everybody),)
    layout = _funnel_columns if _fit_columns(groups) else _funnel_rows
    parts = [title, summary, _move_line(report.funnel.move), _gap(8)]
    return stacked([*parts, layout(groups, report.funnel), _small_lines([ru.BRANCH_LEGEND])])


def _named_as_all(everybody: ClientGroup) -> ClientGroup:
    return replace(everybody, name=journey.GROUP_ALL_REQUESTS)


def _funnel_summary(funnel: Funnel, cohort: str) -> str:
    entries, bought = funnel.everybody.entries, funnel.everybody.stages[-1]
    if not entries:
        return ru.FUNNEL_EMPTY.format(cohort=cohort)
    share = ru.FUNNEL_BOUGHT_SHARE.format(users=number(bought.users), share=percent(bought.share))
    return ru.FUNNEL_SUMMARY.format(cohort=cohort, entries=number(entries), bought=share)


def _move_line(move: FunnelMove | None) -> Block:
    if move is None:
        return _gap(0)
    sign = LESS_SIGN if move.change is Change.LESS else MORE_SIGN
    share, usual = percent(move.share), percent(move.usual)
    said = ru.FUNNEL_MOVE.format(step=ru.STEP_LABELS[move.step], share=share, usual=usual)
    color = ALARM if move.change is Change.LESS else INK
    return Block((Text(MARGIN, 30, f"{sign} {said}", BODY_SIZE, "bold", color),), 44)


def _stage_label(path: str, step: str) -> str:
    label = ru.STEP_LABELS[step]
    return f"{BRANCH_SIGN} {label}" if path == FIRST_LINE_PATH else label


def _has_fallen(funnel: Funnel, stage: Stage) -> bool:
    """Tell whether this is the one stage that fell: it is on the main path, and it is marked."""
    move = funnel.move
    if move is None or move.change is not Change.LESS:
        return False
    return (stage.path, stage.step) == (MAIN_PATH, move.step)


def _share_bar(stage: Stage, left: float, top: float, width: float) -> Iterator[Box]:
    fill = PALE_BAR if stage.path == FIRST_LINE_PATH else BAR
    yield Box(left, top, width, SHARE_BAR, PANEL)
    yield Box(left, top, max(width * stage.share, 3 if stage.users else 0), SHARE_BAR, fill)


# Up to four groups: a column per group.


def _label_width() -> float:
    labels = (_stage_label(path, step) for path, step in STAGES)
    return max(text_width(label, BODY_SIZE, is_bold=True) for label in labels) + 42


def _column_pitch(groups: Sequence[ClientGroup]) -> float:
    return (CONTENT - _label_width() + GROUP_GAP) / len(groups)


def _column_names(groups: Sequence[ClientGroup]) -> list[list[str]]:
    width = _column_pitch(groups) - GROUP_GAP
    return [wrapped(sentence(group.name), width, SMALL_SIZE, is_bold=True) for group in groups]


def _fit_columns(groups: Sequence[ClientGroup]) -> bool:
    """Tell whether the groups' names and numbers can be read in columns side by side."""
    if len(groups) > MOST_COLUMNS:
        return False
    names = _column_names(groups)
    is_whole = all("".join(name).count(ELLIPSIS) == 0 for name in names)
    return is_whole and max(map(len, names)) <= MOST_NAME_LINES


def _funnel_columns(groups: Sequence[ClientGroup], funnel: Funnel) -> Block:
    pitch, names = _column_pitch(groups), _column_names(groups)
    lefts = [MARGIN + _label_width() + pitch * column for column in range(len(groups))]
    head = 38 * max(map(len, names)) + 4
    marks: list[Mark] = [
        Text(left, 28 + 38 * line, text, SMALL_SIZE, "bold")
        for left, lines in zip(lefts, names, strict=True)
        for line, text in enumerate(lines)
    ]
    for row, stage in enumerate(funnel.everybody.stages):
        top = head + STAGE_ROW * row
        marks.append(_row_label(stage, top, has_fallen=_has_fallen(funnel, stage)))
        for left, group in zip(lefts, groups, strict=True):
            marks += _stage_cell(group.stages[row], left, top, pitch - GROUP_GAP)
    return Block(tuple(marks), head + STAGE_ROW * len(STAGES) + 10)


def _row_label(stage: Stage, top: float, *, has_fallen: bool) -> Text:
    label = _stage_label(stage.path, stage.step)
    if has_fallen:
        return Text(MARGIN, top + 36, f"{LESS_SIGN} {label}", BODY_SIZE, "bold", ALARM)
    return Text(MARGIN, top + 36, label, BODY_SIZE)


def _stage_cell(stage: Stage, left: float, top: float, width: float) -> Iterator[Mark]:
    """Write the number over its bar, never across it."""
    shown = f"{number(stage.users)} · {percent(stage.share)}" if stage.users else number(0)
    size = fitting_size(shown, width, (SMALL_SIZE, SMALLEST_TEXT), is_bold=False)
    yield Text(left, top + 30, shown, size, color=INK if stage.users else MUTED)
    yield from _share_bar(stage, left, top + 38, width)


# More groups, or longer names: a row per group, with its name over the whole width.


def _funnel_rows(groups: Sequence[ClientGroup], funnel: Funnel) -> Block:
    pitch = (CONTENT + GROUP_GAP) / len(STAGES)
    lefts = [MARGIN + pitch * column for column in range(len(STAGES))]
    marks: list[Mark] = []
    for left, stage in zip(lefts, funnel.everybody.stages, strict=True):
        marks += _column_label(stage, left, has_fallen=_has_fallen(funnel, stage))
    for row, group in enumerate(groups):
        top = ROWS_HEAD + GROUP_ROW * row
        name = elided(sentence(group.name), CONTENT, SMALL_SIZE, is_bold=True)
        marks.append(Text(MARGIN, top + 28, name, SMALL_SIZE, "bold"))
        for left, stage in zip(lefts, group.stages, strict=True):
            marks += _share_cell(stage, left, top + 34, pitch - GROUP_GAP)
    return Block(tuple(marks), ROWS_HEAD + GROUP_ROW * len(groups) + 6)


def _column_label(stage: Stage, left: float, *, has_fallen: bool) -> list[Mark]:
    """Break the label before its last word, so that two lines fit over a narrow column."""
    lines = _stage_label(stage.path, stage.step).rsplit(" ", 1)
    if not has_fallen:
        return [Text(left, 26 + 36 * i, line, SMALLEST_TEXT) for i, line in enumerate(lines)]
    signed = [*lines[:-1], f"{lines[-1]} {LESS_SIGN}"]
    return [
        Text(left, 26 + 36 * i, line, SMALLEST_TEXT, "bold", ALARM) for i, line in enumerate(signed)
    ]


def _share_cell(stage: Stage, left: float, top: float, width: float) -> Iterator[Mark]:
    is_entry = stage.step == STAGES[0][1]
    shown = percent(stage.share) if stage.users and not is_entry else number(stage.users)
    yield Text(left, top + 32, shown, SMALL_SIZE, color=INK if stage.users else MUTED)
    yield from _share_bar(stage, left, top + 40, width)


# --- The bridge to the CRM and the data's time ----------------------------------------------


def _footer(report: Report) -> Block:
    bridge, data_until = _bridge_line(report), _data_until_line(report)
    both = f"{bridge}. {data_until}"
    fits = text_width(both, SMALL_SIZE, is_bold=False) <= CONTENT
    lines = [*([both] if fits else [bridge, data_until]), report.set_aside, *report.footnotes]
    return _small_lines([line for line in lines if line])


def _bridge_line(report: Report) -> str:
    if report.population is None:
        return ru.MISSING_POPULATION.format(day=day_and_month(report.day))
    active, experiments = report.population.active, report.population.in_experiments
    return ru.BRIDGE.format(
        active=number(active), experiments=number(experiments), left=number(active - experiments)
    )


def _data_until_line(report: Report) -> str:
    midnight = datetime.combine(report.day + timedelta(days=1), time(), tzinfo=report.zone)
    return ru.DATA_UNTIL.format(day=day_and_month(midnight.date()), zone=zone_name(midnight))


def _small_lines(texts: Sequence[str]) -> Block:
    """Stack small muted lines; a long one is wrapped."""
    lines = [line for text in texts for line in wrapped(text, CONTENT, SMALL_SIZE)]
    marks = [
        Text(MARGIN, 28 + 40 * i, line, SMALL_SIZE, color=MUTED) for i, line in enumerate(lines)
    ]
    return Block(tuple(marks), 40 * len(lines) + (4 if lines else 0))
