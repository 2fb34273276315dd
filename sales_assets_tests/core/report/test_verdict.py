"""What is said first, and what after it: the contract is docs/verdict.md."""

from datetime import date, datetime, timedelta
from functools import cache
from typing import TypeVar

import pytest

from sales_assets.core import journey, names
from sales_assets.core.judgement.day_completeness import Completeness, State
from sales_assets.core.metrics.cleaning import KINDS
from sales_assets.core.metrics.values import SERIES
from sales_assets.core.report.inputs import DataQuality, ReportInputs
from sales_assets.core.report.part import Part, Rank, Story, VerdictKind
from sales_assets.core.report.parts.funnel import Funnel
from sales_assets.core.report.parts.paying import NewPaying
from sales_assets.core.report.parts.processes import Processes
from sales_assets.core.report.report import Report, build_report, set_aside_note
from sales_assets.core.russian import report as ru
from sales_assets_tests.core.report import report_days as days

P = TypeVar("P", bound=Part)
DAYS = days.named_days()
ALARM, GOOD, CALM = VerdictKind.ALARM, VerdictKind.GOOD, VerdictKind.CALM
INCOMPLETE, YOUNG, HOLIDAY = VerdictKind.INCOMPLETE, VerdictKind.YOUNG, VerdictKind.HOLIDAY


@cache
def report_of(name: str) -> Report:
    return build_report(DAYS[name])


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def verdict_of(inputs: ReportInputs) -> str:
    return plain(build_report(inputs).verdict.text)


def of_kind(report: Report, kind: type[P]) -> P:
    part = report.parts[kind]
    assert isinstance(part, kind)
    return part


def lines_of(report: Report) -> list[str]:
    """The caption's lines after the verdict and before what is folded."""
    shown, _, _ = plain(report.caption_html).partition("\n<blockquote")
    return shown.split("\n")[1:]


def questions_of(report: Report) -> list[str]:
    _, _, folded = report.caption_html.partition("<blockquote expandable>")
    return folded.removesuffix("</blockquote>").split("\n")[1:]


@pytest.mark.parametrize(
    ("name", "said", "kind", "is_new"),
    [
        ("ordinary", "Без заметных изменений", CALM, False),
        ("quiet", "Без заметных изменений", CALM, False),
        ("alarm", "23 заявки не обработаны за сутки, обычно 3–19", ALARM, True),
        ("continuing", "4-й день: 31 задача 1Л без ответа за сутки, обычно 4–21", ALARM, False),
        ("back", "Первая линия: снова как обычно", CALM, False),
        ("week", "Вторая линия: за 7 дней без дозвона 46, обычно 29; 3-й день", ALARM, False),
        ("flow", "Заявок 118, обычно 37–81: обработка при этом обычная", CALM, False),
        ("handling", "57 заявок не обработано за сутки, обычно 20–51", ALARM, True),
        ("fallen_funnel", "Заявки 5 февраля: ВУ назначен у 11, обычно 15–36", ALARM, True),
        ("record", "41 новый платящий, обычно 6–27", GOOD, True),
        ("first_day", "Сравнивать пока не с чем: данные с 1 февраля 2022", YOUNG, False),
        ("young", "Сравнивать пока не с чем: данные с 1 февраля 2022", YOUNG, False),
        ("short_history", "Без заметных изменений", CALM, False),
        ("late_part", "Не посчитано: новые платящие", INCOMPLETE, False),
        ("not_counted_part", "Не посчитано: воронка", INCOMPLETE, False),
        ("not_counted_process", "Не посчитано: Вторая линия", INCOMPLETE, False),
        ("all_missing", "Ни одна часть отчёта не посчитана", INCOMPLETE, False),
        ("ends_early", "Данные до 14:03: дальше не загружено", INCOMPLETE, False),
        ("hole", "Нет данных с 09:00 до 15:30", INCOMPLETE, False),
        ("empty_day", "Данных за 12 февраля нет", INCOMPLETE, False),
        ("holiday", "Праздник: с обычными днями не сравниваем", HOLIDAY, False),
    ],
)
def test_each_day_has_its_verdict(name: str, said: str, kind: VerdictKind, *, is_new: bool) -> None:
    verdict = report_of(name).verdict
    assert (plain(verdict.text), verdict.kind, verdict.is_new) == (said, kind, is_new)


