"""What is said first, and what after it."""

from datetime import date
from typing import TypeVar

import pytest

from sales_assets.core import journey, names
from sales_assets.core.metrics.cleaning import KINDS
from sales_assets.core.report.part import DataQuality, Part, ReportInputs, VerdictKind
from sales_assets.core.report.parts.funnel import Funnel
from sales_assets.core.report.parts.paying import NewPaying
from sales_assets.core.report.parts.processes import Processes
from sales_assets.core.report.report import Report, build_report
from sales_assets.core.report.verdict import set_aside_note
from sales_assets.core.russian import report as ru
from sales_assets_tests.core.report import report_days as days

P = TypeVar("P", bound=Part)


def verdict_of(inputs: ReportInputs) -> str:
    return build_report(inputs).verdict.text.replace("\u00a0", " ")


def of_kind(report: Report, kind: type[P]) -> P:
    part = report.parts[kind]
    assert isinstance(part, kind)
    return part


def lines_of(report: Report) -> list[str]:
    return report.caption_html.replace("\u00a0", " ").split("\n")[1:]


@pytest.mark.parametrize(
    ("inputs", "said", "kind"),
    [
        (days.ordinary(), "Без заметных изменений", VerdictKind.CALM),
        (days.alarming(), "23 заявки не обработаны за сутки, обычно 11", VerdictKind.ALARM),
        (days.record(), "41 новый платящий, обычно 15", VerdictKind.GOOD),
        (days.quiet(), "Без заметных изменений", VerdictKind.CALM),
        (
            days.first_day(),
            "Сравнивать пока не с чем: данные с 1 февраля 2022",
            VerdictKind.YOUNG,
        ),
        (days.late_part(), "Не посчитано: новые платящие", VerdictKind.INCOMPLETE),
        (days.everything_missing(), "Ни одна часть отчёта не посчитана", VerdictKind.INCOMPLETE),
        (days.holiday(), "Праздник: с обычными днями не сравниваем", VerdictKind.HOLIDAY),
        (days.groups(2), "Назначен ВУ: 27 % заявок, обычно 44 %", VerdictKind.ALARM),
    ],
)
def test_each_day_has_its_verdict(inputs: ReportInputs, said: str, kind: VerdictKind) -> None:
    assert verdict_of(inputs) == said
    assert build_report(inputs).verdict.kind is kind


@pytest.mark.parametrize(
    ("process", "breached", "said"),
    [
        (journey.OPEN_REQUESTS, 31, "31 заявка не обработана за сутки, обычно 11"),
        (journey.OPEN_REQUESTS, 32, "32 заявки не обработаны за сутки, обычно 11"),
        (journey.OPEN_REQUESTS, 35, "35 заявок не обработано за сутки, обычно 11"),
        (journey.FIRST_LINE, 35, "35 задач 1Л без ответа за сутки, обычно 5"),
        (journey.SECOND_LINE, 35, "35 задач 2Л без дозвона за сутки, обычно 7"),
        (journey.LESSON_PAYMENT, 31, "31 успешный ВУ без оплаты за сутки, обычно 3"),
    ],
)
def test_each_process_has_its_words(process: str, breached: int, said: str) -> None:
    calm = {
        journey.OPEN_REQUESTS: (12, 32),
        journey.FIRST_LINE: (4, 10),
        journey.SECOND_LINE: (8, 11),
    }
    rows = {**calm, journey.LESSON_PAYMENT: (2, 7), process: (breached, 40)}
    assert verdict_of(days.changed(days.ordinary(), unclosed=days.unclosed(rows))) == said


def test_processes_come_before_payers_and_payers_before_the_funnel() -> None:
    everything = days.catastrophe()
    without_processes = days.changed(
        everything, unclosed=days.ordinary().frames[names.UNCLOSED_PROCESSES]
    )
    without_payers = days.changed(without_processes, paying=days.paying(14))
    assert verdict_of(everything).startswith("131 заявка не обработана")
    assert verdict_of(without_processes) == "Ни одного нового платящего, обычно 15"
    assert verdict_of(without_payers).startswith("Назначен ВУ: 14 %")


def test_the_process_with_most_cases_above_its_usual_level_is_named_first() -> None:
    rows = {
        journey.OPEN_REQUESTS: (25, 40),
        journey.FIRST_LINE: (36, 40),
        journey.SECOND_LINE: (8, 11),
        journey.LESSON_PAYMENT: (2, 7),
    }
    inputs = days.changed(days.ordinary(), unclosed=days.unclosed(rows))
    assert verdict_of(inputs) == "36 задач 1Л без ответа за сутки, обычно 5"
    named = [line for line in lines_of(build_report(inputs)) if "дольше 24 ч" in line]
    assert [line.split(":")[0] for line in named] == [journey.FIRST_LINE, journey.OPEN_REQUESTS]


