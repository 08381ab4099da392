"""The folder of converted weights: made once, by one process, and never half."""

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from appliance.core.errors import StorageFull
from appliance.core.ids import new_id
from appliance.core.text import Text
from appliance.core.weights import Weights, find_weights, hash_file
from appliance.engines.minilm.errors import ConversionFailed, WeightsDamaged, WeightsMissing, WeightsUntrusted

NAME = "all-minilm-l6-v2"
SOURCE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
CONVERSION = 1
"""Counts up when the converted model changes; it stands in the embedder's identity."""
FILES = ("config.json", "model.bin", "tokenizer.json", "vocabulary.json")
_LABEL = "weights.json"
_SPACE_BYTES = 100 * 1024 * 1024
_CONVERSION_SECONDS = 600
_TOO_LONG = Text("The converter did not end within ten minutes.", "Le convertisseur n’a pas terminé en dix minutes.")


class FolderLabel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in `weights.json`: whose weights these are, how they were made, sha256 by file."""

    name: str
    source_sha256: str
    conversion: int
    files: dict[str, str]


class FolderFile(msgspec.Struct, frozen=True):
    """One file of the folder, read again: `sha256` is what the label promises."""

    name: str
    sha256: str
    size: int
    present: bool
    verified: bool


def inspect(folder: Path) -> tuple[FolderFile, ...]:
    """Read every file again and say of each how it is; nothing where no label says what should be there."""
    try:
        label = _read_label(folder)
    except (WeightsMissing, WeightsDamaged):
        return ()
    return tuple(_look(folder / name, label.files.get(name, "")) for name in FILES)


def _look(path: Path, sha256: str) -> FolderFile:
    if not path.is_file():
        return FolderFile(path.name, sha256, 0, present=False, verified=False)
    return FolderFile(path.name, sha256, path.stat().st_size, present=True, verified=hash_file(path) == sha256)


def check_label(folder: Path) -> FolderLabel:
    """Read what the folder says of itself. Raises WeightsMissing where it is another's, or WeightsDamaged."""
    label = _read_label(folder)
    if (label.name, label.source_sha256, label.conversion) != (NAME, SOURCE_SHA256, CONVERSION):
        raise _missing(folder)
    return label


def verify(folder: Path) -> None:
    """Read every file again. Raises WeightsMissing or WeightsDamaged."""
    label = check_label(folder)
    for name in FILES:
        path = folder / name
        if not path.is_file() or hash_file(path) != label.files.get(name):
            raise WeightsDamaged(file=name, folder=str(folder))


def _read_label(folder: Path) -> FolderLabel:
    try:
        return msgspec.json.decode((folder / _LABEL).read_bytes(), type=FolderLabel)
    except (FileNotFoundError, NotADirectoryError):
        raise _missing(folder) from None
    except (OSError, msgspec.MsgspecError) as error:
        raise WeightsDamaged(file=_LABEL, folder=str(folder)) from error


def _missing(folder: Path) -> WeightsMissing:
    package = find_weights(NAME).package
    return WeightsMissing(engine="MiniLM", folder=str(folder), package=package.name if package else NAME)


def make(folder: Path) -> None:
    """Convert the weights of the installed package into a folder that is missing or damaged.

    Raises WeightsMissing, WeightsUntrusted, ConversionFailed or StorageFull; what is there then stays as it was.
    """
    with _only_process(folder):
        try:
            return verify(folder)  # another process may have made it meanwhile
        except (WeightsMissing, WeightsDamaged):
            source = _find_source(folder)
        _replace(folder, lambda partial: _convert(source, partial))
        return None


def bring(source: Path, folder: Path) -> None:
    """Copy a converted folder in. Raises WeightsMissing or WeightsDamaged where it is none."""
    verify(source)

    def copy(partial: Path) -> None:
        for name in FILES:
            shutil.copyfile(source / name, partial / name)

    with _only_process(folder):
        _replace(folder, copy)


def _find_source(folder: Path) -> Path:
    """Find the package's files and hold each to the manifest."""
    weights = find_weights(NAME)
    found = importlib.util.find_spec(weights.package.module) if weights.package else None
    if weights.package is None or found is None or found.origin is None:
        raise _missing(folder)
    source = Path(found.origin).parent / weights.package.folder
    _trust(source, weights)
    return source


def _trust(source: Path, weights: Weights) -> None:
    for file in weights.files:
        path = source / file.path
        if not path.is_file() or hash_file(path) != file.sha256:
            raise WeightsUntrusted(engine="MiniLM", file=file.path, package=weights.name)


def _convert(source: Path, target: Path) -> None:
    if shutil.disk_usage(target).free < _SPACE_BYTES:
        raise StorageFull
    command = [sys.executable, "-m", "appliance.engines.minilm.conversion", str(source), str(target)]
    try:
        ended = subprocess.run(  # noqa: S603 - our own module
            command, capture_output=True, text=True, check=False, timeout=_CONVERSION_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise ConversionFailed(engine="MiniLM", reason=_TOO_LONG) from error
    if ended.returncode != 0:
        reason = (ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"])[-1]
        raise ConversionFailed(engine="MiniLM", reason=reason[:300])


def _replace(folder: Path, fill: Callable[[Path], None]) -> None:
    """Fill a folder beside, label and sync it, rename it into place."""
    partial = folder.with_name(f".{folder.name}.{new_id().hex}")
    partial.mkdir(parents=True)
    try:
        fill(partial)
        label = FolderLabel(NAME, SOURCE_SHA256, CONVERSION, {name: hash_file(partial / name) for name in FILES})
        (partial / _LABEL).write_bytes(msgspec.json.format(msgspec.json.encode(label)))
        for path in (*partial.iterdir(), partial):
            _sync(path)
        old = partial.with_suffix(".old")
        if folder.exists():
            folder.rename(old)
        partial.rename(folder)
        _sync(folder.parent)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _only_process(folder: Path) -> Iterator[None]:
    """Hold a lock beside the folder, and sweep what a crash left there."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in folder.parent.glob(f".{folder.name}.*"):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
        yield
