"""The picture's layout: nothing too small, nothing across anything, colour never alone."""

from datetime import date, datetime, time
from functools import cache
from itertools import combinations, product

import numpy as np
import pytest

from sales_assets.core.journey import PROCESSES
from sales_assets.core.judgement.day_completeness import Completeness, State
from sales_assets.core.report.inputs import ReportInputs
from sales_assets.core.report.page import (
    ALARM,
    BAR,
    CUT,
    FONT,
    INK,
    MARGIN,
    PALE_BAR,
    PAPER,
    RIGHT,
    SMALLEST_TEXT,
    USUAL_RANGE,
    WIDTH,
    Block,
    Box,
    Text,
)
from sales_assets.core.report.parts.processes import BAR_HEIGHT, BREACHED, RANGE_HEIGHT, TRACK
from sales_assets.core.report.picture import picture, picture_spec
from sales_assets.core.report.report import build_report
from sales_assets.core.russian import report as ru
from sales_assets_tests.core.report import report_days as days

DAYS = days.named_days()
every_day = pytest.mark.parametrize("name", DAYS)


def texts_of(inputs: ReportInputs) -> list[Text]:
    return [mark for mark in picture(build_report(inputs)).marks if isinstance(mark, Text)]


def boxes_of(inputs: ReportInputs) -> list[Box]:
    return [mark for mark in picture(build_report(inputs)).marks if isinstance(mark, Box)]


def words_of(inputs: ReportInputs) -> list[str]:
    return [text.text.replace("\u00a0", " ") for text in texts_of(inputs)]


