"""`python -m tests.engines.provision [NAME…]`: install what is missing, start it, print how tests reach it.

Servers: ollama, minio, postgresql, redis, registry; all of them where none is named. They run until Ctrl-C. Each line printed is
`NAME=value`, so `--env-file FILE` (or a redirect) gives a file for `set -a; . FILE`, and any test session that finds
these variables uses these servers instead of its own. `--install-only` ends after installing: what CI does first.
"""

import argparse
import shutil
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

from tests.engines.install import NotInstalled, find_minio, find_ollama, find_postgresql, find_redis, find_registry
from tests.engines.processes import make_directory
from tests.engines.servers import ENGINES

_FINDERS = {
    "ollama": find_ollama,
    "minio": find_minio,
    "postgresql": find_postgresql,
    "redis": find_redis,
    "registry": find_registry,
}


def install(names: list[str]) -> int:
    """Install what is missing; 1 where something cannot be had here."""
    status = 0
    for name in names:
        try:
            print(f"{name}: {_FINDERS[name](install=True)}", file=sys.stderr)
        except NotInstalled as reason:
            print(f"{name}: {reason}", file=sys.stderr)
            status = 1
    return status


def run(names: list[str], env_file: Path | None) -> int:
    """Start, print, wait for a signal, stop."""
    lines: list[str] = []
    with ExitStack() as stack:
        directory = make_directory()
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        for name in names:
            try:
                engine = ENGINES[name](directory, install=True)
            except NotInstalled as reason:
                print(f"{name}: {reason}", file=sys.stderr)
                continue
            stack.callback(engine.process.stop)
            engine.start()
            print(f"{name}: pid {engine.process.pid}", file=sys.stderr)
            lines += [f"{key}={value}" for key, value in engine.environment.items()]
        print("\n".join(lines), flush=True)
        if env_file is not None:
            env_file.write_text("\n".join(lines) + "\n")
        ends = {signal.SIGINT, signal.SIGTERM}
        signal.pthread_sigmask(signal.SIG_BLOCK, ends)
        signal.sigwait(ends)
    return 0 if lines else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[[], *ENGINES], metavar="NAME")
    parser.add_argument("--install-only", action="store_true")
    parser.add_argument("--env-file", type=Path)
    arguments = parser.parse_args()
    names = arguments.names or list(ENGINES)
    return install(names) if arguments.install_only else run(names, arguments.env_file)


if __name__ == "__main__":
    sys.exit(main())
