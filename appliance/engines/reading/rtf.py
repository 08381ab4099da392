"""Reads RTF: its text, with what it says of its own title."""

import re

from striprtf.striprtf import rtf_to_text

from appliance.engines.reading.errors import DamagedFile
from appliance.engines.reading.flow import Flow
from appliance.engines.reading.source import Reading, Source
from appliance.engines.reading.text_cleaning import clean
from appliance.engines.reading.titles import sane_title

MEDIA_TYPE = "application/rtf"
_TITLE = re.compile(r"\{\\title\s+([^{}]{1,400})\}")
_HEX_DATA = re.compile(rb"\{\\\*?\\?(?:pict|objdata)[^{}]*(?:\{[^{}]*\}[^{}]*)*\}")


def read_rtf(source: Source) -> Reading:
    """Read RTF. Raises DamagedFile."""
    data = _HEX_DATA.sub(b"", bytes(source.data))
    try:
        text = clean(rtf_to_text(data.decode("latin-1"), errors="replace"))
        title = _TITLE.search(data[:20_000].decode("latin-1"))
        stated = rtf_to_text("{\\rtf1 " + title[1] + "}") if title else None
    except (ValueError, KeyError, IndexError, LookupError, TypeError):
        raise DamagedFile(filename=source.filename) from None
    flow = Flow(source)
    rows: list[list[str]] = []
    for line in text.split("\n"):
        if line.count("|") >= 2 and line.rstrip().endswith("|"):
            rows.append(line.rstrip().rstrip("|").split("|"))
            continue
        if rows:
            flow.table(rows)
            rows = []
        flow.paragraph(line)
    if rows:
        flow.table(rows)
    return Reading(media_type=MEDIA_TYPE, title=sane_title(stated), sections=flow.finish())
