"""The settings as they hold: defaults < `appliance.toml` < `APPLIANCE_SECTION__FIELD` < flags.

The only place that reads the process environment.
"""

import difflib
import ipaddress
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, cast
from urllib.parse import urlsplit

import msgspec

from appliance.core.errors import SettingsError
from appliance.core.settings_sections import Section, Settings, is_secret
from appliance.core.text import Language, Text

ENVIRONMENT_PREFIX = "APPLIANCE_"


class EffectiveSetting(msgspec.Struct, frozen=True):
    """One line of `appliance config show`: the value, masked if secret, and where it came from."""

    name: str
    value: Any
    origin: str


class LoadedSettings(msgspec.Struct, frozen=True):
    """The settings, the directory they rule, and where each value came from."""

    settings: Settings
    data_directory: Path
    origins: dict[str, str] = {}

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL of the state; SQLite in the data directory unless set."""
        return self.settings.database.url or f"sqlite+aiosqlite:///{self.data_directory / 'appliance.db'}"

    def effective(self) -> list[EffectiveSetting]:
        """Every setting with its origin, secrets masked."""
        lines: list[EffectiveSetting] = []
        for section in msgspec.structs.fields(Settings):
            values: Section = getattr(self.settings, section.name)
            for field in msgspec.structs.fields(type(values)):
                name = f"{section.name}.{field.name}"
                value = getattr(values, field.name)
                if is_secret(field) and value:
                    value = "********"
                lines.append(EffectiveSetting(name, value, self.origins.get(name, "default")))
        return lines

    def replace(self, **sections: Section) -> Self:
        """Copy with other sections: for tests and flags."""
        return msgspec.structs.replace(self, settings=msgspec.structs.replace(self.settings, **sections))


def load_settings(
    data_directory: Path | None = None,
    *,
    config_file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
) -> LoadedSettings:
    """Read the settings. `flags` are dotted names, `{"server.port": 8001}`.

    Raises SettingsError for an unknown key (naming the nearest right one), a wrong value, or a public address.
    """
    environment = os.environ if environment is None else environment
    directory = data_directory or Path(environment.get(f"{ENVIRONMENT_PREFIX}DATA_DIR") or "var")
    directory = directory.absolute()
    explicit = config_file or (Path(name) if (name := environment.get(f"{ENVIRONMENT_PREFIX}CONFIG")) else None)
    layers = [
        _read_file(explicit or directory / "appliance.toml", required=explicit is not None),
        _read_environment(environment),
        {name: (value, "flag") for name, value in (flags or {}).items() if value is not None},
    ]
    merged: dict[str, dict[str, object]] = {}
    origins: dict[str, str] = {}
    for layer in layers:
        for name, (given, origin) in layer.items():
            section, field, value = _resolve(name, given, origin)
            merged.setdefault(section, {})[field] = value
            origins[f"{section}.{field}"] = origin
    settings = _convert(merged, origins)
    _refuse_public_addresses(settings)
    return LoadedSettings(settings, directory, origins)


_Layer = dict[str, tuple[object, str]]


def _read_file(path: Path, *, required: bool) -> _Layer:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if required:
            raise SettingsError(
                reason=Text(f"{path} does not exist.", f"{path} n’existe pas."),
                advice=Text("Check the path after --config.", "Vérifiez le chemin après --config."),
            ) from None
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(
            reason=Text(f"{path} cannot be read: {error}.", f"{path} est illisible : {error}."),
            advice=Text("Mend that line of the file.", "Corrigez cette ligne du fichier."),
        ) from error
    layer: _Layer = {}
    for section, table in tables.items():
        if not isinstance(table, dict):
            raise SettingsError(
                reason=Text(
                    f"`{section}` in {path} stands outside a section.",
                    f"`{section}` dans {path} est hors de toute section.",
                ),
                advice=Text(
                    "Put it under a [section]; `appliance config show` lists them.",
                    "Placez-le sous une [section] ; `appliance config show` les énumère.",
                ),
            )
        for field, value in cast("dict[str, object]", table).items():
            layer[f"{section}.{field}"] = (value, str(path))
    return layer


def _read_environment(environment: Mapping[str, str]) -> _Layer:
    layer: _Layer = {}
    for name, value in environment.items():
        if name.startswith(ENVIRONMENT_PREFIX) and "__" in name:
            section, _, field = name.removeprefix(ENVIRONMENT_PREFIX).lower().partition("__")
            layer[f"{section}.{field}"] = (value, name)
    return layer


def _resolve(name: str, value: object, origin: str) -> tuple[str, str, object]:
    """Find the section and field of a dotted name; `FIELD_file` of a secret reads the file."""
    section, _, field = name.partition(".")
    sections = {info.name: info for info in msgspec.structs.fields(Settings)}
    if section not in sections:
        raise _unknown(section, list(sections), origin)
    fields = {info.name: info for info in msgspec.structs.fields(sections[section].type)}
    base = field.removesuffix("_file")
    if field not in fields and base in fields and is_secret(fields[base]):
        try:
            return section, base, Path(str(value)).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsError(
                reason=Text(
                    f"{name} ({origin}) names a file that cannot be read: {error.strerror}.",
                    f"{name} ({origin}) désigne un fichier illisible : {error.strerror}.",
                ),
                advice=Text("Check the path and who may read it.", "Vérifiez le chemin et les droits de lecture."),
            ) from error
    if field not in fields:
        raise _unknown(name, [f"{section}.{known}" for known in fields], origin)
    if isinstance(value, str) and isinstance(fields[field].default, tuple):
        value = [part.strip() for part in value.split(",") if part.strip()]
    return section, field, value


def _unknown(name: str, known: list[str], origin: str) -> SettingsError:
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
    return SettingsError(
        reason=Text(f"`{name}` ({origin}) is not a setting.", f"`{name}` ({origin}) n’est pas un réglage."),
        advice=Text(
            f"Did you mean `{nearest[0]}`? `appliance config show` lists all of them.",
            f"Vouliez-vous dire `{nearest[0]}` ? `appliance config show` les énumère tous.",
        ),
    )


def _convert(merged: dict[str, dict[str, object]], origins: dict[str, str]) -> Settings:
    sections: dict[str, Any] = {}
    for info in msgspec.structs.fields(Settings):
        values = merged.get(info.name, {})
        kind: type[Section] = info.type
        for field, value in values.items():
            try:
                msgspec.convert({field: value}, kind, strict=False)
            except msgspec.ValidationError as error:
                name = f"{info.name}.{field}"
                reason = str(error).split(" - at")[0]
                raise SettingsError(
                    reason=Text(
                        f"`{name}` ({origins[name]}) cannot be used: {reason}.",
                        f"`{name}` ({origins[name]}) est inutilisable : {reason}.",
                    ),
                    advice=Text(
                        "docs/reference/settings.md says what it takes.",
                        "docs/reference/settings.md dit ce qu’il accepte.",
                    ),
                ) from None
        sections[info.name] = msgspec.convert(values, kind, strict=False)
    return Settings(**sections)


def _refuse_public_addresses(settings: Settings) -> None:
    named = {
        "language_model.url": settings.language_model.url,
        "embedder.url": settings.embedder.url,
        "vector_store.url": settings.vector_store.url,
        "object_store.endpoint": settings.object_store.endpoint,
        "event_bus.url": settings.event_bus.url,
        "database.url": settings.database.url,
    }
    for name, url in named.items():
        host = urlsplit(url).hostname
        if host and is_public_address(host):
            raise SettingsError(
                reason=Text(
                    f"`{name}` points outside: {host} is a public address.",
                    f"`{name}` pointe vers l’extérieur : {host} est une adresse publique.",
                ),
                advice=Text(
                    "Engines must be on this machine or on the private network; nothing else is ever called.",
                    "Les moteurs doivent être sur cette machine ou sur le réseau privé ; rien d’autre n’est jamais appelé.",
                ),
            )


def is_public_address(host: str) -> bool:
    """Tell whether an IP address lies outside loopback, link-local and private ranges; names are judged when resolved."""
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.is_multicast or not (address.is_private or address.is_loopback or address.is_link_local)


def terminal_language(environment: Mapping[str, str] | None = None) -> Language:
    """Read the language of the terminal (POSIX: LC_ALL, LC_MESSAGES, LANG)."""
    environment = os.environ if environment is None else environment
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environment.get(name):
            return "fr" if value.lower().startswith("fr") else "en"
    return "en"
