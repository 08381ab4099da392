"""Reads files found inside files (what is attached to a mail, what a PDF portfolio holds), to a depth and a count."""

from collections.abc import Callable, Iterable

import msgspec

from appliance.core.errors import ApplianceError
from appliance.engines.reading.source import Reading, Source
from appliance.ports.parser import Locator, Section

ReadAny = Callable[[Source], Reading]
_LEAST_SECONDS = 10.0


def read_attached(
    source: Source, files: Iterable[tuple[str, bytes]], read_any: ReadAny, *, characters: int
) -> list[Section]:
    """Read the files attached to one, `characters` of text at most; what cannot be read is left out."""
    sections: list[Section] = []
    if source.depth >= source.limits.attachment_depth:
        return sections
    for count, (name, content) in enumerate(files):
        if count >= source.limits.attachments or characters <= 0 or source.seconds_left() < _LEAST_SECONDS:
            break
        if not content:
            continue
        try:
            for section in read_any(source.attached(content, name)).sections:
                characters -= len(section.text)
                sections.append(_inside(section, name))
        except ApplianceError:
            continue  # the file around it is read all the same, and names what is attached
    return sections


def _inside(section: Section, name: str) -> Section:
    """Place a section of an attachment in the file around it: no pages there, so its page is part of its place."""
    place = section.locator.value if section.locator else f"p. {section.page}" if section.page else ""
    locator = Locator("section", f"{name}, {place}" if place else name)
    return msgspec.structs.replace(section, page=None, lines=(), headings=(name, *section.headings), locator=locator)