@pytest.mark.parametrize(
    ("series", "value", "said"),
    [
        ("open_requests", (31, 58), "31 заявка не обработана за сутки, обычно 3–19"),
        ("open_requests", (32, 58), "32 заявки не обработаны за сутки, обычно 3–19"),
        ("open_requests", (35, 58), "35 заявок не обработано за сутки, обычно 3–19"),
        ("first_line", (35, 46), "35 задач 1Л без ответа за сутки, обычно 4–21"),
        ("second_line", (10, 10), "10 задач 2Л без дозвона за сутки, обычно 0–8"),
        ("lesson_payment", (11, 13), "11 успешных ВУ без оплаты за сутки, обычно 0–7"),
        ("new_paying", (3, None), "Всего 3 новых платящих, обычно 5–26"),
        ("new_paying", (0, None), "Ни одного нового платящего, обычно 5–26"),
        ("requests", (21, None), "Всего 21 заявка, обычно 37–81"),
        ("paid", (18, 26), "Заявки 5 февраля: купили из назначенных ВУ 18, обычно 0–10"),
    ],
)
def test_each_number_has_its_words(series: str, value: days.Value, said: str) -> None:
    assert verdict_of(days.lately(days.ordinary(), **{series: [value]})) == said


def test_a_process_is_told_as_new_once_then_by_its_day_then_as_back_to_usual() -> None:
    broken, kept = (40, 46), (9, 46)
    told = {
        1: [broken],
        2: [broken, broken],
        3: [broken, kept, broken],
        0: [broken, kept, kept, kept],
    }
    reports = {k: build_report(days.lately(days.ordinary(), first_line=v)) for k, v in told.items()}
    assert reports[1].verdict.is_new
    assert "день" not in reports[1].verdict.text
    for number in (2, 3):
        assert f"{number}-й день" in reports[number].verdict.text
        assert reports[number].verdict.detail.startswith(f"{number}-й день")
        assert not reports[number].verdict.is_new
    assert reports[0].verdict.text == "Первая линия: снова как обычно"
    after = days.lately(days.ordinary(), first_line=[broken, kept, kept, kept, kept])
    assert verdict_of(after) == "Без заметных изменений"


@pytest.mark.parametrize(
    ("series", "odd", "usual", "said"),
    [
        ("new_paying", (41, None), (15, None), "Новые платящие: снова как обычно"),
        ("requests", (150, None), (55, None), "Новые заявки: снова как обычно"),
        ("appointed", (3, 58), (29, 58), "Воронка: снова как обычно"),
    ],
)
def test_every_series_says_once_that_it_is_back(
    series: str, odd: days.Value, usual: days.Value, said: str
) -> None:
    told = days.lately(days.ordinary(), **{series: [odd, usual, usual, usual]})
    assert verdict_of(told) == said


def test_a_promise_kept_better_than_usual_is_no_story_neither_now_nor_when_it_ends() -> None:
    usual = {**days.LEVELS, days.FIRST_LINE: (25, 51)}
    better, as_ever = (2, 46), (22, 46)
    now = days.lately(days.ordinary(usual=usual), first_line=[better])
    ended = days.lately(days.ordinary(usual=usual), first_line=[better, as_ever, as_ever, as_ever])
    assert verdict_of(now) == verdict_of(ended) == "Без заметных изменений"


#: A series' news, in the order in which they are told.
TOLD_IN_ORDER = {
    "rarer process": ("first_line", (46, 46), "46 задач 1Л"),
    "process": ("open_requests", (23, 58), "23 заявки не обработаны"),
    "few paying": ("new_paying", (0, None), "Ни одного"),
    "few requests": ("requests", (15, None), "Всего 15 заявок"),
    "fallen funnel": ("appointed", (3, 58), "Заявки 5 февраля"),
    "process of days": ("second_line", [(10, 11), (10, 10)], "2-й день"),
}


