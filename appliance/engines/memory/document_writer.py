"""A document as plain text, block by block: for tests of what goes into one."""

from appliance.ports.document_writer import Block, Code, Grid, Heading, Item, Paragraph, Quote, Span, WrittenDocument


class MemoryDocumentWriter:
    """Writes what a reader would see, a block a line."""

    media_type = "text/plain"
    suffix = ".txt"

    def write(self, document: WrittenDocument) -> bytes:
        """Give the text in UTF-8."""
        lines = [document.title, *(_line(block) for block in document.blocks)]
        return "\n".join(lines).encode("utf-8", errors="ignore")


def _line(block: Block) -> str:
    match block:
        case Heading(level, spans):
            return f"{'#' * level} {_text(spans)}"
        case Paragraph(spans) | Quote(spans):
            return _text(spans)
        case Item(spans, level, number):
            return f"{'  ' * level}{'-' if number is None else f'{number}.'} {_text(spans)}"
        case Code(text):
            return text
        case Grid(rows):
            return "\n".join(" | ".join(_text(cell) for cell in row) for row in rows)
        case _:
            return "---"


def _text(spans: list[Span]) -> str:
    return "".join(span.text for span in spans)
