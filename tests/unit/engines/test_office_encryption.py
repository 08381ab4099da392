"""Protected Office files open with their password, in both ways Office has had since 2007."""

import base64
import hashlib
import struct

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from appliance.engines.reading.errors import DamagedFile, EncryptedOfficeFile, PasswordNeeded, WrongPassword
from appliance.engines.reading.file_kinds import find_kind
from appliance.engines.reading.source import Limits, Source
from tests import made_files as made

PASSWORD = "clé secrète"
SALT = bytes(range(16))
SECRET = bytes(range(32))


def _encrypt(key: bytes, data: bytes, start: bytes | None) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.CBC(start) if start else modes.ECB()).encryptor()  # noqa: S305
    return encryptor.update(data + bytes(-len(data) % 16)) + encryptor.finalize()


def _container(streams: dict[str, bytes]) -> bytes:
    """Write an OLE file of version 3 with sectors of 512 bytes and no small streams."""
    sectors: list[bytes] = [b"", b""]  # the allocation table and the directory come first
    table = [0xFFFFFFFD, 0xFFFFFFFE]
    entries = [_entry("Root Entry", 5, 0xFFFFFFFE, 0)]
    for name, content in streams.items():
        entries.append(_entry(name, 2, len(sectors), len(content)))
        pieces = [content[at : at + 512].ljust(512, b"\0") for at in range(0, len(content), 512)]
        table += [*range(len(sectors) + 1, len(sectors) + len(pieces)), 0xFFFFFFFE]
        sectors += pieces
    sectors[0] = struct.pack(f"<{len(table)}L", *table).ljust(512, b"\xff")
    sectors[1] = b"".join(entries).ljust(512, b"\0")
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(10)
    header += struct.pack("<LLLLLLLL", 1, 1, 0, 0, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0) + struct.pack("<L", 0)
    return header.ljust(512, b"\xff") + b"".join(sectors)


def _entry(name: str, kind: int, start: int, size: int) -> bytes:
    encoded = name.encode("utf-16-le") + b"\0\0"
    head = encoded.ljust(64, b"\0") + struct.pack("<HBB", len(encoded), kind, 1)
    return head.ljust(116, b"\0") + struct.pack("<LQ", start, size)


def _agile(package: bytes) -> bytes:
    digest = hashlib.sha512(SALT + PASSWORD.encode("utf-16-le")).digest()
    for number in range(1000):
        digest = hashlib.sha512(struct.pack("<L", number) + digest).digest()

    def sealed(block: str, data: bytes) -> str:
        key = hashlib.sha512(digest + bytes.fromhex(block)).digest()[:32]
        return base64.b64encode(_encrypt(key, data, SALT)).decode()

    verifier = bytes(reversed(range(16)))
    common = 'saltSize="16" blockSize="16" keyBits="256" hashSize="64" cipherAlgorithm="AES" hashAlgorithm="SHA512" '
    common += f'saltValue="{base64.b64encode(SALT).decode()}"'
    description = (
        f'<encryption xmlns="e"><keyData {common}/><keyEncryptors><keyEncryptor uri="u"><p:encryptedKey xmlns:p="p" '
        f'spinCount="1000" {common} encryptedVerifierHashInput="{sealed("fea7d2763b4b9e79", verifier)}" '
        f'encryptedVerifierHashValue="{sealed("d7aa0f6d3061344e", hashlib.sha512(verifier).digest())}" '
        f'encryptedKeyValue="{sealed("146e0be7abacd0d6", SECRET)}"/></keyEncryptor></keyEncryptors></encryption>'
    )
    sealed_package = struct.pack("<Q", len(package)) + b"".join(
        _encrypt(SECRET, package[at : at + 4096], hashlib.sha512(SALT + struct.pack("<L", number)).digest()[:16])
        for number, at in enumerate(range(0, len(package), 4096))
    )
    info = struct.pack("<HHL", 4, 4, 0x40) + description.encode()
    return _container({"EncryptionInfo": info, "EncryptedPackage": sealed_package})


def _standard(package: bytes) -> bytes:
    digest = hashlib.sha1(SALT + PASSWORD.encode("utf-16-le")).digest()  # noqa: S324
    for number in range(50_000):
        digest = hashlib.sha1(struct.pack("<L", number) + digest).digest()  # noqa: S324
    digest = hashlib.sha1(digest + bytes(4)).digest()  # noqa: S324
    key = hashlib.sha1(bytes(byte ^ 0x36 for byte in digest.ljust(64, b"\0"))).digest()[:16]  # noqa: S324
    verifier = bytes(reversed(range(16)))
    header = struct.pack("<LLLLLLLL", 0x24, 0, 0x660E, 0x8004, 128, 0x18, 0, 0) + "AES\0".encode("utf-16-le")
    info = struct.pack("<HHLL", 3, 2, 0x24, len(header)) + header + struct.pack("<L", 16) + SALT
    info += _encrypt(key, verifier, None) + struct.pack("<L", 20)
    info += _encrypt(key, hashlib.sha1(verifier).digest(), None)  # noqa: S324
    return _container(
        {"EncryptionInfo": info, "EncryptedPackage": struct.pack("<Q", len(package)) + _encrypt(key, package, None)}
    )


def _source(content: bytes, password: str | None) -> Source:
    return Source(content, filename="a.docx", limits=Limits(), password=password)


@pytest.mark.parametrize("protect", [_agile, _standard])
def test_the_password_opens_the_file_and_no_other_does(protect) -> None:  # noqa: ANN001
    content = protect(made.word_document())
    with pytest.raises(PasswordNeeded):
        find_kind(_source(content, None))
    with pytest.raises(WrongPassword):
        find_kind(_source(content, "cle secrete"))
    kind, archive = find_kind(_source(content, PASSWORD))
    assert kind == "docx"
    assert archive is not None
    assert b"Perspectives" in archive.read("word/document.xml")


def test_a_way_of_encrypting_that_is_not_known_says_so() -> None:
    content = _container({"EncryptedPackage": bytes(600), "DRMContent": bytes(600)})
    with pytest.raises(EncryptedOfficeFile):
        find_kind(_source(content, PASSWORD))


def test_a_broken_container_is_damaged() -> None:
    with pytest.raises(DamagedFile):
        find_kind(_source(_agile(made.word_document())[:2000], PASSWORD))


def test_rounds_without_end_are_refused() -> None:
    content = _agile(made.word_document()).replace(b'spinCount="1000"', b'spinCount="9999999999"')
    with pytest.raises((EncryptedOfficeFile, DamagedFile, WrongPassword)):
        find_kind(_source(content, PASSWORD))