def test_good_news_does_not_hide_an_alarm() -> None:
    day = date(2022, 3, 31)
    inputs = days.changed(
        days.record(), unclosed=days.alarming(day).frames[names.UNCLOSED_PROCESSES]
    )
    assert build_report(inputs).verdict.kind is VerdictKind.ALARM


def test_few_new_payers_are_said_as_few() -> None:
    inputs = days.changed(days.ordinary(), paying=days.paying(3))
    assert verdict_of(inputs) == "Всего 3 новых платящих, обычно 15"


def test_fewer_breached_cases_are_no_alarm() -> None:
    inputs = days.changed(days.ordinary(), unclosed=days.unclosed({journey.OPEN_REQUESTS: (0, 32)}))
    assert build_report(inputs).verdict.kind is VerdictKind.CALM


def test_an_alarm_does_not_hide_a_missing_part() -> None:
    lines = lines_of(build_report(days.missing_funnel()))
    assert "Нет данных: воронка за 3–9 февраля" in lines


def test_a_holiday_raises_no_alarm_and_no_usual_level_is_shown() -> None:
    inputs = days.changed(
        days.holiday(),
        paying=days.paying(0),
        unclosed=days.alarming().frames[names.UNCLOSED_PROCESSES],
    )
    report = build_report(inputs)
    assert report.verdict.kind is VerdictKind.HOLIDAY
    assert all(process.level.usual is None for process in of_kind(report, Processes).each)


def test_a_holiday_among_the_compared_days_is_left_out() -> None:
    # 22 January 2022: two of the four Saturdays before, the 1st and the 8th, are holidays.
    day = date(2022, 1, 22)
    breached = {journey.OPEN_REQUESTS: (12, 90, 80, 10)}
    inputs = days.changed(
        days.ordinary(day),
        unclosed=days.unclosed({journey.OPEN_REQUESTS: (25, 40)}),
        unclosed_before=days.unclosed_before(day, breached),
    )
    assert verdict_of(inputs) == "25 заявок не обработано за сутки, обычно 11"


def test_a_flawed_day_is_named_and_not_compared_with() -> None:
    flawed = (date(2022, 2, 5),)
    breached = {journey.OPEN_REQUESTS: (500, 11, 12, 11)}
    inputs = days.changed(
        days.alarming(),
        unclosed_before=days.unclosed_before(days.SATURDAY, breached),
        flawed_days=flawed,
    )
    report = build_report(inputs)
    assert verdict_of(inputs) == "23 заявки не обработаны за сутки, обычно 11"
    assert "С ошибками в данных: 5 февраля; в сравнение не вошли" in lines_of(report)


def test_the_funnel_is_judged_by_its_first_step_that_moved() -> None:
    report = build_report(days.catastrophe())
    move = of_kind(report, Funnel).move
    assert move is not None
    assert move.step == journey.LESSON_APPOINTED


def test_the_first_days_of_a_history_say_when_the_comparison_comes() -> None:
    lines = lines_of(build_report(days.young()))
    assert "Сравнение с обычным уровнем появится 2 марта" in lines
    assert "Воронка за 28 января – 3 февраля неполна: данные с 1 февраля" in lines


def test_for_sixty_days_everyone_may_look_new_and_the_report_says_so() -> None:
    first = date(2022, 1, 1)
    last_young, first_old = (
        build_report(days.changed(days.ordinary(day), history_first_day=first))
        for day in (date(2022, 3, 1), date(2022, 3, 2))
    )
    assert of_kind(last_young, NewPaying).notes()
    assert not of_kind(first_old, NewPaying).notes()


def test_rows_set_aside_are_counted_by_kind() -> None:
    quality = DataQuality(1000, {"without_user": 3, "duplicates": 21, "novel": 2})
    said = (set_aside_note(quality) or "").replace("\u00a0", " ")
    assert said == "Отложено 26 строк из 1 000: без клиента 3, повторы 21, прочие 2"


@pytest.mark.parametrize(
    "quality", [None, DataQuality(10, {}), DataQuality(10, {"without_user": 0})]
)
def test_nothing_set_aside_is_not_worth_a_line(quality: DataQuality | None) -> None:
    assert set_aside_note(quality) is None


def test_every_kind_of_bad_row_has_its_words() -> None:
    assert set(ru.SET_ASIDE_KINDS) == set(KINDS)
