"""Opens DOCX, XLSX and PPTX files that are protected by a password, when it is given.

Such a file is an OLE container with two streams: how it was encrypted, and the package. Both ways of doing it since
Office 2007 are undone here: standard (AES-ECB, SHA-1) and agile (AES-CBC, SHA-512). Imported only when one is met.
Sources: [MS-CFB], [MS-OFFCRYPTO] 2.3.4.
"""

import hashlib
import hmac
import struct
from base64 import b64decode
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from lxml import etree  # pyright: ignore[reportAttributeAccessIssue] - lxml has no types

from appliance.engines.reading.archives import safe_parser
from appliance.engines.reading.errors import DamagedFile, EncryptedOfficeFile, PasswordNeeded, WrongPassword
from appliance.engines.reading.source import Source

_END_OF_CHAIN, _LAST_SECTOR = 0xFFFFFFFE, 0xFFFFFFF9
_VERIFIER_INPUT, _VERIFIER_VALUE, _KEY_VALUE = (
    bytes.fromhex(text) for text in ("fea7d2763b4b9e79", "d7aa0f6d3061344e", "146e0be7abacd0d6")
)
_MOST_ROUNDS = 5_000_000
_SEGMENT = 4096
_BROKEN = (struct.error, IndexError, ValueError, KeyError, TypeError, AttributeError)


def open_encrypted(source: Source) -> bytes:
    """Give the package inside. Raises PasswordNeeded, WrongPassword, EncryptedOfficeFile, DamagedFile."""
    try:
        streams = _Container(bytes(source.data)).streams()
        info, package = streams.get("EncryptionInfo"), streams.get("EncryptedPackage")
        if info is None or package is None:  # rights management keeps the key on a server
            raise EncryptedOfficeFile(filename=source.filename)
        major, minor = struct.unpack_from("<HH", info)
        if not source.password:
            raise PasswordNeeded(filename=source.filename)
        if (major, minor) == (4, 4):
            return _open_agile(info[8:], package, source)
        if minor == 2 and major in {2, 3, 4}:
            return _open_standard(info, package, source)
    except _BROKEN:
        raise DamagedFile(filename=source.filename) from None
    raise EncryptedOfficeFile(filename=source.filename)


