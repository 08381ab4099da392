"""Where the house's files are, read once for all its tests."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "appliance"
DOCS = PACKAGE / "docs"
WEB = PACKAGE / "web"
_NOT_OURS = {"node_modules", "dist", "__pycache__"}


def walk(folder: Path, *endings: str) -> Iterator[Path]:
    """Name the files below a folder with one of the endings, what was built or installed left out."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in endings and not _NOT_OURS.intersection(path.parts):
            yield path


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the package, by its path from the root."""
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in walk(PACKAGE, ".py")
    }


def place(path: str, node: ast.AST) -> str:
    """Say where a finding is, so that an editor can jump there."""
    return f"{path}:{getattr(node, 'lineno', 0)}"
