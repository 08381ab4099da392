"""What a bench hands back, how it is printed, and the machine it was measured on."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One row: `ok` is None where nothing was promised; `note` says what it was measured against."""

    what: str
    measured: str
    must: str = ""
    aim: str = ""
    ok: bool | None = None
    note: str = ""


def at_most(what: str, value: float, must: float, aim: float, unit: str = "", *, note: str = "") -> Figure:
    """A figure that should be small."""
    return Figure(what, f"{_short(value)}{unit}", f"<= {must:g}{unit}", f"{aim:g}{unit}", value <= must, note)


def at_least(what: str, value: float, must: float, aim: float, unit: str = "", *, note: str = "") -> Figure:
    """A figure that should be large."""
    return Figure(what, f"{_short(value)}{unit}", f">= {must:g}{unit}", f"{aim:g}{unit}", value >= must, note)


def _short(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 100 else f"{value:.0f}"


def describe_machine() -> str:
    """Name processor, cores, memory, Python, and how busy the machine is with other things."""
    processor = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.processor() or platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    cores = len(os.sched_getaffinity(0))
    return (
        f"{processor}, {cores} cores, {memory:.0f} GB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}"
    )


def print_figures(figures: list[Figure]) -> None:
    """Lay rows out; a row that misses what was promised is marked."""
    header = Figure("what", "measured", "must", "aim", None, "")
    columns = [[row.what, row.measured, row.must, row.aim] for row in [header, *figures]]
    widths = [max(len(row[column]) for row in columns) for column in range(4)]
    for figure, row in zip([header, *figures], columns, strict=True):
        mark = " " if figure.ok is None else "✓" if figure.ok else "✗"
        cells = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print(f"{mark} {cells}  {figure.note}".rstrip())