def test_new_alarms_are_told_by_rank_and_before_those_that_go_on() -> None:
    left = dict(TOLD_IN_ORDER)
    for name, (_, _, said) in TOLD_IN_ORDER.items():
        changes = {s: v if isinstance(v, list) else [v] for s, v, _ in left.values()}
        assert said in verdict_of(days.lately(days.ordinary(), **changes)), name
        del left[name]


def test_after_the_alarms_come_good_news_then_many_requests_then_what_is_over() -> None:
    over = {"second_line": [(10, 11), (4, 10), (4, 10), (4, 10)]}
    many = {**over, "requests": [(150, None)]}
    good = {**many, "new_paying": [(41, None)]}
    going_on = {**good, "first_line": [(46, 46), (46, 46)]}
    told = {"going on": going_on, "good": good, "many": many, "over": over}
    said = {name: verdict_of(days.lately(days.ordinary(), **of)) for name, of in told.items()}
    assert "-й день" in said["going on"]
    assert said["good"].startswith("41 новый платящий")
    assert said["many"].startswith("Заявок 150")
    assert said["over"] == "Вторая линия: снова как обычно"


def test_a_part_not_counted_comes_after_every_story_and_before_a_holiday() -> None:
    reason = {"funnel": "в словаре нет «Успешный ВУ»"}
    over = days.changed(days.back(), not_counted=reason)
    on_holiday = days.changed(days.holiday(), not_counted=reason)
    assert verdict_of(over) == "Первая линия: снова как обычно"
    assert verdict_of(on_holiday) == "Не посчитано: воронка"


def test_a_story_is_new_on_its_first_day_only_and_only_where_it_is_good_or_an_alarm() -> None:
    assert Story(ALARM, Rank.PROCESSES, ("",), 1).is_new
    assert not Story(ALARM, Rank.PROCESSES, ("",), 2).is_new
    assert not Story(CALM, Rank.REQUESTS, ("",), 1).is_new
    assert Story(CALM, Rank.REQUESTS, ("",), 0).is_over


# --- Flow and handling -----------------------------------------------------------------------


def test_twice_the_requests_with_the_same_share_is_flow_and_no_alarm() -> None:
    report = report_of("flow")
    assert report.verdict.kind is CALM
    assert not any(process.is_alarming for process in of_kind(report, Processes).each)


def test_many_requests_are_not_called_ordinarily_handled_where_a_process_alarms() -> None:
    told = days.lately(days.ordinary(), requests=[(118, None)], open_requests=[(60, 116)])
    texts = [
        text for each in of_kind(build_report(told), Processes).stories() for text in each.texts
    ]
    assert any(text.startswith("Заявок 118") for text in texts)
    assert not any("обычная" in text for text in texts)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ((57, 162), "В обычную субботу 21: 14 добавил поток, 22 — обработка"),
        ((38, 96), "поток обычный"),
        ((25, 50), "поток убавил"),
    ],
)
def test_an_alarm_says_of_what_it_is_made(value: days.Value, words: str) -> None:
    usual = {**days.LEVELS, days.OPEN_REQUESTS: (23, 107)}
    report = build_report(days.lately(days.ordinary(usual=usual), open_requests=[value]))
    assert words.split(" — ", maxsplit=1)[0] in plain(report.verdict.detail)
    assert plain(report.verdict.detail) in " ".join(lines_of(report))


@pytest.mark.parametrize("name", ["alarm", "continuing", "handling", "catastrophe", "enormous"])
def test_flow_and_handling_add_up_to_the_difference_from_an_ordinary_day(name: str) -> None:
    splits = [(each, each.split) for each in of_kind(report_of(name), Processes).each]
    assert any(split for _, split in splits)
    for process, split in splits:
        if split:
            assert process.breached == split.usual_day + split.flow + split.handling


def test_a_story_of_several_days_has_no_such_sum() -> None:
    verdict = report_of("week").verdict
    assert verdict.detail == "3-й день"
    assert plain(verdict.headline) == "Вторая линия: за 7 дней без дозвона 46, обычно 29"


# --- A promise broken as a rule --------------------------------------------------------------


