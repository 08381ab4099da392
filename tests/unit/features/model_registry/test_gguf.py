"""A GGUF's head: what is right passes, what would end the engine does not."""

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.features.model_registry.errors import NotGguf
from appliance.features.model_registry.gguf import check_gguf
from tests.engines.weights import data_directory

U32, I8, STRING, ARRAY = 4, 1, 8, 9


def text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


def pair(key: bytes, kind: int, value: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + value


def tensor(name: bytes, *dimensions: int, offset: int = 0) -> bytes:
    return (
        text(name) + struct.pack(f"<I{len(dimensions)}Q", len(dimensions), *dimensions) + struct.pack("<IQ", 0, offset)
    )


def gguf(*parts: bytes, pairs: int, tensors: int = 0, version: int = 3) -> bytes:
    return struct.pack("<4sIQQ", b"GGUF", version, tensors, pairs) + b"".join(parts)


WHOLE = gguf(
    pair(b"general.architecture", STRING, text(b"llama")),
    pair(b"llama.context_length", U32, struct.pack("<I", 128)),
    pair(b"tokens", ARRAY, struct.pack("<IQ", STRING, 2) + text(b"a") + text(b"b")),
    pair(b"scores", ARRAY, struct.pack("<IQ", I8, 3) + b"\1\2\3"),
    tensor(b"weight", 4, 2),
    bytes(64),
    pairs=4,
    tensors=1,
)


def check(folder: Path, body: bytes) -> None:
    path = folder / "model.gguf"
    path.write_bytes(body)
    check_gguf(path)


def test_a_head_that_is_right(tmp_path: Path) -> None:
    check(tmp_path, WHOLE)
    check(tmp_path, gguf(pairs=0, version=2))


@pytest.mark.data
def test_a_real_one() -> None:
    check_gguf(data_directory() / "models" / "llm-stories260K" / "stories260Ktok512.gguf")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"GGUF",
        gguf(pairs=0, version=1),
        gguf(pairs=2**60),
        gguf(pairs=0, tensors=2**60),
        gguf(text(b"k")[:-1], pairs=1),
        gguf(struct.pack("<Q", 2**63 + 5) + bytes(50), pairs=1),
        gguf(pair(b"k", 77, b""), bytes(50), pairs=1),
        gguf(pair(b"k", ARRAY, struct.pack("<IQ", I8, 2**62)), bytes(50), pairs=1),
        gguf(pair(b"k", ARRAY, struct.pack("<IQ", STRING, 2**62)), bytes(50), pairs=1),
        gguf(pair(b"k", ARRAY, struct.pack("<IQ", ARRAY, 1)), bytes(50), pairs=1),
        gguf(tensor(b"t", *range(9)), bytes(50), pairs=0, tensors=1),
        gguf(tensor(b"t", 1, offset=2**40), bytes(50), pairs=0, tensors=1),
        WHOLE[:-90],
    ],
)
def test_a_head_that_is_not(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(NotGguf):
        check(tmp_path, body)


@given(st.binary(max_size=300), st.integers(0, len(WHOLE)))
def test_nothing_else_happens(tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int) -> None:
    folder = tmp_path_factory.mktemp("noise")
    for body in (b"GGUF\x03\x00\x00\x00" + noise, WHOLE[:at] + noise):
        try:
            check(folder, body)
        except NotGguf:
            continue
