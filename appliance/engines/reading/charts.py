"""Reads the figures behind charts in Office files: a chart is a table that was drawn.

Source: ECMA-376 part 1, 21.2 (DrawingML charts); the values cached in the file are read, no workbook is opened.
"""

import re
from collections.abc import Iterator
from typing import Any

from appliance.engines.reading.archives import Archive
from appliance.engines.reading.text_cleaning import squeeze

_CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_MOST_POINTS = 2_000


def read_charts(archive: Archive, folder: str) -> Iterator[list[list[str]]]:
    """Give the tables of the charts in a folder of the archive, in the order of their numbers."""
    names = [name for name in archive.names if re.fullmatch(re.escape(folder) + r"chart\d*\.xml", name)]
    for name in sorted(names, key=lambda one: (len(one), one)):
        if rows := read_chart(archive, name):
            yield rows


def read_chart(archive: Archive, name: str) -> list[list[str]]:
    """Give one chart: a row of names (the chart's title, its series), then a row for each category."""
    tree = archive.tree(name)
    if tree is None:
        return []
    series: list[tuple[str, dict[int, str]]] = []
    categories: dict[int, str] = {}
    for element in tree.iter(f"{_CHART}ser"):
        label = " ".join(_points(element.find(f"{_CHART}tx")).values())
        values = _points(element.find(f"{_CHART}val")) or _points(element.find(f"{_CHART}yVal"))
        for kind in ("cat", "xVal"):
            categories = categories or _points(element.find(_CHART + kind))
        if values:
            series.append((label, values))
    if not series:
        return []
    title = tree.find(f"{_CHART}chart/{_CHART}title")
    words = squeeze("".join(text for text in title.itertext() if text)) if title is not None else ""
    rows = [[words, *(label for label, _values in series)]]
    positions = sorted(set().union(*(values for _label, values in series)))[:_MOST_POINTS]
    return rows + [
        [categories.get(position, ""), *(values.get(position, "") for _label, values in series)]
        for position in positions
    ]


def _points(element: Any) -> dict[int, str]:
    """Read the cached points below an element by their position."""
    found: dict[int, str] = {}
    for point in element.iter(f"{_CHART}pt") if element is not None else ():
        text, position = point.findtext(f"{_CHART}v"), point.get("idx", "")
        if text and position.isdigit():
            found[int(position)] = _short(text)
    if not found and element is not None:
        found = {0: text} if (text := squeeze(element.findtext(f".//{_CHART}v") or "")) else {}
    return found


def _short(text: str) -> str:
    try:
        return f"{float(text):.12g}"
    except ValueError:
        return squeeze(text)