def test_a_promise_broken_as_a_rule_is_said_on_mondays_in_one_line_and_never_first() -> None:
    report = report_of("broken_as_a_rule")
    said = "Вторая линия: обещание 24 ч чаще не выполняется, чем выполняется"
    assert lines_of(report).count(said) == 1
    assert report.verdict.text == "Без заметных изменений"
    tuesday = build_report(days.broken_as_a_rule(days.MONDAY + timedelta(days=1)))
    assert "чаще не выполняется" not in tuesday.caption_html


def test_two_promises_broken_as_a_rule_share_the_line() -> None:
    usual = {**days.LEVELS, days.SECOND_LINE: (8, 11), days.LESSON_PAYMENT: (11, 14)}
    lines = lines_of(build_report(days.ordinary(days.MONDAY, usual)))
    assert "Вторая линия, Оплата ВУ: обещание 24 ч чаще не выполняется, чем выполняется" in lines


def test_half_of_the_cases_broken_is_no_rule() -> None:
    usual = {**days.LEVELS, days.SECOND_LINE: (5, 11)}
    report = build_report(days.ordinary(days.MONDAY, usual))
    assert "чаще не выполняется" not in report.caption_html


# --- Days that are not whole, parts that are not counted -------------------------------------


@pytest.mark.parametrize("name", ["ends_early", "hole", "empty_day"])
def test_a_day_that_is_cut_is_not_judged(name: str) -> None:
    report = report_of(name)
    judged = [one for part in report.parts.values() if part for one in part.judged]
    assert report.verdict.kind is INCOMPLETE
    assert all(one.change == 0 and not one.usual for one in judged)
    assert not questions_of(report)


@pytest.mark.parametrize("name", ["ends_early", "hole"])
def test_the_numbers_of_a_cut_day_are_bounds(name: str) -> None:
    assert "новых платящих не меньше 4" in lines_of(report_of(name))[0]


def test_a_day_without_a_row_says_nothing_of_what_only_that_day_could_bring() -> None:
    report = report_of("empty_day")
    assert report.parts[NewPaying] is None
    assert report.numbers[names.NEW_PAYING_USERS] is None
    assert lines_of(report)[1:] == ["Нет данных: новые платящие, сроки на сегодня, сверка с CRM"]


def test_a_hole_until_midnight_ends_at_24_hours() -> None:
    found = Completeness(
        State.HOLE, ends_at=datetime(2022, 2, 12, 21), resumes_at=datetime(2022, 2, 13)
    )
    assert verdict_of(days.changed(days.hole(), completeness=found)) == (
        "Нет данных с 21:00 до 24:00"
    )


@pytest.mark.parametrize("state", [State.TYPES_MISSING, State.COMPLETE, State.UNKNOWN])
def test_other_answers_about_the_data_leave_the_verdict_alone(state: State) -> None:
    told = days.changed(days.alarming(), completeness=Completeness(state))
    assert build_report(told).verdict.kind is ALARM


def test_a_part_that_is_not_counted_gives_its_reason_and_no_number() -> None:
    report = report_of("not_counted_part")
    assert "Воронка: не посчитано, в словаре нет «Успешный ВУ»" in lines_of(report)
    assert report.parts[Funnel] is None
    assert report.numbers[names.CONVERSION_FUNNEL] is None
    assert not any("Нет данных" in line for line in lines_of(report))


def test_a_process_that_is_not_counted_gives_its_reason_and_no_number() -> None:
    report = report_of("not_counted_process")
    assert "Вторая линия: не посчитано, в словаре нет «Дозвон 2Л»" in lines_of(report)
    assert journey.SECOND_LINE not in report.numbers[names.UNCLOSED_PROCESSES]
    assert report.numbers[days.SECOND_LINE] is None
    assert journey.FIRST_LINE in report.numbers[names.UNCLOSED_PROCESSES]


def test_no_request_is_counted_where_its_event_has_no_name() -> None:
    told = days.changed(days.ordinary(), not_counted={days.OPEN_REQUESTS: "нет «Создание заявки»"})
    report = build_report(told)
    assert report.numbers["requests"] is None
    assert plain(report.verdict.text) == f"Не посчитано: {journey.OPEN_REQUESTS}"
    assert journey.FIRST_LINE in report.numbers[names.UNCLOSED_PROCESSES]


