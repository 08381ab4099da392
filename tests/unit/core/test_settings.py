from pathlib import Path

import pytest

from appliance.core.errors import SettingsError
from appliance.core.settings import LoadedSettings, is_public_address, load_settings


def load(
    environment: dict[str, str] | None = None, toml: str = "", tmp_path: Path | None = None, **flags: object
) -> LoadedSettings:
    if toml and tmp_path:
        (tmp_path / "appliance.toml").write_text(toml, encoding="utf-8")
    named = {name.replace("__", "."): value for name, value in flags.items()}
    return load_settings(tmp_path, environment=environment or {}, flags=named)


def test_flags_win_over_environment_over_file_over_defaults(tmp_path: Path) -> None:
    toml = "[server]\nport = 1\nhost = '10.0.0.1'\n[limits]\nupload_bytes = 5\n"
    environment = {"APPLIANCE_SERVER__PORT": "2", "APPLIANCE_SERVER__HOST": "10.0.0.2"}
    loaded = load(environment, toml, tmp_path, server__port=3)
    assert (loaded.settings.server.port, loaded.settings.server.host) == (3, "10.0.0.2")
    assert loaded.settings.limits.upload_bytes == 5
    origins = {line.name: line.origin for line in loaded.effective()}
    assert origins["server.port"] == "flag"
    assert origins["server.host"] == "APPLIANCE_SERVER__HOST"
    assert origins["limits.upload_bytes"] == str(tmp_path / "appliance.toml")
    assert origins["server.public_url"] == "default"


@pytest.mark.parametrize(
    "name,nearest",
    [
        ("APPLIANCE_SERVER__PROT", "server.port"),
        ("APPLIANCE_SERVR__PORT", "server"),
        ("APPLIANCE_LANGUAGE_MODEL__URI", "language_model.url"),
    ],
)
def test_an_unknown_key_names_the_nearest_right_one(name: str, nearest: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load({name: "x"})
    problem = raised.value.to_problem("en")
    assert name in problem.detail
    assert f"`{nearest}`" in problem.hint


def test_a_wrong_value_names_the_setting_and_its_origin() -> None:
    with pytest.raises(SettingsError) as raised:
        load({"APPLIANCE_SERVER__PORT": "many"})
    detail = raised.value.to_problem("fr").detail
    assert "server.port" in detail
    assert "APPLIANCE_SERVER__PORT" in detail


def test_a_broken_file_is_said_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as raised:
        load(toml="[server\nport=1", tmp_path=tmp_path)
    assert str(tmp_path / "appliance.toml") in raised.value.to_problem("en").detail


def test_a_value_outside_a_section_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="outside a section"):
        load(toml="port = 1", tmp_path=tmp_path)


def test_a_secret_comes_from_a_file_and_is_masked(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("s3cr3t\n")
    loaded = load({"APPLIANCE_OBJECT_STORE__SECRET_KEY_FILE": str(secret)})
    assert loaded.settings.object_store.secret_key == "s3cr3t"
    shown = {line.name: line.value for line in loaded.effective()}
    assert shown["object_store.secret_key"] == "********"
    assert "s3cr3t" not in str(loaded.effective())


def test_a_missing_secret_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load({"APPLIANCE_OBJECT_STORE__SECRET_KEY_FILE": str(tmp_path / "absent")})


def test_lists_are_separated_by_commas() -> None:
    loaded = load({"APPLIANCE_LANGUAGE_MODEL__FALLBACKS": "small, smaller ,"})
    assert loaded.settings.language_model.fallbacks == ("small", "smaller")


@pytest.mark.parametrize(
    "name",
    [
        "APPLIANCE_LANGUAGE_MODEL__URL",
        "APPLIANCE_EMBEDDER__URL",
        "APPLIANCE_VECTOR_STORE__URL",
        "APPLIANCE_OBJECT_STORE__ENDPOINT",
        "APPLIANCE_EVENT_BUS__URL",
        "APPLIANCE_DATABASE__URL",
    ],
)
@pytest.mark.parametrize("host", ["8.8.8.8", "[2001:4860:4860::8888]", "[::ffff:8.8.8.8]", "1.1.1.1"])
def test_no_engine_may_have_a_public_address(name: str, host: str) -> None:
    with pytest.raises(SettingsError, match="public address"):
        load({name: f"http://{host}:1234"})


@pytest.mark.parametrize(
    "address,public",
    [
        ("127.0.0.1", False),
        ("::1", False),
        ("10.1.2.3", False),
        ("192.168.1.1", False),
        ("172.16.0.1", False),
        ("172.32.0.1", True),
        ("169.254.1.1", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("224.0.0.1", True),
        ("box.local", False),
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    assert is_public_address(address) is public
