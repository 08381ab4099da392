"""What a spreadsheet's number format makes of a number: a date, a time, a percentage, so many decimals.

Source: ECMA-376 part 1, 18.8.30 (numFmt) and 18.17.4.1 (dates).
"""

import datetime as dt
import re
from typing import Literal, NamedTuple

_DATES = {*range(14, 18), *range(27, 32), 36, *range(50, 59)}
_TIMES = {18, 19, 20, 21, 32, 33, 34, 35, 45, 46, 47}
_DATE_AND_TIME = {22}
_DECIMALS = {2: 2, 4: 2, 10: 2, 39: 2, 40: 2, 43: 2, 44: 2, 7: 2, 8: 2}
_PERCENT = {9, 10}
_LITERALS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_LAST_DAY = 2_958_465  # 31 December 9999


class CellFormat(NamedTuple):
    """How a number is shown. `decimals`: as shown, None where the format does not say."""

    kind: Literal["number", "percent", "date", "time", "moment"] = "number"
    decimals: int | None = None
    uses_1904: bool = False

    def show(self, text: str) -> str:
        """Write a stored number down; what is no number stays as it is."""
        try:
            value = float(text)
        except ValueError:
            return text
        if self.kind == "number":
            return self._show_number(value, text)
        if self.kind == "percent":
            return f"{round(value * 100, max(1, self.decimals or 0)):.12g}%"
        return self._show_moment(value) or text

    def _show_number(self, value: float, text: str) -> str:
        if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        if abs(value) >= 1e15 or value != value:  # noqa: PLR0124 - only NaN is not itself
            return text
        return f"{round(value, max(2, self.decimals)):.15g}" if self.decimals is not None else f"{value:.12g}"

    def _show_moment(self, value: float) -> str | None:
        if not 0 <= value <= _LAST_DAY:
            return None
        if self.kind == "time" and value < 1:
            minutes = round(value * 1440)
            return f"{minutes // 60:02d}:{minutes % 60:02d}"
        start = dt.datetime(1904, 1, 1) if self.uses_1904 else dt.datetime(1899, 12, 30 if value >= 60 else 31)  # noqa: DTZ001
        try:
            moment = start + dt.timedelta(seconds=round(value * 86_400))
        except OverflowError:
            return None
        return moment.date().isoformat() if self.kind == "date" else moment.isoformat(sep=" ", timespec="minutes")


def read_format(number: str, code: str | None, *, uses_1904: bool = False) -> CellFormat:
    """Understand a format by its code, or by its number where it is one of those built in."""
    if code is None:
        known = int(number) if number.isdigit() and len(number) < 6 else 0
        return CellFormat(_built_in(known), _DECIMALS.get(known, 0 if known in {1, 3, 9} else None), uses_1904)
    bare = _LITERALS.sub("", code.split(";")[0]).lower()
    decimals = len(match[1]) if (match := re.search(r"\.(0+)", bare)) else 0 if "0" in bare else None
    if "%" in bare:
        return CellFormat("percent", decimals, uses_1904)
    has_day = bool(re.search(r"[yd]|mmm", bare)) or ("m" in bare and not re.search("[hs]", bare))
    has_time = bool(re.search("[hs]", bare))
    if "general" not in bare and (has_day or has_time):
        return CellFormat("moment" if has_day and has_time else "date" if has_day else "time", None, uses_1904)
    return CellFormat("number", decimals, uses_1904)


def _built_in(number: int) -> Literal["number", "percent", "date", "time", "moment"]:
    if number in _DATES:
        return "date"
    if number in _TIMES:
        return "time"
    if number in _DATE_AND_TIME:
        return "moment"
    return "percent" if number in _PERCENT else "number"