def test_processes_none_of_which_is_counted_are_one_part_not_counted() -> None:
    reason = dict.fromkeys((each.key for each in journey.PROCESSES), "нет «Покупка»")
    report = build_report(days.changed(days.ordinary(), not_counted=reason))
    assert plain(report.verdict.text) == "Не посчитано: процессы"
    assert "Процессы: не посчитано, нет «Покупка»" in lines_of(report)


def test_an_alarm_does_not_hide_a_missing_part() -> None:
    assert "Нет данных: воронка за 3–9 февраля" in lines_of(report_of("missing_part"))


# --- What is compared with -------------------------------------------------------------------


def test_a_holiday_raises_no_alarm_and_shows_no_usual_level() -> None:
    told = days.lately(days.holiday(), new_paying=[(0, None)], open_requests=[(50, 58)])
    report = build_report(told)
    assert report.verdict.kind is HOLIDAY
    assert not any(process.judgement.usual for process in of_kind(report, Processes).each)


def test_a_holiday_is_felt_in_the_processes_a_day_later_and_in_the_funnel_after_a_week() -> None:
    holiday = frozenset({days.SATURDAY - timedelta(days=1)})
    sunday = days.changed(days.ordinary(), holidays=holiday)
    entered_on_holiday = days.changed(
        days.ordinary(), holidays=frozenset({days.SATURDAY - timedelta(days=7)})
    )
    assert of_kind(build_report(sunday), Processes).each[0].judgement.usual == ""
    assert of_kind(build_report(sunday), NewPaying).judged[0].is_compared
    appointed, paid = of_kind(build_report(entered_on_holiday), Funnel).judged
    assert not appointed.is_compared
    assert not paid.is_compared


def test_a_spoiled_day_is_named_and_moves_no_level() -> None:
    outage, until = days.SATURDAY - timedelta(days=27), days.SATURDAY - timedelta(days=2)
    zeros = days.with_values(
        days.ordinary().daily_values, outage, {series: [(0, None)] for series in ("new_paying",)}
    )
    spoiled = days.changed(days.ordinary(), values=zeros, spoiled_days=frozenset({outage, until}))
    report = build_report(spoiled)
    assert any("16 января и 10 февраля; в сравнение не вошли" in each for each in lines_of(report))
    drawn = dict(of_kind(report, NewPaying).series)
    assert drawn[outage] is drawn[until] is None


def test_a_spoiled_day_is_named_as_long_as_it_is_drawn_and_left_out_for_longer() -> None:
    outage = days.SATURDAY - timedelta(days=28)
    zeros = days.with_values(days.ordinary().daily_values, outage, {"new_paying": [(0, None)]})
    before, after = (
        days.changed(days.ordinary(), values=zeros, spoiled_days=frozenset(spoiled))
        for spoiled in ([], [outage])
    )
    assert not any("в сравнение не вошли" in each for each in lines_of(build_report(after)))
    usual, without = (of_kind(build_report(each), NewPaying).judged[0] for each in (before, after))
    assert (usual.found.usual or 0) < (without.found.usual or 0)


def _three_days_after_lost_payments(**uncounted: frozenset[date]) -> Report:
    zeros = [(0, None), (14, None), (15, None), (13, None)]
    told = days.lately(days.ordinary(), new_paying=zeros)
    return build_report(days.changed(told, uncounted_days=uncounted))


def test_a_day_on_which_a_part_could_not_be_known_is_no_story_of_that_part() -> None:
    lost = days.SATURDAY - timedelta(days=3)
    assert _three_days_after_lost_payments().verdict.text == "Новые платящие: снова как обычно"
    report = _three_days_after_lost_payments(new_paying=frozenset({lost}))
    assert report.verdict.text == "Без заметных изменений"
    assert dict(of_kind(report, NewPaying).series)[lost] is None
    said = "Данные неполны или с ошибками: 9 февраля; в сравнение не вошли"
    assert said in lines_of(report)
    bridge = _three_days_after_lost_payments(crm_bridge=frozenset({lost}))
    assert said not in lines_of(bridge)
    other = _three_days_after_lost_payments(first_line=frozenset({lost}))
    assert other.verdict.text == "Новые платящие: снова как обычно"


