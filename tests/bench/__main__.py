"""`just bench [NAME…]`: every figure, measured through the product, as ratios side by side where another machine would differ.

Names: the modules below. `--directory DIR` keeps what was indexed there for the next run; `--strict` exits 1 where a
figure misses what it must reach. On a busy machine times are pessimistic, ratios and quality are not.
"""

import argparse
import asyncio
import importlib
import os
import sys
import tempfile
import traceback
from pathlib import Path

import msgspec

from appliance.core.logging import configure_logging
from appliance.core.settings_sections import Logging
from tests.bench.figures import Figure, describe_machine, print_figures

BENCHES = {
    "startup": "up to the first /health of an installation that has its bytecode, and what it holds then",
    "indexing": "real PDFs through the product, against parsing and embedding them bare",
    "search": "100 000 passages over HTTP with a permission filter, against the bare engine",
    "memory": "what 1 000 documents cost while they are indexed and after",
    "retrieval": "how well is found, and what is refused",
    "routing": "who is chosen for messages whose answerer is known, without a language model",
    "chat": "conversations over a scripted engine: first token, tokens a second, 300 streams at once",
    "conversations": "10 000 conversations: listed, opened, searched",
    "first_token": "the first token of an answer, over the engine's own",
    "compatible": "what clients of /v1 pay over the bare engine",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="just bench", description="Measure the figures.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES))
    parser.add_argument("--directory", type=Path, help="keep data here")
    parser.add_argument("--strict", action="store_true", help="exit 1 where a figure misses")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(BENCHES):
        parser.error(f"no bench is called {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}")
    # An installation has its bytecode; where a container forbids writing it, compiling would be measured.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    configure_logging(msgspec.convert({"level": "error", "format": "console"}, Logging))
    with tempfile.TemporaryDirectory(prefix="appliance-bench-") as temporary:
        directory = arguments.directory.resolve() if arguments.directory else Path(temporary)
        figures = [figure for name in arguments.names or BENCHES for figure in _measure(name, directory)]
    print(f"\n{describe_machine()}")
    print_figures(figures)
    sys.exit(1 if arguments.strict and any(figure.ok is False for figure in figures) else 0)


def _measure(name: str, directory: Path) -> list[Figure]:
    """One that fails costs the others nothing, and counts as missed."""
    print(f"\n{name}: {BENCHES[name]}\n{describe_machine()}", flush=True)
    try:
        figures = asyncio.run(importlib.import_module(f"tests.bench.{name}").measure(directory))
    except Exception as error:  # noqa: BLE001 - said, and counted
        traceback.print_exc()
        figures = [Figure(name, "not measured", ok=False, note=f"{type(error).__name__}: {error}")]
    print_figures(figures)
    sys.stdout.flush()
    return figures


if __name__ == "__main__":
    main()
