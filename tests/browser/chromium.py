"""Getting a browser onto this machine: Debian's Chromium, and Tesseract, which reads the scans of other tests.

`python -m tests.browser.chromium` installs what is missing where root may, and says what it did. Where it cannot, the
browser tests say that they did not run; with APPLIANCE_REQUIRE_ENGINES=1 they, and this, fail.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence

from tests.engines.install import APT_GET, APT_QUIET

PROGRAMS = {"chromium": ["chromium"], "tesseract": ["tesseract-ocr", "tesseract-ocr-fra"]}
REQUIRED = os.environ.get("APPLIANCE_REQUIRE_ENGINES") == "1"
_TRIES = 2
_PAUSE_SECONDS = 5.0
_APT_SECONDS = 900


def missing_packages() -> list[str]:
    """Debian's packages for what is not in the PATH."""
    return [name for program, packages in PROGRAMS.items() if shutil.which(program) is None for name in packages]


def install(packages: Sequence[str]) -> str | None:
    """Install packages; tells why where that does not succeed. apt's own settings and proxies hold."""
    if shutil.which("apt-get") is None:
        return "there is no apt-get here"
    if os.geteuid() != 0:
        return f"only root may: sudo apt-get install {' '.join(packages)}"
    trouble = None
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(_PAUSE_SECONDS)
        trouble = _apt("update") or _apt("install", "-y", "--no-install-recommends", *packages)
        if trouble is None:
            return None
    return trouble


def _apt(*arguments: str) -> str | None:
    command = [*APT_GET, *arguments]
    try:
        done = subprocess.run(
            command, env={**os.environ, **APT_QUIET}, capture_output=True, text=True, timeout=_APT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"`{' '.join(command)}` did not end within {_APT_SECONDS} s"
    return f"`{' '.join(command)}` failed: {done.stderr.strip()[-500:]}" if done.returncode else None


def main() -> int:
    """Install what is missing; 1 only where a browser is required and there is none."""
    packages = missing_packages()
    if not packages:
        print("Chromium and Tesseract are installed.")
        return 0
    print(f"Installing {', '.join(packages)} …", flush=True)
    started = time.monotonic()
    trouble = install(packages)
    if trouble is None:
        print(f"Installed {', '.join(packages)} in {time.monotonic() - started:.0f} s.")
    else:
        print(f"Not installed: {', '.join(packages)}: {trouble}", file=sys.stderr)
    if shutil.which("chromium") is None:
        print("No Chromium: the browser tests will not run.", file=sys.stderr)
        return 1 if REQUIRED else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
