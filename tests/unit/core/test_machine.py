"""What the kernel tells of memory."""

from pathlib import Path

from appliance.core.machine import Memory, read_memory


def test_kilobytes_are_told_in_bytes(tmp_path: Path) -> None:
    told = tmp_path / "meminfo"
    told.write_text(
        "MemTotal:       2000 kB\nMemFree:         100 kB\nMemAvailable:    500 kB\nHugePages_Total:       0\n"
    )
    assert read_memory(told) == Memory(2_048_000, 512_000)


def test_a_kernel_that_tells_nothing(tmp_path: Path) -> None:
    assert read_memory(tmp_path / "absent") == Memory(0, 0)
