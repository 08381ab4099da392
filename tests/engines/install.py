"""Getting the servers onto this machine: Debian's packages where root may, Go programs built once into a cache."""

import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

OLLAMA_VERSION = "0.17.4"
MINIO_VERSION = "v0.0.0-20260212201848-7aac2a2c5b7c"
APT_GET = ("apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300")
"""A machine that has just started may be installing something of its own."""
APT_QUIET = {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
"""Installed packages must not start services of their own: these would hold the usual ports."""
_OLDEST_GO = (1, 24)
_BUILD_SECONDS = 1800
_APT_SECONDS = 600

_GO = Path("/usr/local/go/bin")
"""Where go.dev's archive goes; not every PATH names it."""


class NotInstalled(RuntimeError):
    """A server is not on this machine; the message says how to get it."""


def cache_directory() -> Path:
    """Where what was built stays."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "appliance-engines"


def find_ollama(*, install: bool) -> Path:
    """Find Ollama: a built one, else the system's. `install` builds it where there is none."""
    return _find("ollama", f"ollama-{OLLAMA_VERSION}", _build_ollama if install else None)


def find_minio(*, install: bool) -> Path:
    """Find MinIO as `find_ollama` does."""
    return _find("minio", f"minio-{MINIO_VERSION}", _build_minio if install else None)


def find_redis(*, install: bool) -> Path:
    """Find Debian's Redis or Valkey."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    _require_packages("Redis", ["redis-server"], install=install)
    return Path(shutil.which("redis-server") or "/usr/bin/redis-server")


def find_registry(*, install: bool) -> Path:
    """Find Debian's registry of images, which serves models to Ollama just as well."""
    if found := shutil.which("docker-registry"):
        return Path(found)
    _require_packages("The model registry", ["docker-registry"], install=install)
    return Path(shutil.which("docker-registry") or "/usr/bin/docker-registry")


def find_postgresql(*, install: bool) -> Path:
    """Find the directory of PostgreSQL's programs, the newest there; Debian keeps them out of the PATH."""
    if found := _postgresql_directory():
        return found
    _require_packages("PostgreSQL", ["postgresql"], install=install)
    found = _postgresql_directory()
    assert found is not None
    return found


def _postgresql_directory() -> Path | None:
    there = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if there:
        return there[-1].parent
    return Path(found).resolve().parent if (found := shutil.which("initdb")) else None


def _find(program: str, folder: str, build: Callable[[Path], None] | None) -> Path:
    built = cache_directory() / folder / "bin" / program
    if built.is_file():
        return built
    if system := shutil.which(program):
        return Path(system)
    if build is None:
        message = f"{program} is not on this machine; `just engines` builds it once (Go 1.24 or newer, some minutes)"
        raise NotInstalled(message)
    _require_go(program)
    _build(program, built, build)
    return built


def _build(program: str, target: Path, build: Callable[[Path], None]) -> None:
    """Build beside, then rename: a build that was cut short leaves nothing that looks whole."""
    target.parent.parent.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent.parent.parent, prefix=f".{program}-") as scratch:
        print(f"building {program}: some minutes, once", flush=True)
        build(Path(scratch))
        target.parent.mkdir(parents=True, exist_ok=True)
        (Path(scratch) / "bin" / program).replace(target)


def _build_ollama(scratch: Path) -> None:
    _require_packages("Ollama's build", ["nlohmann-json3-dev", "libstb-dev", "g++"], install=True)
    headers = _miniaudio_headers(scratch)
    _go_install(
        scratch,
        f"github.com/ollama/ollama@v{OLLAMA_VERSION}",
        "-ldflags",
        f"-s -w -X github.com/ollama/ollama/version.Version={OLLAMA_VERSION}",
        environment={"CGO_CPPFLAGS": f"-I{headers}"},
    )


def _miniaudio_headers(scratch: Path) -> Path:
    """Ollama's module lacks `miniaudio/miniaudio.h`; the source package of that name has it."""
    where = scratch / "miniaudio"
    where.mkdir()
    uv = shutil.which("uv")
    pip = [uv, "tool", "run", "pip"] if uv else ["python3", "-m", "pip"]
    _run([*pip, "download", "--quiet", "--no-deps", "--no-binary", ":all:", "--dest", str(where), "miniaudio"])
    archive = next(where.glob("miniaudio*.tar.gz"))
    with tarfile.open(archive) as packed:
        packed.extractall(where, filter="data")
    return next(path for path in where.iterdir() if path.is_dir())


def _build_minio(scratch: Path) -> None:
    _go_install(scratch, f"github.com/minio/minio@{MINIO_VERSION}", "-ldflags", "-s -w")


def _go_install(scratch: Path, package: str, *flags: str, environment: Mapping[str, str] | None = None) -> None:
    into = {"GOBIN": str(scratch / "bin"), "GOFLAGS": "-trimpath"}
    _run(["go", "install", *flags, package], environment={**into, **(environment or {})})


def _require_go(program: str) -> None:
    if shutil.which("go") is None and (_GO / "go").is_file():
        os.environ["PATH"] = f"{os.environ['PATH']}{os.pathsep}{_GO}"
    if shutil.which("go") is None:
        message = f"{program} cannot be built: there is no Go on this machine (1.24 or newer is needed)"
        raise NotInstalled(message)
    told = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, check=True).stdout.strip()
    numbers = tuple(int(part) for part in re.findall(r"\d+", told)[:2])
    if numbers < _OLDEST_GO:
        message = f"{program} cannot be built: {told} is too old (1.24 or newer is needed, from go.dev or a container)"
        raise NotInstalled(message)


def _require_packages(what: str, packages: Sequence[str], *, install: bool) -> None:
    missing = [package for package in packages if not _has_package(package)]
    if not missing:
        return
    command = f"apt-get install {' '.join(missing)}"
    if not install or shutil.which("apt-get") is None or os.geteuid() != 0:
        message = f"{what} is not on this machine; `{command}` as root installs it, or `just engines` run as root"
        raise NotInstalled(message)
    _run([*APT_GET, "update"], environment=APT_QUIET, seconds=_APT_SECONDS)
    _run([*APT_GET, "install", "-y", "--no-install-recommends", *missing], environment=APT_QUIET)


def _has_package(package: str) -> bool:
    if shutil.which("dpkg-query") is None:
        return shutil.which(package) is not None
    told = subprocess.run(["dpkg-query", "-W", "-f=${Status}", package], capture_output=True, text=True, check=False)
    return "install ok installed" in told.stdout


def _run(
    command: Sequence[str], *, environment: Mapping[str, str] | None = None, seconds: float = _BUILD_SECONDS
) -> None:
    done = subprocess.run(
        command,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    if done.returncode:
        message = f"`{' '.join(command)}` failed:\n{done.stdout[-1000:]}{done.stderr[-2000:]}"
        raise NotInstalled(message)
