"""Works out the numbers Word shows before paragraphs and does not store with them: `Article 5`, `2.1.`, `b)`.

Contracts are cited by those numbers. Source: ECMA-376 part 1, 17.9 (numbering).
"""

from typing import Any, NamedTuple

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
STRICT = "{http://purl.oclc.org/ooxml/wordprocessingml/main}"


class Level(NamedTuple):
    """One level of a list."""

    start: int
    form: str
    pattern: str


class Numbering:
    """The lists of a document, counting as it is read."""

    def __init__(self, tree: Any) -> None:
        """`tree`: the part numbering.xml, or None."""
        self._abstract: dict[str, dict[int, Level]] = {}
        self._lists: dict[str, str] = {}
        self._counts: dict[str, dict[int, int]] = {}
        if tree is None:
            return
        for element in children(tree, "abstractNum"):
            levels = {number(attribute(level, "ilvl")): _read_level(level) for level in children(element, "lvl")}
            self._abstract[attribute(element, "abstractNumId")] = levels
        for element in children(tree, "num"):
            self._lists[attribute(element, "numId")] = value(element, "abstractNumId")

    def label(self, list_id: str, depth: int) -> str:
        """Count one paragraph and give what stands before it; empty where nothing does."""
        abstract = self._lists.get(list_id)
        levels = self._abstract.get(abstract or "", {})
        level = levels.get(depth)
        if abstract is None or level is None or level.form == "none":
            return ""
        if level.form == "bullet":
            return "•"
        counts = self._counts.setdefault(abstract, {})
        counts[depth] = counts.get(depth, level.start - 1) + 1
        for deeper in [other for other in counts if other > depth]:
            del counts[deeper]
        label = level.pattern
        for position in range(depth + 1):
            at = levels.get(position, level)
            shown = write_number(counts.get(position, at.start), at.form)
            label = label.replace(f"%{position + 1}", shown)
        return label.strip()


def write_number(count: int, form: str) -> str:
    """Write a list's number the way its level asks for."""
    if form in {"lowerLetter", "upperLetter"} and count > 0:
        letter = chr(ord("a") + (count - 1) % 26) * ((count - 1) // 26 % 100 + 1)
        return letter.upper() if form == "upperLetter" else letter
    if form in {"lowerRoman", "upperRoman"} and 0 < count < 4000:
        roman = _roman(count)
        return roman if form == "upperRoman" else roman.lower()
    if form == "decimalZero":
        return f"{count:02d}"
    return str(count)


def children(element: Any, name: str) -> list[Any]:
    """Give the children of a name, in whichever of the two namespaces the file is written."""
    return [child for child in element if child.tag in {W + name, STRICT + name}]


def child(element: Any, name: str) -> Any:
    """Give the first child of a name, or None."""
    return next(iter(children(element, name)), None)


def attribute(element: Any, name: str) -> str:
    """Give an attribute, empty where there is none."""
    return element.get(W + name) or element.get(STRICT + name) or ""


def value(element: Any, name: str) -> str:
    """Give `val` of the first child of a name."""
    found = child(element, name)
    return attribute(found, "val") if found is not None else ""


def number(text: str, *, default: int = 0) -> int:
    """Read a small number that may be missing or nonsense."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else default


def _read_level(element: Any) -> Level:
    start = number(value(element, "start"), default=1)
    return Level(start, value(element, "numFmt") or "decimal", value(element, "lvlText"))


def _roman(count: int) -> str:
    letters = ""
    for size, letter in zip(
        (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1),
        ("M", "CM", "D", "CD", "C", "XC", "L", "XL", "X", "IX", "V", "IV", "I"),
        strict=True,
    ):
        repeats, count = divmod(count, size)
        letters += letter * repeats
    return letters