class _Container:
    """The streams of an OLE file."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._size = 1 << struct.unpack_from("<H", data, 30)[0]
        count, directory, cutoff, mini = (struct.unpack_from("<L", data, at)[0] for at in (44, 48, 56, 60))
        self._directory, self._cutoff, self._mini_start = directory, cutoff, mini
        self._table = [entry for sector in self._table_sectors(count) for entry in self._numbers(sector)]

    def streams(self) -> dict[str, bytes]:
        """Read every stream at the top."""
        entries = self._chain(self._directory)
        found: dict[str, bytes] = {}
        mini: bytes = b""
        mini_table: list[int] = []
        for at in range(0, len(entries) - 127, 128):
            name_bytes, kind = struct.unpack_from("<HB", entries, at + 64)
            start, size = struct.unpack_from("<LQ", entries, at + 116)
            name = entries[at : at + max(0, min(64, name_bytes) - 2)].decode("utf-16-le")
            if kind == 5:
                mini = self._chain(start)
                packed = self._chain(self._mini_start)
                mini_table = list(struct.unpack(f"<{len(packed) // 4}L", packed))
            elif kind == 2:
                found[name] = (
                    _follow_mini(mini, mini_table, start)[:size] if size < self._cutoff else self._chain(start)[:size]
                )
        return found

    def _table_sectors(self, count: int) -> list[int]:
        sectors = list(struct.unpack_from("<109L", self._data, 76))
        following, more = struct.unpack_from("<LL", self._data, 68)
        for _step in range(min(more, 100_000)):
            if following > _LAST_SECTOR:
                break
            numbers = self._numbers(following)
            sectors += numbers[:-1]
            following = numbers[-1]
        return [sector for sector in sectors[:count] if sector <= _LAST_SECTOR]

    def _numbers(self, sector: int) -> list[int]:
        piece = self._sector(sector)
        return list(struct.unpack(f"<{len(piece) // 4}L", piece[: len(piece) & ~3]))

    def _sector(self, number: int) -> bytes:
        return self._data[(number + 1) * self._size : (number + 2) * self._size]

    def _chain(self, start: int) -> bytes:
        pieces: list[bytes] = []
        while start <= _LAST_SECTOR and len(pieces) <= len(self._table):
            pieces.append(self._sector(start))
            start = self._table[start]
        return b"".join(pieces)


def _follow_mini(data: bytes, table: list[int], start: int) -> bytes:
    pieces: list[bytes] = []
    while start < _END_OF_CHAIN and len(pieces) <= len(table):
        pieces.append(data[start * 64 : start * 64 + 64])
        start = table[start]
    return b"".join(pieces)


def _open_agile(description: bytes, package: bytes, source: Source) -> bytes:
    tree = etree.fromstring(description, parser=safe_parser())
    data, key = tree.find("{*}keyData"), tree.find(".//{*}encryptedKey")
    rounds = int(key.get("spinCount"))
    if rounds > _MOST_ROUNDS:
        raise EncryptedOfficeFile(filename=source.filename)
    name, salt = _hash_name(key), b64decode(key.get("saltValue"))
    digest = _spin(name, salt, source.password or "", rounds)
    size = int(key.get("keyBits")) // 8

    def undo(block: bytes, attribute: str) -> bytes:
        own = _fit(hashlib.new(name, digest + block).digest(), size)
        return _decrypt(own, b64decode(key.get(attribute)), _fit(salt, 16))

    expected = undo(_VERIFIER_VALUE, "encryptedVerifierHashValue")
    found = hashlib.new(name, undo(_VERIFIER_INPUT, "encryptedVerifierHashInput")).digest()
    if not hmac.compare_digest(found, expected[: len(found)]):
        raise WrongPassword(filename=source.filename)
    secret = undo(_KEY_VALUE, "encryptedKeyValue")[:size]
    name, salt = _hash_name(data), b64decode(data.get("saltValue"))
    pieces: list[bytes] = []
    for number, at in enumerate(range(8, len(package), _SEGMENT)):
        start = _fit(hashlib.new(name, salt + struct.pack("<L", number)).digest(), 16)
        segment = package[at : at + _SEGMENT]
        pieces.append(_decrypt(secret, segment[: len(segment) & ~15], start))
    return b"".join(pieces)[: struct.unpack_from("<Q", package)[0]]


def _open_standard(info: bytes, package: bytes, source: Source) -> bytes:
    header_size = struct.unpack_from("<L", info, 8)[0]
    size = struct.unpack_from("<L", info, 12 + 16)[0] // 8 or 16
    at = 12 + header_size
    salt, verifier, expected = info[at + 4 : at + 20], info[at + 20 : at + 36], info[at + 40 : at + 72]
    digest = _spin("sha1", salt, source.password or "", 50_000)
    digest = hashlib.sha1(digest + bytes(4), usedforsecurity=False).digest()
    halves = [bytes(byte ^ fill for byte in digest.ljust(64, b"\0")) for fill in (0x36, 0x5C)]
    key = b"".join(hashlib.sha1(half, usedforsecurity=False).digest() for half in halves)[:size]
    found = hashlib.sha1(_decrypt(key, verifier, None), usedforsecurity=False).digest()
    if not hmac.compare_digest(found, _decrypt(key, expected, None)[:20]):
        raise WrongPassword(filename=source.filename)
    content = package[8 : 8 + ((len(package) - 8) & ~15)]
    return _decrypt(key, content, None)[: struct.unpack_from("<Q", package)[0]]


def _hash_name(element: Any) -> str:
    name = element.get("hashAlgorithm").lower().replace("-", "")
    if name not in {"sha1", "sha256", "sha384", "sha512"}:
        raise ValueError(name)
    return name


def _spin(name: str, salt: bytes, password: str, rounds: int) -> bytes:
    digest = hashlib.new(name, salt + password.encode("utf-16-le")).digest()
    for number in range(rounds):
        digest = hashlib.new(name, struct.pack("<L", number) + digest).digest()
    return digest


def _fit(data: bytes, size: int) -> bytes:
    return data[:size].ljust(size, b"\x36")


def _decrypt(key: bytes, data: bytes, start: bytes | None) -> bytes:
    mode = modes.ECB() if start is None else modes.CBC(start)  # noqa: S305 - the format's choice, not ours
    undo = Cipher(algorithms.AES(key), mode).decryptor()
    return undo.update(data) + undo.finalize()
