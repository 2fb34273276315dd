import unicodedata

import pytest

from sales_assets.core import journey
from sales_assets.core.dictionary import AmbiguousDictionaryError, EventDictionary, silhouette
from sales_assets.core.journey import EVENT_TYPES, PURCHASE
from sales_assets.core.source_findings import (
    FINDINGS,
    Finding,
    FindingKind,
    Reason,
    missing_on_the_day,
    not_counted,
    parts_living_on,
)
from sales_assets.demo.journeys import DICTIONARY

#: id to name, as a source that fits has them.
WHOLE = {str(number): name for name, number in DICTIONARY.items()}
REQUESTS = next(number for number, name in WHOLE.items() if name == journey.REQUEST_CREATED)
ANSWERS = next(number for number, name in WHOLE.items() if name == journey.FIRST_LINE_ANSWERED)
WHATSAPP = next(number for number, name in WHOLE.items() if name == journey.WHATSAPP_SENT)


def read(**changes: str | None) -> EventDictionary:
    """The whole dictionary with some names changed; None takes a row away."""
    rows = WHOLE | {number.removeprefix("id"): name for number, name in changes.items()}
    return EventDictionary.of((number, name) for number, name in rows.items() if name is not None)


def renamed(number: str, name: str | None) -> EventDictionary:
    return read(**{f"id{number}": name})


def found(dictionary: EventDictionary, before: dict[str, str] | None = None) -> list[Finding]:
    return list(dictionary.compared_with(before or {}))


def test_the_names_of_the_definitions_fit() -> None:
    dictionary = read()
    assert dictionary.type_of == WHOLE
    others = sorted(set(WHOLE.values()).difference(EVENT_TYPES))
    assert dictionary.types == (*EVENT_TYPES, *others)
    assert found(dictionary) == []


@pytest.mark.parametrize(
    "name",
    [
        f"{journey.FIRST_LINE_ANSWERED} ",
        f"\u00a0{journey.FIRST_LINE_ANSWERED}\t",
        journey.FIRST_LINE_ANSWERED.replace(" ", "\u2003 ", 1),
        journey.FIRST_LINE_ANSWERED.replace("ч", "ч\u200b"),
        journey.FIRST_LINE_ANSWERED.upper(),
        "\ufeff" + journey.FIRST_LINE_ANSWERED,
        journey.FIRST_LINE_ANSWERED.replace(" ", "\x01", 1),
    ],
)
def test_blanks_case_and_signs_unseen_do_not_count(name: str) -> None:
    dictionary = renamed(ANSWERS, name)
    assert dictionary.type_of[ANSWERS] == journey.FIRST_LINE_ANSWERED
    assert found(dictionary) == []


def test_a_decomposed_letter_is_the_composed_one() -> None:
    lesson = next(number for number, name in WHOLE.items() if name == journey.LESSON_SUCCEEDED)
    decomposed = journey.LESSON_SUCCEEDED.replace("й", "и\u0306")
    dictionary = renamed(lesson, decomposed)
    assert dictionary.type_of[lesson] == journey.LESSON_SUCCEEDED
    assert found(dictionary) == []


@pytest.mark.parametrize(
    ("number", "name", "kind"),
    [
        (REQUESTS, "C" + journey.REQUEST_CREATED[1:], journey.REQUEST_CREATED),
        (REQUESTS, journey.REQUEST_CREATED.replace("о", "o"), journey.REQUEST_CREATED),
        (WHATSAPP, journey.WHATSAPP_SENT.replace("A", "А"), journey.WHATSAPP_SENT),
        (WHATSAPP, journey.WHATSAPP_SENT.replace("р", "ρ"), journey.WHATSAPP_SENT),
        (WHATSAPP, journey.WHATSAPP_SENT.replace("WA", "ＷＡ"), journey.WHATSAPP_SENT),
        (REQUESTS, journey.REQUEST_CREATED.replace("о", "0"), journey.REQUEST_CREATED),
        (REQUESTS, journey.REQUEST_CREATED.replace("и", "и\u0301"), journey.REQUEST_CREATED),
        (ANSWERS, journey.FIRST_LINE_ANSWERED.replace("1", "l"), journey.FIRST_LINE_ANSWERED),
    ],
)
def test_what_looks_like_one_name_is_taken_for_it_and_said(
    number: str, name: str, kind: str
) -> None:
    dictionary = renamed(number, name)
    assert dictionary.type_of[number] == kind
    (told,) = found(dictionary)
    assert told.kind is FindingKind.LOOK_ALIKE
    assert told.parts == ()
    assert f"id {number} " in told.sentence
    assert "(U+0" in told.sentence


