"""Secrets: made, compared, sealed. Passwords by argon2id, tokens by HMAC-SHA256 under the box's own key."""

import asyncio
import hashlib
import hmac
import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_KEY_BYTES = 32
_NONCE_BYTES = 12


def new_token() -> str:
    """Make 256 bits nobody can guess, safe in a URL's fragment and a header."""
    return secrets.token_urlsafe(_KEY_BYTES)


class Vault:
    """Whatever needs the box's master key (32 bytes)."""

    def __init__(self, master_key: bytes) -> None:
        """Derive a key per purpose; the master key itself signs and seals nothing."""
        self._token_key = hmac.digest(master_key, b"appliance token digest", "sha256")
        self._sealing = AESGCM(hmac.digest(master_key, b"appliance sealing", "sha256"))
        self._signing = Ed25519PrivateKey.from_private_bytes(hmac.digest(master_key, b"appliance signing", "sha256"))
        self.public_key = self._signing.public_key().public_bytes_raw().hex()
        self.fingerprint = hmac.digest(master_key, b"appliance fingerprint", "sha256").hex()[:16]

    def digest(self, token: str) -> str:
        """Turn a token into what the database keeps of it."""
        return hmac.digest(self._token_key, token.encode(), "sha256").hex()

    def sign(self, text: bytes) -> str:
        """Sign with the box's Ed25519 key; hexadecimal."""
        return self._signing.sign(text).hex()

    def seal(self, secret: str) -> bytes:
        """Encrypt a secret that must be read again (the password of a PDF)."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._sealing.encrypt(nonce, secret.encode(), None)

    def unseal(self, sealed: bytes) -> str | None:
        """Decrypt; None where it was sealed under another key or changed."""
        try:
            return self._sealing.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None).decode()
        except (InvalidTag, ValueError):
            return None


def open_vault(directory: Path, *, master_key: str = "") -> Vault:
    """Open the vault under the configured key, or under one made at the first start and kept in the data directory."""
    if master_key:
        return Vault(hashlib.sha256(master_key.encode()).digest())
    path = directory / "secrets" / "master.key"
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
    return Vault(path.read_bytes())


class Passwords:
    """argon2id at 64 MiB, three passes (RFC 9106, 4), a few at a time so that logins cannot eat the memory."""

    def __init__(self) -> None:
        """Start no thread before the first password."""
        self._hasher = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="passwords")

    async def hash(self, password: str) -> str:
        """Hash a new password."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._hasher.hash, password)

    async def verify(self, hashed: str | None, password: str) -> bool:
        """Check a password; an account without one takes as long as a wrong password."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._verify, hashed, password)

    def _verify(self, hashed: str | None, password: str) -> bool:
        if hashed is None:
            self._hasher.hash(password)
            return False
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)
