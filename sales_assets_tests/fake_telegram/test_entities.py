import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales_assets_tests.fake_telegram.entities import format_text, utf16_length
from sales_assets_tests.fake_telegram.refusals import Refusal


def parsed(text: str) -> tuple[str, list[tuple[str, int, int]]]:
    found = format_text(text, "HTML", None)
    return found.text, [(one["type"], one["offset"], one["length"]) for one in found.entities]


def test_each_allowed_tag_becomes_an_entity() -> None:
    kinds = {
        "bold": "b strong",
        "italic": "i em",
        "underline": "u ins",
        "strikethrough": "s strike del",
        "code": "code",
        "pre": "pre",
        "blockquote": "blockquote",
        "spoiler": "tg-spoiler",
    }
    for kind, tags in kinds.items():
        for tag in tags.split():
            assert parsed(f"a<{tag}>bc</{tag}>") == ("abc", [(kind, 1, 2)])


def test_offsets_count_utf16_units_and_references_count_as_what_they_stand_for() -> None:
    assert parsed("😀<b>&lt;Ж&amp;&#x1F600;</b>") == ("😀<Ж&😀", [("bold", 2, 5)])


def test_nested_tags_are_listed_from_the_outside() -> None:
    assert parsed("<b>a<i>b</i></b>") == ("ab", [("bold", 0, 2), ("italic", 1, 1)])


def test_a_link_keeps_its_address_and_a_spoiler_may_be_a_span() -> None:
    link = format_text('<a href="https://x.y/?a=1&amp;b=2">t</a>', "HTML", None)
    assert link.entities[0]["url"] == "https://x.y/?a=1&b=2"
    assert parsed('<span class="tg-spoiler">t</span>') == ("t", [("spoiler", 0, 1)])


def test_an_attribute_may_stand_without_a_value() -> None:
    folded = parsed("<blockquote expandable>t</blockquote>")
    assert folded == ("t", [("expandable_blockquote", 0, 1)])
    assert parsed("<blockquote>t</blockquote>") == ("t", [("blockquote", 0, 1)])


def test_white_space_at_the_ends_goes_and_entities_move_with_it() -> None:
    assert parsed(" \n<b>a</b> b \n") == ("a b", [("bold", 0, 1)])


def test_an_unknown_reference_stays_as_it_is() -> None:
    assert parsed("&nbsp; & &copy;")[0] == "&nbsp; & &copy;"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("<b>a", 'Can\'t find end tag corresponding to start tag "b"'),
        ("Ж<p>a</p>", 'Unsupported start tag "p" at byte offset 2'),
        ("1 < 2", 'Unsupported start tag "" at byte offset 2'),
        ("a<b", "Unclosed start tag at byte offset 1"),
        ("a</b>", "Unexpected end tag at byte offset 1"),
        ("<b>a</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("<b>a</b", "Unclosed end tag at byte offset 4"),
        ("<span>a</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
    ],
)
def test_wrong_html_is_refused_in_the_servers_words(text: str, complaint: str) -> None:
    with pytest.raises(Refusal) as caught:
        parsed(text)
    assert caught.value.description == f"Bad Request: can't parse entities: {complaint}"


@given(st.text())
def test_escaped_data_never_breaks_the_html(text: str) -> None:
    import html

    assert parsed(f"<b>{html.escape(text)}</b>")[0] == text.strip()


@given(st.text())
def test_a_length_in_utf16_units_is_the_one_that_python_encodes(text: str) -> None:
    assert utf16_length(text) == sum(2 if ord(sign) > 0xFFFF else 1 for sign in text)
