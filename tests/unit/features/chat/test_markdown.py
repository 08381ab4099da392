import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.features.chat.markdown import blocks_of, spans_of, tame
from appliance.ports.document_writer import Code, Grid, Heading, Item, Paragraph, Quote, Rule, Span


def test_what_models_write_becomes_blocks() -> None:
    text = """# Title #
First line
second line [1].

- one
  - **two**
1. first
   goes on
2) second

| a | b \\| c |
|---|:-:|
| 1 | `x|` |

> said
> so
---
```python
if x:
    print("*")
```
#hashtag"""
    assert blocks_of(text, below=1) == [
        Heading(2, [Span("Title")]),
        Paragraph([Span("First line\nsecond line [1].")]),
        Item([Span("one")]),
        Item([Span("two", bold=True)], level=1),
        Item([Span("first\ngoes on")], number=1),
        Item([Span("second")], number=2),
        Grid([[[Span("a")], [Span("b | c")]], [[Span("1")], [Span("`x")], [Span("`")]]]),
        Quote([Span("said\nso")]),
        Rule(),
        Code('if x:\n    print("*")'),
        Paragraph([Span("#hashtag")]),
    ]


@pytest.mark.parametrize(
    "text,spans",
    [
        ("a **b** c", [Span("a "), Span("b", bold=True), Span(" c")]),
        ("*a* _b_ __c__", [Span("a", italic=True), Span(" "), Span("b", italic=True), Span(" "), Span("c", bold=True)]),
        ("***a***", [Span("a", bold=True, italic=True)]),
        ("**a *b* c**", [Span("a ", bold=True), Span("b", bold=True, italic=True), Span(" c", bold=True)]),
        ("`a**b`", [Span("a**b", code=True)]),
        ("2 * 3 * 4, snake_case_name, 5*", [Span("2 * 3 * 4, snake_case_name, 5*")]),
        ("**never closed", [Span("**never closed")]),
        (r"\*stars\* $x_1$", [Span("*stars* $x_1$")]),
        ("[a](http://x.test/y) ![p](z.png)", [Span("a (http://x.test/y) p (z.png)")]),
        ("", []),
    ],
)
def test_a_line_has_its_looks(text: str, spans: list[Span]) -> None:
    assert spans_of(text) == spans


def test_a_table_that_is_none_is_words() -> None:
    assert blocks_of("a | b\nc | d") == [Paragraph([Span("a | b\nc | d")])]


@pytest.mark.parametrize(
    "text,tamed",
    [
        ("```\ncode <img>", "```\ncode <img>\n```"),
        ("~~~~\n```", "~~~~\n```\n~~~~"),
        ("![x](http://a.test/b.png)", "[x](http://a.test/b.png)"),
        ("<img src=x> a < b `<i>`", "\\<img src=x> a < b `<i>`"),
        ("a\x00\x1b[0m\ufffeb\r\nc", "a[0mb\nc"),
    ],
)
def test_markdown_in_a_file_spoils_nothing(text: str, tamed: str) -> None:
    assert tame(text) == tamed


@given(st.text(alphabet="a *_`[]()|-#>\n\\1.!<~", max_size=300))
def test_anything_can_be_read(text: str) -> None:
    blocks_of(text)
    assert tame(text).count("\n") >= text.count("\n")


@pytest.mark.parametrize(
    "piece", ["*a ", "**a", "`a ", "[a](", "| ", "- ", "> ", "```\n", "_a ", "\\", "|-", "a|\n-|-\n", "[", "  "]
)
def test_a_hostile_text_is_read_in_reasonable_time(piece: str) -> None:
    started = time.process_time()
    blocks_of(piece * (300_000 // len(piece)))
    tame(piece * (300_000 // len(piece)))
    assert time.process_time() - started < 10