@pytest.mark.parametrize(
    ("back", "said"),
    [
        (3, "новых платящих 15 (в прошлую субботу 15)"),
        (7, "новых платящих 15"),
        (8, "новых платящих 15 (в прошлую субботу 15, в среднем за 7 дней 15)"),
    ],
)
def test_new_paying_clients_stand_beside_no_day_without_a_value(back: int, said: str) -> None:
    flawed = frozenset({days.SATURDAY - timedelta(days=back)})
    for told in ({"spoiled_days": flawed}, {"uncounted_days": {"new_paying": flawed}}):
        first, *_ = lines_of(build_report(days.changed(days.ordinary(), **told)))
        assert first == f"Сб, 12 февраля 2022: {said}"


def test_a_story_that_nobody_could_know_yesterday_begins_today_and_of_today_alone() -> None:
    told = days.lately(days.ordinary(), requests=[(2, None), (30, None)])
    begun = build_report(told).numbers["requests"]
    assert (begun["day_number"], begun["window"]) == (2, 3)
    yesterday = frozenset({days.SATURDAY - timedelta(days=1)})
    for part, number in (("open_requests", 1), ("new_paying", 2)):
        lost = days.changed(told, uncounted_days={part: yesterday})
        assert build_report(lost).numbers["requests"]["day_number"] == number


def test_a_funnel_that_could_not_be_known_is_felt_for_a_week_a_process_the_day_after() -> None:
    for back in range(1, 10):
        day = frozenset({days.SATURDAY - timedelta(days=back)})
        lost = {"funnel": day, days.FIRST_LINE: day}
        report = build_report(days.changed(days.ordinary(), uncounted_days=lost))
        first_line = of_kind(report, Processes).each[1].judgement
        halves = of_kind(report, Funnel).judged
        assert [one.is_compared for one in (first_line, *halves)] == [back > 1, *[back > 7] * 2]


def test_under_two_weeks_the_report_says_when_the_comparison_comes() -> None:
    lines = lines_of(report_of("young"))
    assert "Сравнение с обычным уровнем появится 15 февраля" in lines
    assert "Воронка за 28 января – 3 февраля неполна: данные с 1 февраля" in lines
    first, second = (
        days.ordinary(date(2022, 2, day), days=day, history_first_day=date(2022, 2, 1))
        for day in (14, 15)
    )
    assert build_report(first).verdict.kind is YOUNG
    assert build_report(second).verdict.kind is CALM


def test_holidays_and_flawed_days_put_the_first_comparison_off() -> None:
    first, flawed = date(2026, 1, 1), date(2026, 1, 13)
    holidays = frozenset(date(2026, 1, day) for day in range(1, 10))
    for day, kind in ((12, YOUNG), (24, YOUNG), (25, CALM)):
        told = days.ordinary(date(2026, 1, day), days=day, history_first_day=first)
        known = {flawed} if day > flawed.day else set()
        report = build_report(days.changed(told, holidays=holidays, spoiled_days=frozenset(known)))
        assert report.verdict.kind is kind
        said = [line for line in lines_of(report) if "появится" in line]
        expected = f"Сравнение с обычным уровнем появится {25 if known else 24} января"
        assert said == ([expected] if kind is YOUNG else [])


def test_under_four_weeks_the_report_says_that_its_borders_are_wide() -> None:
    said = "Сравнение по 20 дням, границы широкие"
    assert said in lines_of(report_of("short_history"))
    assert said not in lines_of(report_of("ordinary"))


def test_for_sixty_days_everyone_may_look_new_and_the_report_says_so() -> None:
    first = date(2022, 1, 1)
    last_young, first_old = (
        build_report(days.changed(days.ordinary(day), history_first_day=first))
        for day in (date(2022, 3, 1), date(2022, 3, 2))
    )
    assert of_kind(last_young, NewPaying).notes()
    assert not of_kind(first_old, NewPaying).notes()


def test_a_source_that_is_older_than_the_first_partition_makes_nobody_new() -> None:
    first, day = date(2022, 1, 1), date(2022, 2, 2)
    since = {date(2019, 5, 1): 0, date(2021, 12, 20): 1}
    for began, notes in since.items():
        told = days.changed(days.ordinary(day), history_first_day=first, source_since=began)
        assert len(of_kind(build_report(told), NewPaying).notes()) == notes


