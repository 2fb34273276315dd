"""The words around the report: changes told, repeats flagged, refused forms adapted."""

from datetime import date

from sales_assets.core.delivery import messages
from sales_assets.core.delivery.messages import Message, adapted, changes_text
from sales_assets.core.delivery.rows import Outcome

DAY = date(2026, 3, 1)


def test_a_change_is_told_by_name_from_what_to_what() -> None:
    text = changes_text(DAY, {"Новые <оплаты>": 1200, "б": 1}, {"Новые <оплаты>": 1300.5, "б": 1})
    assert text == (
        "Отчёт за 1\u00a0марта уточнён. Новые &lt;оплаты&gt;: было 1\u00a0200, стало 1\u00a0300,5."
    )


def test_a_number_that_was_missing_is_told_as_missing() -> None:
    text = changes_text(DAY, {}, {"а": 3})
    assert text is not None
    assert "было «нет данных», стало 3" in text


def test_numbers_that_read_the_same_are_no_change() -> None:
    assert changes_text(DAY, {"а": 0.1 + 0.2}, {"а": 0.3}) is None
    assert changes_text(DAY, {"а": None}, {"а": None}) is None


def test_a_refused_picture_goes_as_a_file_and_then_as_words_that_say_so() -> None:
    photo = Message("<b>a</b>", file=b"x", file_id="old")
    upload = adapted(photo, Outcome.FILE_ID_REFUSED)
    assert upload is not None
    assert (upload.media, upload.file_id) == ("photo", None)
    for refused in (Outcome.PICTURE_REFUSED, Outcome.PICTURE_FORBIDDEN, Outcome.FILE_ID_REFUSED):
        document = adapted(upload, refused)
        assert document is not None
        assert document.media == "document"
        words = adapted(document, refused)
        assert words is not None
        assert words.media is None
        assert "Картинки в этот раз нет" in words.html
        assert adapted(words, refused) is None


def test_what_is_too_large_goes_as_a_file_at_most() -> None:
    document = adapted(Message("a", file=b"x"), Outcome.TOO_LARGE)
    assert document is not None
    assert adapted(document, Outcome.TOO_LARGE) is None


def test_refused_markup_goes_as_plain_text_once() -> None:
    plain = adapted(Message("<b>a"), Outcome.MARKUP)
    assert plain is not None
    assert plain.is_plain
    assert adapted(plain, Outcome.MARKUP) is None


def test_a_refused_spreadsheet_goes_as_words_that_say_so() -> None:
    book = Message("a", file=b"x", file_name="stuck.xlsx", as_document=True)
    for refused in (Outcome.PICTURE_REFUSED, Outcome.PICTURE_FORBIDDEN):
        words = adapted(book, refused)
        assert words is not None
        assert words.media is None
        assert "Таблицы здесь нет" in words.html
        assert "Картинки" not in words.html
        assert adapted(words, refused) is None
    assert adapted(book, Outcome.TOO_LARGE) is None


def test_a_repeat_says_so_where_there_is_room() -> None:
    assert "Возможен повтор" in messages.with_repeat_note("слово", 1024)
    assert messages.with_repeat_note("а" * 1024, 1024) == "а" * 1024
