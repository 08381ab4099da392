"""What this machine has: its memory, as the kernel tells it."""

from pathlib import Path
from typing import NamedTuple

_MEMORY = Path("/proc/meminfo")
_KILOBYTE = 1024


class Memory(NamedTuple):
    """Bytes in all, and those that a new program could have; zeros where the kernel tells nothing."""

    total: int
    available: int


def read_memory(path: Path = _MEMORY) -> Memory:
    """Read `/proc/meminfo` (proc(5)): its numbers are kilobytes."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError:
        return Memory(0, 0)
    known = {name: rest.split()[0] for name, _, rest in (line.partition(":") for line in lines) if rest.split()}
    return Memory(*(int(known.get(name, "0")) * _KILOBYTE for name in ("MemTotal", "MemAvailable")))
