"""The Markdown that models write, as blocks of a document, and kept from spoiling a file it is put into.

Headings, paragraphs, lists, tables, quotes, fenced code, bold, italic and code in a line; anything else stays as it is
written, formulas too. Every step is linear in the text's length, or bounded by a line.
"""

import re
from collections.abc import Iterator

from appliance.ports.document_writer import Block, Code, Grid, Heading, Item, Paragraph, Quote, Rule, Span

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.{0,200})$")
_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+|$)")
_RULE = re.compile(r" {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$")
_ITEM = re.compile(r"([ \t]{0,40})(?:[-*+]|(\d{1,9})[.)])[ \t]+(?=\S)")
_TABLE_LINE = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*){0,500}\|?[ \t]*$")
_CELL_END = re.compile(r"(?<!\\)\|")
_LONGEST_FORMATTED = 10_000
_INLINE = re.compile(
    r"\\(?P<escaped>[\\`*_{}\[\]()#+\-.!|<>~])"
    r"|(?P<ticks>`{1,3})(?P<code>[^`]{1,300})(?P=ticks)(?!`)"
    r"|!?\[(?P<label>[^\[\]]{1,300})\]\((?P<address>[^()\s]{1,500})\)"
    r"|(?P<delimiter>\*{1,3}|(?<!\w)_{1,3}(?=\S)|(?<=\S)_{1,3}(?!\w))"
)
_CODE_IN_LINE = re.compile(r"(`{1,3}[^`]{1,300}`{1,3})")
_LOADING = re.compile(r"!(?=\[)|<(?=[A-Za-z/!?])")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def clean(text: str) -> str:
    """Take out what no text file holds: control characters and what is no character."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def tame(text: str) -> str:
    """Give Markdown that spoils nothing after it and loads nothing: code is closed, pictures are links, HTML is text."""
    lines, fence = list[str](), ""
    for line in clean(text).split("\n"):
        found = _FENCE.match(line)
        if fence:
            fence = "" if _closes(line, fence) else fence
            lines.append(line)
        elif found and _opens(found):
            fence = found.group(1)
            lines.append(line)
        else:
            lines.append(_tame_line(line))
    return "\n".join([*lines, fence] if fence else lines)


def _tame_line(line: str) -> str:
    pieces = _CODE_IN_LINE.split(line)
    return "".join(
        piece if number % 2 else _LOADING.sub(lambda found: "" if found.group() == "!" else "\\<", piece)
        for number, piece in enumerate(pieces)
    )


def _opens(found: re.Match[str]) -> bool:
    return "`" not in found.group(2) or found.group(1).startswith("~")


def _closes(line: str, fence: str) -> bool:
    bare = line.strip()
    return len(bare) >= len(fence) and set(bare) == {fence[0]}


def blocks_of(text: str, *, below: int = 0) -> list[Block]:
    """Read Markdown as blocks; `below`: how many levels of headings stand above it."""
    return list(_Reader(clean(text).split("\n"), below).blocks())


class _Reader:
    def __init__(self, lines: list[str], below: int) -> None:
        self._lines = lines
        self._below = below
        self._place = 0

    def blocks(self) -> Iterator[Block]:
        """Read from the first line to the last."""
        while self._place < len(self._lines):
            line = self._lines[self._place]
            if not line.strip():
                self._place += 1
            elif (fence := _FENCE.match(line)) and _opens(fence):
                yield self._code(fence.group(1))
            elif heading := _HEADING.match(line):
                self._place += 1
                words = line[heading.end() :].rstrip().rstrip("#").rstrip()
                yield Heading(min(len(heading.group(1)) + self._below, 9), spans_of(words))
            elif _RULE.match(line):
                self._place += 1
                yield Rule()
            elif self._starts_table():
                yield self._table()
            elif line.lstrip().startswith(">"):
                yield self._quote()
            elif item := _ITEM.match(line):
                yield self._item(item)
            else:
                yield self._paragraph()

    def _starts_table(self) -> bool:
        following = self._lines[self._place + 1] if self._place + 1 < len(self._lines) else ""
        return "|" in self._lines[self._place] and "-" in following and bool(_TABLE_LINE.match(following))

    def _code(self, fence: str) -> Code:
        start = self._place = self._place + 1
        while self._place < len(self._lines) and not _closes(self._lines[self._place], fence):
            self._place += 1
        end = self._place
        self._place += 1
        return Code("\n".join(self._lines[start:end]))

    def _table(self) -> Grid:
        rows = [_cells(self._lines[self._place])]
        self._place += 2
        while self._place < len(self._lines) and "|" in self._lines[self._place]:
            rows.append(_cells(self._lines[self._place]))
            self._place += 1
        return Grid(rows)

    def _quote(self) -> Quote:
        words = list[str]()
        while self._place < len(self._lines) and self._lines[self._place].lstrip().startswith(">"):
            words.append(self._lines[self._place].lstrip().lstrip(">").strip())
            self._place += 1
        return Quote(spans_of("\n".join(words)))

    def _item(self, found: re.Match[str]) -> Item:
        words = [self._lines[self._place][found.end() :]]
        self._place += 1
        while self._place < len(self._lines) and self._goes_on(self._lines[self._place]):
            words.append(self._lines[self._place].strip())
            self._place += 1
        depth = len(found.group(1).expandtabs(4)) // 2
        number = int(found.group(2)) if found.group(2) else None
        return Item(spans_of("\n".join(words)), level=min(depth, 8), number=number)

    def _paragraph(self) -> Paragraph:
        words = [self._lines[self._place].strip()]
        self._place += 1
        while self._place < len(self._lines) and self._goes_on(self._lines[self._place]):
            words.append(self._lines[self._place].strip())
            self._place += 1
        return Paragraph(spans_of("\n".join(words)))

    def _goes_on(self, line: str) -> bool:
        """Tell whether a line belongs to the paragraph before it."""
        begins = line.lstrip().startswith(">") or any(mark.match(line) for mark in (_FENCE, _HEADING, _RULE, _ITEM))
        return bool(line.strip()) and not begins and not self._starts_table()


def _cells(line: str) -> list[list[Span]]:
    bare = line.strip().removeprefix("|")
    bare = bare[:-1] if bare.endswith("|") and not bare.endswith("\\|") else bare
    return [spans_of(cell.strip().replace("\\|", "|")) for cell in _CELL_END.split(bare)]


def spans_of(text: str) -> list[Span]:
    """Read bold, italic, code and links of one paragraph; what is never closed stays as it is written."""
    if len(text) > _LONGEST_FORMATTED:
        return [Span(text)]
    tokens = list(_tokens(text))
    paired = _pairs([kind for kind, _ in tokens])
    spans, bold, italic = list[Span](), False, False
    for number, (kind, words) in enumerate(tokens):
        if number in paired:
            bold ^= len(kind) >= 2
            italic ^= len(kind) != 2
        elif words:
            spans.append(Span(words, bold=bold, italic=italic, code=kind == "code"))
    return _joined(spans)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """Give pieces with their kind: "", "code", or the delimiter itself."""
    end = 0
    for found in _INLINE.finditer(text):
        yield "", text[end : found.start()]
        end = found.end()
        if (escaped := found["escaped"]) is not None:
            yield "", escaped
        elif (code := found["code"]) is not None:
            yield "code", code
        elif (label := found["label"]) is not None:
            yield "", label if label == found["address"] else f"{label} ({found['address']})"
        else:
            delimiter = found["delimiter"]
            is_alone = text[end : end + 1].isspace() and text[max(0, found.start() - 1) : found.start()].isspace()
            yield ("" if is_alone else delimiter), delimiter
    yield "", text[end:]


def _pairs(kinds: list[str]) -> set[int]:
    """Name the delimiters that open and close: the nearest of the same kind, those between them left open or paired."""
    paired, opened = set[int](), list[int]()
    for number, kind in enumerate(kinds):
        if kind in {"", "code"}:
            continue
        for depth in range(len(opened) - 1, max(-1, len(opened) - 4), -1):
            if kinds[opened[depth]] == kind:
                paired |= {opened[depth], number}
                del opened[depth:]
                break
        else:
            opened.append(number)
    return paired


def _joined(spans: list[Span]) -> list[Span]:
    joined = list[Span]()
    for span in spans:
        last = joined[-1] if joined else None
        if last and (last.bold, last.italic, last.code) == (span.bold, span.italic, span.code):
            joined[-1] = Span(last.text + span.text, bold=span.bold, italic=span.italic, code=span.code)
        else:
            joined.append(span)
    return joined