def test_ids_are_trimmed_and_two_ids_of_one_name_are_one_type() -> None:
    dictionary = EventDictionary.of([*WHOLE.items(), (" 777 ", journey.REQUEST_CREATED)])
    assert dictionary.type_of["777"] == journey.REQUEST_CREATED
    assert found(dictionary) == []


def test_a_name_that_no_definition_knows_keeps_its_spelling_and_is_one_type_in_any_case() -> None:
    dictionary = EventDictionary.of([("1", "Новое  событие"), ("2", "НОВОЕ событие ")])
    assert dictionary.type_of == {"1": "Новое событие", "2": "Новое событие"}


def test_a_name_of_composed_letters_is_the_same_type_in_whatever_form_it_is_written() -> None:
    apart = EventDictionary.of([("1", unicodedata.normalize("NFD", "Новый кабинет"))])
    assert apart.type_of == {"1": "Новый кабинет"}


def test_no_two_names_of_the_definitions_look_alike() -> None:
    assert len(set(map(silhouette, EVENT_TYPES))) == len(EVENT_TYPES)


def test_a_missing_type_takes_the_parts_that_live_on_it() -> None:
    (told,) = found(renamed(REQUESTS, None))
    assert told.kind is FindingKind.TYPE_MISSING
    assert set(not_counted([told])) == {"open_requests", "funnel"}
    assert not_counted([told])["funnel"] is Reason.TYPE_MISSING


def test_a_changed_name_is_told_old_and_new() -> None:
    new = "Создание заявки (сайт)"
    told = found(renamed(REQUESTS, new), WHOLE)
    assert [one.kind for one in told] == [FindingKind.NAME_CHANGED, FindingKind.TYPE_MISSING]
    assert f"it was {journey.REQUEST_CREATED!r}, it is {new!r}" in told[0].sentence
    assert told[0].sample == (f"{REQUESTS}: {journey.REQUEST_CREATED} → {new}",)
    assert f"It was the id {REQUESTS}. Compare" in told[1].sentence


def test_an_experiments_type_is_gone_only_if_an_earlier_run_saw_it() -> None:
    without = renamed(WHATSAPP, None)
    assert found(without) == []
    (told,) = found(without, WHOLE)
    assert told.kind is FindingKind.EXPERIMENT_GONE
    assert "; its row is gone." in told.sentence
    assert set(not_counted([told])) == {
        "new_paying",
        "open_requests",
        "first_line",
        "second_line",
        "lesson_payment",
        "funnel",
        "expiring",
    }


def test_purchases_need_no_row() -> None:
    rows = {number: name for number, name in WHOLE.items() if name != PURCHASE}
    assert found(EventDictionary.of(rows.items())) == []
    needed = [one.sentence for one in found(EventDictionary.of([]))]
    assert len(needed) == 8
    assert not [sentence for sentence in needed if repr(PURCHASE) in sentence]


def test_two_names_of_one_id_stop_only_for_a_needed_type() -> None:
    dictionary = EventDictionary.of([*WHOLE.items(), ("99", "Одно"), ("99", "Другое"), ("98", " ")])
    (told,) = found(dictionary)
    assert told.kind is FindingKind.TWO_NAMES
    assert told.parts == ()
    assert dictionary.type_of["99"] == "Другое"
    with pytest.raises(AmbiguousDictionaryError, match=f"the event id {REQUESTS} as"):
        EventDictionary.of([*WHOLE.items(), (REQUESTS, "Заявка")])


def test_an_empty_name_is_no_name_and_another_spelling_no_other_name() -> None:
    rows = [*WHOLE.items(), (REQUESTS, "  "), (REQUESTS, f"{journey.REQUEST_CREATED} ")]
    assert found(EventDictionary.of(rows)) == []


def test_a_process_lives_on_its_start_and_all_its_ends() -> None:
    assert parts_living_on(journey.SECOND_LINE_TASK) == (
        "open_requests",
        "second_line",
        "lesson_payment",
    )
    assert parts_living_on(journey.LESSON_ATTENDED) == ("open_requests", "funnel")


def test_parts_stand_in_the_report_s_order_each_with_the_first_reason() -> None:
    silent = missing_on_the_day([journey.SECOND_LINE_REACHED, PURCHASE])
    of_type, of_payments = Reason.TYPE_MISSING, Reason.PAYMENTS_MISSING
    assert list(not_counted(silent).items()) == [
        ("new_paying", of_payments),
        ("open_requests", of_type),
        ("first_line", of_payments),
        ("second_line", of_type),
        ("lesson_payment", of_payments),
        ("funnel", of_payments),
        ("expiring", of_type),
    ]


def test_findings_are_the_same_after_they_were_stored() -> None:
    for one in found(renamed(REQUESTS, "Заявка"), WHOLE):
        assert FINDINGS.validate_python(FINDINGS.dump_python((one,), mode="json")) == (one,)
