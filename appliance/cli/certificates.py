"""The certificate of a box on a LAN: the one of the settings, or one of its own making."""

import ipaddress
import os
import socket
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from appliance.core.database import now
from appliance.core.errors import SettingsError
from appliance.core.settings import LoadedSettings
from appliance.core.text import Text

_LIFETIME = timedelta(days=397)  # the longest that browsers take (CA/Browser Forum baseline requirements)
_RENEW_BEFORE = timedelta(days=30)


class Certificate(NamedTuple):
    """Where certificate and key lie, and the fingerprint (SHA-256) to compare with what the browser shows."""

    path: Path
    key_path: Path
    fingerprint: str


def find_certificate(loaded: LoadedSettings) -> Certificate:
    """Find the configured certificate, or make one; made again a month before it ends."""
    server = loaded.settings.server
    if server.tls_certificate or server.tls_key:
        return _read(Path(server.tls_certificate), Path(server.tls_key))
    folder = loaded.data_directory / "tls"
    path, key_path = folder / "certificate.pem", folder / "key.pem"
    names = _names(loaded)
    if not path.exists() or not key_path.exists() or _is_stale(path, names):
        _make(folder, path, key_path, names)
    return _read(path, key_path)


def _read(path: Path, key_path: Path) -> Certificate:
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        key_path.open("rb").close()
    except (OSError, ValueError) as error:
        raise SettingsError(
            reason=Text(
                f"The certificate or its key cannot be read: {path}, {key_path}.",
                f"Le certificat ou sa clé est illisible : {path}, {key_path}.",
            ),
            advice=Text(
                "Check `server.tls_certificate` and `server.tls_key` (PEM).",
                "Vérifiez `server.tls_certificate` et `server.tls_key` (PEM).",
            ),
        ) from error
    digest = certificate.fingerprint(hashes.SHA256()).hex().upper()
    return Certificate(path, key_path, ":".join(digest[index : index + 2] for index in range(0, len(digest), 2)))


def _is_stale(path: Path, names: list[str]) -> bool:
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    there = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    known = {*there.get_values_for_type(x509.DNSName), *map(str, there.get_values_for_type(x509.IPAddress))}
    return certificate.not_valid_after_utc - now() < _RENEW_BEFORE or not set(names) <= known


def _names(loaded: LoadedSettings) -> list[str]:
    hostname = socket.gethostname()
    names = {hostname, f"{hostname}.local", "localhost", "127.0.0.1", loaded.settings.server.host}
    names |= set(loaded.settings.server.allowed_hosts) | set(_own_addresses())
    return sorted(names - {"", "0.0.0.0", "::"})  # noqa: S104 - taken out, not bound


def _own_addresses() -> list[str]:
    try:
        return [str(entry[4][0]) for entry in socket.getaddrinfo(socket.gethostname(), None)]
    except OSError:
        return []


def _make(folder: Path, path: Path, key_path: Path, names: list[str]) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Appliance")])
    moment = now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - timedelta(minutes=5))
        .not_valid_after(moment + _LIFETIME)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(key_path, private)
    _write(path, certificate.public_bytes(serialization.Encoding.PEM))


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(path: Path, body: bytes) -> None:
    descriptor = os.open(path.with_suffix(".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(body)
    path.with_suffix(".new").rename(path)
