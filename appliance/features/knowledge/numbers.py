"""Numbers as people write them in English and French, and whether one follows from others.

1,234.5 and 1 234,5 are the same number; so are 30.8 % and 30,8%. A number is compared at the precision it is written with.
"""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

_SPACE = "[ \u00a0\u202f\u2009]"
_NUMBER = re.compile(
    r"(?<![\w.,])(?P<open>\()?(?P<sign>[-−–])?"
    rf"(?P<digits>\d{{1,3}}(?P<mark>,|{_SPACE}|['’])\d{{3}}(?:(?P=mark)\d{{3}})*(?!\d)(?:[.,]\d+)?"
    rf"|\d{{1,3}}(?:\.\d{{3}}){{2,}}(?:,\d+)?|\d+(?:[.,]\d+)?)"
    rf"(?P<close>\))?(?:{_SPACE}?(?P<scale>%|pour cent|percent|per cent|milliards?|millions?|billions?|thousand|milliers?"
    r"|bn|m€|k€|md))?(?![\w])",
    re.IGNORECASE,
)
_SCALES = {
    "thousand": 3, "millier": 3, "milliers": 3, "k€": 3,
    "million": 6, "millions": 6, "m€": 6,
    "milliard": 9, "milliards": 9, "billion": 9, "billions": 9, "bn": 9, "md": 9,
}  # fmt: skip
_PERCENT = frozenset({"%", "percent", "per cent", "pour cent"})
_OPERANDS = 40
_FIRST_YEAR, _LAST_YEAR = 1900, 2100


class Number(msgspec.Struct, frozen=True):
    """A number and where it stands (code points). `decimals`: digits written after the point; `power`: its scale word."""

    value: Decimal
    decimals: int
    start: int
    end: int
    is_percent: bool = False
    power: int = 0

    @property
    def is_year(self) -> bool:
        """A plain integer between 1900 and 2100 is read as a year: it is never an operand."""
        plain = self.decimals == 0 and self.power == 0 and not self.is_percent and self.end - self.start == 4
        return plain and _FIRST_YEAR <= self.value <= _LAST_YEAR

    @property
    def significant(self) -> int:
        """Digits that say something: a match of one or two digits proves little."""
        digits = str(abs(self.value)).replace(".", "").strip("0")
        return len(digits)


def find_numbers(text: str) -> list[Number]:
    """List the numbers of a text, in order."""
    found: list[Number] = []
    for match in _NUMBER.finditer(text):
        value, decimals = _parse(match["digits"])
        if match["sign"] or (match["open"] and match["close"]):
            value = -value
        scale = (match["scale"] or "").lower()
        found.append(
            Number(
                value=value,
                decimals=decimals,
                start=match.start("digits"),
                end=match.end("digits"),
                is_percent=scale in _PERCENT,
                power=_SCALES.get(scale, 0),
            )
        )
    return found


def _parse(digits: str) -> tuple[Decimal, int]:
    """Read grouping and decimal marks: the last mark is decimal unless three digits follow and it groups."""
    plain = re.sub(rf"{_SPACE}|['’]", "", digits)
    dots, commas = plain.count("."), plain.count(",")
    if dots > 1:
        plain = plain.replace(".", "").replace(",", ".")
    elif commas > 1 or (commas and dots and plain.rfind(".") > plain.rfind(",")):
        plain = plain.replace(",", "")
    elif commas and dots:
        plain = plain.replace(".", "").replace(",", ".")
    elif commas:
        whole, _, rest = plain.partition(",")
        plain = whole + rest if len(rest) == 3 and len(whole) <= 3 and whole != "0" else f"{whole}.{rest}"
    whole, _, fraction = plain.partition(".")
    return Decimal(f"{whole or '0'}.{fraction or '0'}"), len(fraction)


def stands(number: Number, among: Iterable[Number]) -> bool:
    """Tell whether a number is written there: same value at its own precision, whatever scale word one of them has."""
    return any(_agrees(number, other.value) or _agrees_scaled(number, other) for other in among)


def _agrees(number: Number, value: Decimal) -> bool:
    """Signs are left out: a report's (459) is a text's 459."""
    unit = Decimal(1).scaleb(-number.decimals)
    return abs(abs(number.value) - abs(value)) <= unit / 2 if number.decimals else abs(number.value) == abs(value)


def _agrees_scaled(number: Number, other: Number) -> bool:
    """$1.4 billion is a table's 1,400 million: compare in full, rounded to what the sentence writes."""
    if number.is_percent or other.is_percent or not number.value or not other.value:
        return False
    for shift in {number.power - other.power, number.power - 6, number.power - 3, number.power} - {0}:
        if number.power and _agrees(number, other.value.scaleb(-shift)):
            return True
    return False


def follows(number: Number, operands: Sequence[Number]) -> bool:
    """Tell whether a number is the sum, difference, ratio or percentage of two numbers, or the sum of all.

    A number of one or two digits is matched by chance too easily and must stand there itself.
    """
    if number.significant < 2 or number.is_year:
        return False
    values = list(dict.fromkeys(abs(other.value) for other in operands if not other.is_year))[:_OPERANDS]
    if len(values) > 2 and _agrees(number, sum(values, Decimal(0))):
        return True
    return any(_follows_pair(number, first, second) for first in values for second in values if first is not second)


def _follows_pair(number: Number, first: Decimal, second: Decimal) -> bool:
    results = [first + second, first - second] if not number.is_percent else []
    if second:
        ratio = first / second
        if number.is_percent or number.decimals:
            results += [ratio * 100, (ratio - 1) * 100]
        if number.decimals and not number.is_percent:
            results.append(ratio)
    return any(_agrees_rounded(number, result) for result in results)


def _agrees_rounded(number: Number, result: Decimal) -> bool:
    unit = Decimal(1).scaleb(-number.decimals)
    return abs(abs(number.value) - abs(result)) <= unit / 2
