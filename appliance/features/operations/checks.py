"""The checks of `doctor` that belong to no single engine: room on the disk, rights, versions, what may leave the box."""

import shutil
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

from appliance.core.health import Health
from appliance.core.integrity import Check, Finding
from appliance.core.settings import LoadedSettings
from appliance.core.text import Text, describe_bytes

_LOOPBACK = Text("this machine only", "cette machine seulement")
_OWN_CERTIFICATE = Text("a certificate of its own making", "un certificat de sa propre fabrication")
_CONFIGURED_CERTIFICATE = Text("the configured certificate", "le certificat des réglages")
_LOW_DISK = 5 * 1024**3
_GROUP_AND_OTHERS = stat.S_IRWXG | stat.S_IRWXO
OLDEST_SAFE_OLLAMA = (0, 35)
"""research: below it, known vulnerabilities (a path traversal in pull among them); warned of, never refused."""


class InstallationChecks:
    """Looks at the installation itself."""

    def __init__(self, loaded: LoadedSettings, *, language_model: Callable[[], Awaitable[Health]]) -> None:
        """`language_model`: how that engine is; Ollama's detail begins with its version."""
        self._loaded = loaded
        self._language_model = language_model

    @property
    def checks(self) -> list[Check]:
        """All of them, in the order they are shown."""
        return [
            Check("disk.space", self._look_at_space),
            Check("secrets.rights", self._look_at_rights),
            Check("server.tls", self._look_at_tls),
            Check("ollama.version", self._look_at_ollama),
            Check("ocr.tesseract", self._look_at_tesseract),
        ]

    async def _look_at_space(self) -> Finding:
        free = shutil.disk_usage(self._loaded.data_directory).free
        amount = describe_bytes(free)
        is_enough = free >= _LOW_DISK
        too_little = free < self._loaded.settings.limits.free_disk_bytes
        return Finding(
            id="disk.space",
            severity="ok" if is_enough else ("failure" if too_little else "warning"),
            evidence=Text(f"{amount.en} free", f"{amount.fr} libres"),
            fix=Text(
                "Free some space, or move the data directory.",
                "Libérez de la place, ou déplacez le dossier de données.",
            ),
        )

    async def _look_at_rights(self) -> Finding:
        folder = self._loaded.data_directory
        open_paths = [str(path) for path in (folder, folder / "secrets") if path.exists() and _is_open(path)]
        return Finding(
            id="secrets.rights",
            severity="warning" if open_paths else "ok",
            evidence=", ".join(open_paths)
            or Text("only its owner reads the data directory", "seul son propriétaire lit le dossier de données"),
            fix=Text("chmod 700 these directories.", "chmod 700 sur ces dossiers."),
        )

    async def _look_at_tls(self) -> Finding:
        server = self._loaded.settings.server
        own = not server.tls_certificate
        is_local = server.host in {"127.0.0.1", "::1", "localhost"}
        return Finding(
            id="server.tls",
            severity="ok" if is_local or not own else "warning",
            evidence=_LOOPBACK if is_local else (_OWN_CERTIFICATE if own else _CONFIGURED_CERTIFICATE),
            fix=Text(
                "Give `server.tls_certificate` and `server.tls_key` from your own authority, so that browsers do not warn.",
                "Indiquez `server.tls_certificate` et `server.tls_key` de votre propre autorité, pour éviter l’alerte des navigateurs.",
            ),
        )

    async def _look_at_ollama(self) -> Finding:
        health = await self._language_model()
        version = health.version if health.kind == "ollama" and health.ok else None
        is_old = version is not None and _version(version) < OLDEST_SAFE_OLLAMA
        return Finding(
            id="ollama.version",
            severity="warning" if is_old else "ok",
            evidence=version or Text("not in use", "pas utilisé"),
            fix=Text(
                "Update Ollama to 0.35 or later: earlier ones have known vulnerabilities. Keep it on loopback until then.",
                "Passez Ollama à 0.35 ou plus : les versions antérieures ont des failles connues. D’ici là, gardez-le en local.",
            ),
        )

    async def _look_at_tesseract(self) -> Finding:
        found = shutil.which("tesseract")
        return Finding(
            id="ocr.tesseract",
            severity="ok" if found else "warning",
            evidence=found or Text("not installed", "pas installé"),
            fix=Text(
                "apt install tesseract-ocr tesseract-ocr-fra, to read scans and pictures.",
                "apt install tesseract-ocr tesseract-ocr-fra, pour lire les numérisations et les images.",
            ),
        )


def _is_open(path: Path) -> bool:
    return bool(path.stat().st_mode & _GROUP_AND_OTHERS)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2] if part.isdigit())
