"""The picture's four parts: what stands where on the sheet, at which size and in which colour."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from sales_assets.core import russian as ru
from sales_assets.core.events import FIRST_LINE_PATH, MAIN_PATH
from sales_assets.core.levels import Change
from sales_assets.core.report import Report
from sales_assets.core.report_parts import (
    STAGES,
    ClientGroup,
    Funnel,
    NewPaying,
    ProcessDay,
    Stage,
)
from sales_assets.core.sheet import (
    INK,
    Block,
    Box,
    Mark,
    Text,
    chart_spec,
    fitting_size,
    stacked,
    text_width,
    wrapped,
)
from sales_assets.core.verdict import VerdictKind, paying_comparisons
from sales_assets.core.wording import (
    counted,
    day_and_month,
    day_range,
    number,
    percent,
    titled_day,
    zone_name,
)

WIDTH = 1280
MARGIN = 56
CONTENT = WIDTH - 2 * MARGIN
RIGHT = WIDTH - MARGIN

#: Something is wrong. Never alone: a sign and bold type go with it.
ALARM = "#b80f2a"
#: Past the promise, as usual.
BREACHED = "#56718b"
#: Kept the promise; all that a share is a share of.
TRACK = "#d3dee8"
#: Bars that say how many.
BAR = "#56718b"
PALE_BAR = "#a9bbcb"
MUTED = "#4f5b67"
RULE = "#dde3e9"
PANEL = "#f1f4f7"

TITLE_SIZE = 50
VERDICT_SIZES = (46, 42, 38, 36)
SECTION_SIZE = 38
BODY_SIZE = 32
SMALL_SIZE = 30
HUGE_SIZES = (132, 112, 96)
LINE = 42

MORE_SIGN = "▲"
LESS_SIGN = "▼"
BRANCH_SIGN = "↳"
#: With more groups, columns are too narrow for their numbers: groups become rows.
MOST_COLUMNS = 4


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
    return Block((Box(MARGIN, 22, CONTENT, 2, RULE),), 44)


def _section_title(text: str) -> Text:
    return Text(MARGIN, 34, text, SECTION_SIZE, "bold")


def _header(report: Report) -> Block:
    title = ru.TITLE.format(day=titled_day(report.day))
    is_alarm = report.verdict.kind is VerdictKind.ALARM
    said = f"{_verdict_sign(report)}{report.verdict.text}"
    size = fitting_size(said, CONTENT, VERDICT_SIZES, is_bold=True)
    lines = wrapped(said, CONTENT, size, is_bold=True)
    color = ALARM if is_alarm else INK
    marks = [
        Text(MARGIN, 50, title, TITLE_SIZE, "bold"),
        *(
            Text(MARGIN, 118 + line * 52, text, size, "bold", color)
            for line, text in enumerate(lines)
        ),
    ]
    return Block(tuple(marks), 84 + 52 * len(lines))


def _verdict_sign(report: Report) -> str:
    """Return the sign that makes an alarm plain without its colour."""
    return {VerdictKind.ALARM: "! ", VerdictKind.GOOD: f"{MORE_SIGN} "}.get(report.verdict.kind, "")


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
    return stacked([both, _small_lines([report.paying_footnote] if report.paying_footnote else [])])


def _paying_numbers(day: date, paying: NewPaying) -> Block:
    is_alarm = paying.level.change is Change.LESS
    value = number(paying.level.value)
    size = fitting_size(value, CHART_LEFT - MARGIN - 140, HUGE_SIZES, is_bold=True)
    color = ALARM if is_alarm else INK
    huge = Text(MARGIN - 4, 154, value, size, "bold", color)
    sign = {Change.LESS: LESS_SIGN, Change.MORE: MORE_SIGN}.get(paying.level.change, "")
    marks = [
        _section_title(ru.NEW_PAYING_TITLE),
        huge,
        Text(huge.x + huge.width + 20, 154, sign, 52, "bold", color),
    ]
    lines = [Text(0, 0, line, SMALL_SIZE) for line in _paying_lines(day, paying)]
    if paying.level.change is not Change.USUAL and paying.level.usual is not None:
        usual = ru.USUALLY.format(usual=number(paying.level.usual))
        lines.insert(0, Text(0, 0, usual, SMALL_SIZE, "bold", color))
    placed = [
        Text(MARGIN, 208 + 40 * i, line.text, line.size, line.weight, line.color)
        for i, line in enumerate(lines)
    ]
    return Block((*marks, *placed), 180 + 40 * len(lines))


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

ROW = 64
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
        middle = ROW * i + 44
        yield Text(MARGIN, middle, process.name, BODY_SIZE, weight, color)
        yield from _process_bar(process, left, ROW * i + 12, scale)
        yield Text(value_left, middle, values[i], BODY_SIZE, "bold", color)
        yield Text(usual_left, middle, usuals[i], SMALL_SIZE, color=MUTED)


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
    if process.level.usual is not None:
        mark = left + process.level.usual * scale
        yield Box(mark - 5, top - 8, 10, BAR_HEIGHT + 16, "#ffffff")
        yield Box(mark - 3, top - 8, 6, BAR_HEIGHT + 16, INK)


def _overdue_line(processes: Sequence[ProcessDay]) -> str:
    overdue = sum(process.overdue for process in processes)
    if not overdue:
        return ru.NOBODY_OVERDUE
    old = sum(process.overdue_over_7d for process in processes)
    line = ru.STILL_OVERDUE.format(count=number(overdue))
    return ru.STILL_OVERDUE_OLD.format(count=line, old=number(old)) if old else line


# --- The funnel -----------------------------------------------------------------------------

STAGE_ROW = 62
GROUP_GAP = 24
GROUP_ROW = 112


def _funnel_part(report: Report) -> Block:
    cohort = day_range(*report.cohort)
    if report.funnel is None:
        return _missing(ru.MISSING_FUNNEL_PART.format(cohort=cohort))
    title = Block((_section_title(ru.FUNNEL_TITLE),), 48)
    summary = _small_lines([_funnel_summary(report.funnel, cohort)])
    groups = report.funnel.groups or (report.funnel.everybody,)
    layout = _funnel_columns if len(groups) <= MOST_COLUMNS else _funnel_rows
    return stacked(
        [title, summary, layout(groups, report.funnel), _small_lines([ru.BRANCH_LEGEND])]
    )


def _funnel_summary(funnel: Funnel, cohort: str) -> str:
    entries, bought = funnel.everybody.entries, funnel.everybody.stages[-1]
    if not entries:
        return ru.FUNNEL_EMPTY.format(cohort=cohort)
    share = ru.FUNNEL_BOUGHT_SHARE.format(users=number(bought.users), share=percent(bought.share))
    return ru.FUNNEL_SUMMARY.format(cohort=cohort, entries=number(entries), bought=share)


def _stage_label(path: str, step: str) -> str:
    label = ru.STEP_LABELS[step]
    return f"{BRANCH_SIGN} {label}" if path == FIRST_LINE_PATH else label


def _stage_color(funnel: Funnel, stage: Stage) -> str:
    """Colour the one stage that fell: on the main path, where the move was found."""
    move = funnel.move
    if move is None or move.change is not Change.LESS:
        return INK
    return ALARM if (stage.path, stage.step) == (MAIN_PATH, move.step) else INK


def _funnel_columns(groups: Sequence[ClientGroup], funnel: Funnel) -> Block:
    labels = [_stage_label(path, step) for path, step in STAGES]
    label_width = max(text_width(label, BODY_SIZE, is_bold=False) for label in labels) + 28
    pitch = (CONTENT - label_width + GROUP_GAP) / len(groups)
    width = pitch - GROUP_GAP
    lefts = [MARGIN + label_width + pitch * i for i in range(len(groups))]
    names = [wrapped(g.name, width, SMALL_SIZE, is_bold=True, most_lines=3) for g in groups]
    head = 38 * max(map(len, names)) + 6
    marks: list[Mark] = []
    for left, lines in zip(lefts, names, strict=True):
        marks += [Text(left, 28 + 38 * i, line, SMALL_SIZE, "bold") for i, line in enumerate(lines)]
    for row, label in enumerate(labels):
        top = head + STAGE_ROW * row
        color = _stage_color(funnel, funnel.everybody.stages[row])
        marks.append(_stage_text(label, top, color))
        for left, group in zip(lefts, groups, strict=True):
            marks += _stage_cell(group.stages[row], left, top, width, color)
    return Block(tuple(marks), head + STAGE_ROW * len(labels) + 12)


def _stage_text(label: str, top: float, color: str) -> Text:
    if color == ALARM:
        return Text(MARGIN, top + 38, f"{LESS_SIGN} {label}", BODY_SIZE, "bold", color)
    return Text(MARGIN, top + 38, label, BODY_SIZE)


def _stage_cell(stage: Stage, left: float, top: float, width: float, color: str) -> Iterator[Mark]:
    """Write the number over its bar, never across it."""
    shown = f"{number(stage.users)} · {percent(stage.share)}" if stage.users else number(0)
    size = fitting_size(shown, width, (SMALL_SIZE, 29), is_bold=False)
    yield Text(left, top + 32, shown, size, color=INK if stage.users else MUTED)
    yield from _share_bar(stage, left, top + 42, width, color)


def _share_bar(stage: Stage, left: float, top: float, width: float, color: str) -> Iterator[Box]:
    main_color = BAR if color == INK else color
    fill = PALE_BAR if stage.path == FIRST_LINE_PATH else main_color
    yield Box(left, top, width, 10, PANEL)
    yield Box(left, top, max(width * stage.share, 3 if stage.users else 0), 10, fill)


def _funnel_rows(groups: Sequence[ClientGroup], funnel: Funnel) -> Block:
    pitch = (CONTENT + GROUP_GAP) / len(STAGES)
    width = pitch - GROUP_GAP
    marks: list[Mark] = []
    for column, stage in enumerate(funnel.everybody.stages):
        label = _stage_label(stage.path, stage.step)
        lines = label.rsplit(" ", 1) if column else [label]
        color = _stage_color(funnel, stage)
        weight = "bold" if color == ALARM else "normal"
        marks += [
            Text(MARGIN + pitch * column, 28 + 36 * i, line, 29, weight, color)
            for i, line in enumerate(lines)
        ]
    for row, group in enumerate(groups):
        top = 84 + GROUP_ROW * row
        [name] = wrapped(group.name, CONTENT, SMALL_SIZE, is_bold=True, most_lines=1)
        marks.append(Text(MARGIN, top + 32, name, SMALL_SIZE, "bold"))
        for column, stage in enumerate(group.stages):
            left = MARGIN + pitch * column
            color = _stage_color(funnel, stage)
            shown = percent(stage.share) if column else number(stage.users)
            shade = INK if stage.users else MUTED
            marks.append(Text(left, top + 72, shown, SMALL_SIZE, color=shade))
            marks += _share_bar(stage, left, top + 82, width, color)
    return Block(tuple(marks), 84 + GROUP_ROW * len(groups) + 12)


# --- The bridge to the CRM and the data's time ----------------------------------------------


def _footer(report: Report) -> Block:
    shown_elsewhere = (report.paying_footnote,)
    notes = [note for note in report.notes if note not in shown_elsewhere]
    lines = [_bridge_line(report), _data_until_line(report), report.set_aside, *notes]
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