# --- The lines after the verdict -------------------------------------------------------------


def test_what_the_verdict_says_is_not_said_again() -> None:
    for name in ("week", "fallen_funnel"):
        assert plain(report_of(name).verdict.headline) not in lines_of(report_of(name))


def test_with_four_alarming_processes_the_last_two_share_a_line() -> None:
    lines = lines_of(report_of("catastrophe"))
    named = [line for line in lines if "дольше 24 ч" in line]
    assert [line.split(":")[0] for line in named] == [journey.OPEN_REQUESTS, journey.FIRST_LINE]
    assert "Дольше 24 ч ещё: Оплата ВУ 17 из 17, Вторая линия 38 из 41" in lines


def test_a_process_that_is_news_by_the_week_is_told_by_the_week() -> None:
    both = days.lately(days.week(), open_requests=[(40, 58)])
    told = "Вторая линия: за 7 дней без дозвона 46, обычно 29; 3-й день"
    assert told in lines_of(build_report(both))


def test_requests_that_are_news_stand_beside_the_new_paying_clients() -> None:
    assert lines_of(report_of("catastrophe"))[0].endswith("; новых заявок 21, обычно 37–81")
    assert "новых заявок" not in lines_of(report_of("ordinary"))[0]


def test_the_questions_are_folded_in_the_order_of_the_stories_and_three_at_most() -> None:
    alarming = [journey.OPEN_REQUESTS, journey.FIRST_LINE, journey.LESSON_PAYMENT]
    asked = questions_of(report_of("catastrophe"))
    assert asked == [ru.QUESTIONS[process] for process in alarming]
    few = build_report(days.lately(days.ordinary(), requests=[(15, None)], new_paying=[(0, None)]))
    assert questions_of(few) == [ru.QUESTION_NEW_PAYING, ru.QUESTION_REQUESTS]


@pytest.mark.parametrize("name", DAYS)
def test_nothing_is_asked_but_under_an_alarm(name: str) -> None:
    assert bool(questions_of(report_of(name))) is (report_of(name).verdict.kind is ALARM)


def test_the_step_that_fell_most_is_named_and_not_judged() -> None:
    fewer_lessons = {
        n: (*u[:4], u[4] // 4, u[5] // 4, u[6] // 4) for n, u in days.THREE_GROUPS.items()
    }
    told = days.changed(
        days.lately(days.ordinary(), paid=[(0, 26), (0, 26), (0, 25)]),
        funnel=days.funnel(fewer_lessons),
    )
    report = build_report(told)
    assert of_kind(report, Funnel).moved_step == journey.LESSON_ATTENDED
    assert "Что изменилось на этапе «Выход на ВУ»" in report.caption_html


def test_each_judged_series_is_in_the_stored_numbers_with_its_judgement() -> None:
    numbers = report_of("continuing").numbers
    for series in SERIES:
        assert {"usual", "low", "high", "is_new", "day_number", "window"} <= numbers[series].keys()
    assert numbers["first_line"]["day_number"] == 4
    assert numbers["new_paying"]["day_number"] == 0


def test_rows_set_aside_are_counted_by_kind() -> None:
    quality = DataQuality(1000, {"without_user": 3, "duplicates": 21, "novel": 2})
    said = plain(set_aside_note(quality) or "")
    assert said == "Отложено 26 строк из 1 000: без клиента 3, повторы 21, прочие 2"
    one = plain(set_aside_note(DataQuality(500, {"duplicates": 1})) or "")
    assert one == "Отложена 1 строка из 500: повторы 1"


@pytest.mark.parametrize(
    "quality", [None, DataQuality(10, {}), DataQuality(10, {"without_user": 0})]
)
def test_nothing_set_aside_is_not_worth_a_line(quality: DataQuality | None) -> None:
    assert set_aside_note(quality) is None


def test_every_kind_of_bad_row_has_its_words() -> None:
    assert set(ru.SET_ASIDE_KINDS) == set(KINDS)