def area(mark: Text | Box) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of what is inked: lower-case descenders, capitals."""
    if isinstance(mark, Box):
        return mark.x, mark.y, mark.x + mark.width, mark.y + mark.height
    up, down = 0.73 * mark.size, 0.2 * mark.size
    left = mark.x - (mark.width if mark.align == "right" else 0)
    return left, mark.y - up, left + mark.width, mark.y + down


def overlap(one: Text | Box, other: Text | Box) -> bool:
    left, top, right, bottom = area(one)
    left2, top2, right2, bottom2 = area(other)
    return left < right2 and left2 < right and top < bottom2 and top2 < bottom


def is_inside(inner: Text, outer: Box) -> bool:
    left, top, right, bottom = area(inner)
    left2, top2, right2, bottom2 = area(outer)
    return left2 <= left and top2 <= top and right <= right2 and bottom <= bottom2


def long_names() -> ReportInputs:
    stages = (30_000, 25_000, 12_000, 9_000, 7_000, 5_000, 2_000)
    names = ["ночные, " * 12 + f"группа {i}" for i in range(6)] + ["Ж" * 90]
    return days.changed(days.enormous(), funnel=days.funnel(dict.fromkeys(names[:4], stages)))


LAYOUTS = {
    **DAYS,
    "long_names": long_names(),
    "long_word": days.changed(
        days.ordinary(), funnel=days.funnel({"Ж" * 90: (9, 8, 7, 6, 5, 4, 3)})
    ),
    "millions": days.changed(
        days.lately(
            days.enormous(),
            **{process.key: [(234_567, 765_432)] for process in PROCESSES},
            requests=[(1_234_567, None)],
        ),
        paying=days.paying(1_234_567, 234_567, 1_234_567, 1_234_567.8),
    ),
    "weeks_of_everything": days.lately(
        days.ordinary(),
        new_paying=[(7, None)] * 8,
        requests=[(36, None)] * 8,
        first_line=[(22, 46)] * 8,
        second_line=[(7, 10)] * 8,
        appointed=[(18, 58)] * 8,
    ),
}


@cache
def block(name: str) -> Block:
    return picture(build_report(LAYOUTS[name]))


def texts(name: str) -> list[Text]:
    return [mark for mark in block(name).marks if isinstance(mark, Text)]


def boxes(name: str) -> list[Box]:
    return [mark for mark in block(name).marks if isinstance(mark, Box)]


every_layout = pytest.mark.parametrize("name", LAYOUTS)


@every_layout
def test_no_text_is_too_small_for_a_phone(name: str) -> None:
    assert min(text.size for text in texts(name)) >= SMALLEST_TEXT


@every_layout
def test_everything_lies_within_the_margins(name: str) -> None:
    height = block(name).height
    for mark in (*texts(name), *boxes(name)):
        left, top, right, bottom = area(mark)
        assert left >= MARGIN - 6
        assert right <= RIGHT + 6
        assert 0 <= top <= bottom <= height


@every_layout
def test_no_text_overlaps_another(name: str) -> None:
    clashes = [
        (one.text, other.text) for one, other in combinations(texts(name), 2) if overlap(one, other)
    ]
    assert not clashes


@every_layout
def test_no_text_crosses_the_end_of_a_bar(name: str) -> None:
    pairs = product(texts(name), boxes(name))
    clashes = [
        (text.text, box) for text, box in pairs if overlap(text, box) and not is_inside(text, box)
    ]
    assert not clashes


@every_layout
def test_the_picture_is_portrait_and_within_what_telegram_takes(name: str) -> None:
    height = block(name).height
    assert 600 < height < 2100
    assert height + WIDTH <= 10_000


@every_day
def test_the_four_parts_stand_in_their_order(name: str) -> None:
    words = [text.text.replace("\u00a0", " ") for text in texts(name)]
    foot = "Сверка с CRM" if name == "empty_day" else "Данные до"
    heads = [ru.NEW_PAYING_TITLE, ru.PROCESSES_TITLE, "Воронка", foot]
    words = words[2:]  # after the title and the verdict, which may name a part
    places = [next(i for i, word in enumerate(words) if head in word) for head in heads]
    assert places == sorted(places)


def test_processes_keep_the_order_of_the_journey_whatever_their_size() -> None:
    names = [process.name for process in PROCESSES]
    for inputs in (days.ordinary(), days.catastrophe(), days.enormous()):
        assert [word for word in words_of(inputs) if word in names] == names


def test_groups_keep_their_order_whatever_their_size() -> None:
    small, large = (10, 9, 8, 7, 6, 5, 4), (300, 9, 8, 7, 6, 5, 4)
    one = {"дозвонились": small, "записались сами": large, "без реакции 24 ч": small}
    other = {"без реакции 24 ч": large, "записались сами": small, "дозвонились": large}
    for groups in (one, other):
        words = words_of(days.changed(days.ordinary(), funnel=days.funnel(groups)))
        heads = [w for w in words if w in {"Записались сами", "Дозвонились", "Без реакции 24 ч"}]
        assert heads == ["Записались сами", "Дозвонились", "Без реакции 24 ч"]


def test_an_ordinary_day_has_no_colour_of_alarm() -> None:
    colors = {mark.color for mark in picture(build_report(days.ordinary())).marks}
    assert ALARM not in colors


@every_day
def test_colour_is_never_alone(name: str) -> None:
    """What is red is bold, or a bar whose line has a sign, or the strip under the verdict."""
    drawn_texts = texts(name)
    red = [text for text in drawn_texts if text.color == ALARM]
    assert all(text.weight == "bold" for text in red)
    signed = [text for text in red if text.text[0] in "▲▼" or text.text[-1] in "▲▼"]
    assert bool(red) == bool(signed)
    for box in boxes(name):
        if box.color == ALARM:
            middle = box.y + box.height / 2
            assert any(
                abs(text.y - middle) < 60 and (text in signed or text.color == PAPER)
                for text in drawn_texts
            )


def test_the_usual_range_is_a_line_at_its_place_under_the_bar() -> None:
    boxes = boxes_of(days.alarming())
    bar = next(b for b in boxes if b.color == TRACK and b.height == BAR_HEIGHT)
    lines = [b for b in boxes if b.color == INK and b.height == RANGE_HEIGHT and b.y > bar.y]
    assert "обычно 3–19" in words_of(days.alarming())
    assert lines[0].y >= bar.y + BAR_HEIGHT
    assert lines[0].x - bar.x == pytest.approx(bar.width * 3 / 58)
    assert lines[0].width == pytest.approx(bar.width * (19 - 3) / 58)


def test_behind_each_day_of_new_paying_clients_lies_what_is_usual_for_it() -> None:
    ranges = [box for box in boxes_of(days.ordinary()) if box.color == USUAL_RANGE]
    assert len(ranges) == 28
    assert not [box for box in boxes_of(days.ends_early()) if box.color == USUAL_RANGE]
    # The first of January and the day before it, which was moved.
    on_holiday = [box for box in boxes_of(days.holiday()) if box.color == USUAL_RANGE]
    assert len(on_holiday) == 26


@pytest.mark.parametrize("name", ["ends_early", "hole", "empty_day"])
def test_a_cut_day_has_a_neutral_strip_no_red_and_no_usual_range(name: str) -> None:
    strips = [box for box in boxes(name) if box.color == CUT]
    assert len(strips) == 1
    assert ALARM not in {mark.color for mark in block(name).marks}
    assert not any("обычно" in text.text for text in texts(name))


def test_the_numbers_of_a_cut_day_are_said_to_be_bounds() -> None:
    words = words_of(days.ends_early())
    for bound in (
        "не меньше: день загружен не весь",
        "Новых заявок не меньше 27",
        "День загружен не весь: дольше 24 ч и в ожидании — не больше",
        "День загружен не весь: на каждом этапе — не меньше",
        "В CRM не меньше 518 − 62 в экспериментах = 456",
        "Данные до 14:03 12 февраля, МСК",
    ):
        assert bound in words


def test_a_whole_day_with_an_alarm_has_a_red_strip_with_the_story_and_its_day() -> None:
    words = words_of(days.continuing())
    assert "31 задача 1Л без ответа за сутки, обычно 4–21" in words
    assert "4-й день. В обычную субботу 12: поток обычный, 19 — обработка" in words


def test_a_number_that_is_news_by_the_week_says_so_in_its_place() -> None:
    words = words_of(days.week())
    assert "за 7 дней 46, обычно 29" in words
    many = days.lately(days.ordinary(), new_paying=[(22, None)] * 7)
    assert any(word.startswith("за 7 дней 154, обычно") for word in words_of(many))


def test_requests_that_are_news_are_signed_and_bold_and_red_only_if_few() -> None:
    few, many = days.catastrophe(), days.flow()
    (fallen,) = [text for text in texts_of(few) if "Новых заявок" in text.text]
    (risen,) = [text for text in texts_of(many) if "Новых заявок" in text.text]
    assert (fallen.text[0], fallen.weight, fallen.color) == ("▼", "bold", ALARM)
    assert (risen.text[0], risen.weight, risen.color) == ("▲", "bold", INK)


def test_a_promise_broken_as_a_rule_is_said_under_its_row() -> None:
    said = "обещание 24 ч чаще не выполняется, чем выполняется"
    assert words_of(days.broken_as_a_rule()).count(said) == 1
    assert said not in words_of(days.ordinary())


def test_a_process_that_is_not_counted_keeps_its_row_with_the_reason() -> None:
    words = words_of(days.not_counted_process())
    names = [process.name for process in PROCESSES]
    assert [word for word in words if word in names] == names
    assert "не посчитано: в словаре нет «Дозвон 2Л»" in words


@pytest.mark.parametrize("reason", ru.REASONS.values())
def test_every_reason_stands_whole_in_the_row_of_a_process(reason: str) -> None:
    told = words_of(days.changed(days.ordinary(), not_counted={days.SECOND_LINE: reason}))
    assert f"не посчитано: {reason}" in told


def test_what_can_still_be_saved_is_said_by_the_hours_of_the_day_of_delivery() -> None:
    told = words_of(days.ordinary())
    line = told.index("Успеть сегодня: 63")
    assert told[line + 1] == "(ночью истекли 25), до 11:00 — 6, до 15:00 — ещё 11"
    assert told[line + 2] == "Из 78 вчерашних успели 45"


def test_hours_before_the_delivery_are_not_named() -> None:
    late = words_of(days.changed(days.ordinary(), delivery_time=time(12)))
    assert "(до 12:00 истекли 33), до 15:00 — 9" in late


def test_what_can_still_be_saved_leaves_out_a_process_that_is_not_counted() -> None:
    told = words_of(days.not_counted_process())
    assert "Успеть сегодня: 58" in told
    assert "Из 71 вчерашнего успели 43; не посчитано: Вторая линия" in told


def test_where_no_process_is_counted_nothing_is_said_to_be_saved() -> None:
    reason = "payments_missing"
    told = words_of(days.changed(days.ordinary(), not_counted={"expiring": ru.REASONS[reason]}))
    assert "Сроки на сегодня: не посчитано, оплаты за день не загружены" in " ".join(told)


def test_on_a_cut_day_what_can_still_be_saved_is_said_to_be_of_what_is_loaded() -> None:
    told = words_of(days.ends_early())
    assert any(text.startswith("Успеть сегодня, из загруженного: ") for text in told)
    assert any("успели не меньше" in text for text in told)


def test_on_an_empty_day_nobody_knows_what_can_still_be_saved_nor_who_is_new() -> None:
    told = words_of(days.empty_day())
    assert "Успеть сегодня: нет данных за 12 февраля" in told
    assert not any("Новых заявок" in text for text in told)


def test_a_part_that_is_not_counted_says_why_in_its_place() -> None:
    words = words_of(days.not_counted_part())
    assert "Воронка: не посчитано, в словаре нет «Успешный ВУ»" in words
    assert "Воронка по группам клиентов" not in words


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Completeness(State.UNKNOWN), "полнота данных пока не проверяется"),
        (
            Completeness(State.COMPLETE, certain_until=datetime(2022, 2, 12, 17)),
            "обрыв после 17:00 не был бы заметен",
        ),
    ],
)
def test_the_foot_says_how_far_a_cut_would_have_been_noticed(
    found: Completeness, said: str
) -> None:
    told = words_of(days.changed(days.ordinary(), completeness=found))
    assert any(said in word for word in told)
    assert not any(said in word for word in words_of(days.ordinary()))


def test_a_part_that_is_missing_says_so_in_its_place_and_the_others_stay() -> None:
    words = words_of(days.missing_funnel())
    assert "Воронка: нет данных за 3–9 февраля" in words
    assert "Незакрытые процессы" in words
    everything = words_of(days.everything_missing())
    assert "Новые платящие: нет данных за 12 февраля" in everything
    assert "Незакрытые процессы: нет данных за 12 февраля" in everything
    assert any("Сверка с CRM: нет данных за 12 февраля" in word for word in everything)


def test_a_quiet_day_is_calm() -> None:
    words = words_of(days.quiet())
    assert "Заявки 19–25 июля: заявок не было" in words
    assert "Дольше 24 ч на конец дня никто не ждёт" in words


def test_the_picture_names_cohort_bridge_and_the_time_of_the_data() -> None:
    words = words_of(days.ordinary())
    assert "Заявки 30 января – 5 февраля: 456, купили 30 (7 %); группы — по первым 24 ч" in words
    assert words[-1] == "В CRM 518 − 62 в экспериментах = 456. Данные до 00:00 13 февраля, МСК"


def test_over_the_year_boundary_the_years_are_said() -> None:
    words = words_of(days.ordinary(date(2022, 1, 10)))
    assert any("28 декабря 2021 – 3 января 2022" in word for word in words)


def test_the_leap_day_is_a_day_like_any_other() -> None:
    words = words_of(days.leap_day())
    assert words[0] == "Отдел продаж · чт, 29 февраля 2024"
    assert "Данные до 00:00 1 марта, МСК" in words[-1]


@pytest.mark.parametrize(("count", "is_columns"), [(1, True), (2, True), (5, False), (6, False)])
def test_more_groups_than_columns_can_hold_become_rows(count: int, *, is_columns: bool) -> None:
    words = words_of(days.groups(count))
    assert ("Назначен ВУ" in words or "▼ Назначен ВУ" in words) is is_columns


def test_the_branch_is_marked_as_one() -> None:
    words = words_of(days.ordinary())
    assert [word for word in words if word.startswith("↳")] == [
        "↳ Задача 1Л",
        "↳ Дозвон 1Л",
        "↳ ветвь первой линии: записавшиеся сами её не проходят",
    ]


def test_the_specification_names_the_shipped_font_alone() -> None:
    spec = picture_spec(build_report(days.ordinary()))
    assert {
        layer["mark"]["font"] for layer in spec["layer"] if layer["mark"]["type"] == "text"
    } == {FONT}


def test_the_specification_is_valid_vega_lite() -> None:
    import altair as alt

    alt.LayerChart.from_dict(picture_spec(build_report(days.ordinary())), validate=True)


def test_signs_that_the_font_lacks_are_replaced_and_no_other_font_is_asked() -> None:
    inputs = days.changed(days.ordinary(), funnel=days.funnel({"組 😀": (9, 8, 7, 6, 5, 4, 3)}))
    spec = picture_spec(build_report(inputs))
    texts = [mark["text"] for mark in spec["datasets"]["texts"]]
    assert "□ □" in texts


# --- Colours ---------------------------------------------------------------------------------


def _linear(color: str) -> np.ndarray:
    channels = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    low, high = sorted((float(_linear(one) @ weights), float(_linear(other) @ weights)))
    return (high + 0.05) / (low + 0.05)


@every_layout
def test_texts_reach_the_contrast_of_wcag_aa(name: str) -> None:
    for text in texts(name):
        under = [box.color for box in boxes(name) if is_inside(text, box)]
        ground = under[-1] if under else PAPER
        assert contrast(text.color, ground) >= 4.5, text


def test_bars_and_marks_reach_the_contrast_of_wcag_aa_for_graphics() -> None:
    for color in (BREACHED, ALARM, BAR, INK):
        assert contrast(color, PAPER) >= 3
        assert contrast(color, TRACK) >= 3


#: Machado, Oliveira and Fernandes (2009), severity 1.0.
DEFICIENCIES = {
    "none": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
    "no colour at all": np.tile([0.2126, 0.7152, 0.0722], (3, 1)),
}


def _lab(linear: np.ndarray) -> np.ndarray:
    to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    scaled = (to_xyz @ np.clip(linear, 0, 1)) / np.array([0.95047, 1.0, 1.08883])
    f = np.where(scaled > 216 / 24389, np.cbrt(scaled), (24389 / 27 * scaled + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ALARM, BREACHED),
        (ALARM, TRACK),
        (BREACHED, TRACK),
        (ALARM, INK),
        (BAR, PALE_BAR),
        (BAR, INK),
    ],
)
def test_colours_beside_each_other_differ_for_every_eye(
    one: str, other: str, deficiency: str
) -> None:
    """A difference of 10 in CIELAB is plain; 2 is just noticeable."""
    matrix = DEFICIENCIES[deficiency]
    difference = _lab(matrix @ _linear(one)) - _lab(matrix @ _linear(other))
    assert float(np.linalg.norm(difference)) >= 10
