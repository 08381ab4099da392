"""The real servers: how each starts, when it is healthy, and how a test reaches it."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx

from tests.engines import weights
from tests.engines.install import find_minio, find_ollama, find_postgresql, find_redis, find_registry
from tests.engines.processes import ServerProcess, free_port, is_listening


class Ollama:
    """A real Ollama with two models, imported in a second or two."""

    def __init__(self, directory: Path, *, install: bool) -> None:
        program = find_ollama(install=install)
        self._home = directory / "ollama"
        self._home.mkdir()
        self.port = free_port()
        self.process = ServerProcess([str(program), "serve"], log=self._home / "log")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return {"APPLIANCE_TEST_OLLAMA_URL": self.url}

    def start(self) -> None:
        models = self._home / "models"
        is_new = not models.exists()
        self.process.start(
            environment={
                "OLLAMA_HOST": f"127.0.0.1:{self.port}",
                "OLLAMA_MODELS": str(models),
                "OLLAMA_NO_CLOUD": "1",
                "HOME": str(self._home),
            }
        )
        self.process.wait_healthy(lambda: answers(f"{self.url}/api/version"))
        if is_new:
            weights.import_stories(self.url)
            weights.import_minilm(self.url)


class Minio:
    """A real MinIO with one account."""

    access_key = "appliance-tests"

    def __init__(self, directory: Path, *, install: bool) -> None:
        program = find_minio(install=install)
        home = directory / "minio"
        (home / "data").mkdir(parents=True)
        self.port = free_port()
        self.secret_key = secrets.token_hex(16)
        address, console = f"127.0.0.1:{self.port}", f"127.0.0.1:{free_port()}"
        command = [str(program), "server", str(home / "data"), "--address", address, "--console-address", console]
        self.process = ServerProcess(command, log=home / "log")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "APPLIANCE_TEST_S3_URL": self.url,
            "APPLIANCE_TEST_S3_ACCESS_KEY": self.access_key,
            "APPLIANCE_TEST_S3_SECRET_KEY": self.secret_key,
        }

    def start(self) -> None:
        account = {"MINIO_ROOT_USER": self.access_key, "MINIO_ROOT_PASSWORD": self.secret_key}
        self.process.start(environment={**account, "MINIO_BROWSER": "off", "MINIO_UPDATE": "off"})
        self.process.wait_healthy(lambda: answers(f"{self.url}/minio/health/ready"))


class Postgresql:
    """A real PostgreSQL; `make_database` gives each test its own."""

    def __init__(self, directory: Path, *, install: bool) -> None:
        self._programs = find_postgresql(install=install)
        self._home = directory / "postgresql"
        self._home.mkdir()
        # It refuses to run as root; Debian's package makes it a user.
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user:
            shutil.chown(self._home, self._user)
        self.port = free_port()
        settings = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self._home),
            "max_connections": "200",
            "shared_buffers": "64MB",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [str(self._programs / "postgres"), "-D", str(self._home / "data"), *options]
        # SIGINT is its fast shutdown: it does not wait for clients to leave.
        self.process = ServerProcess(command, log=self._home / "log", stop_signal=signal.SIGINT)

    @property
    def url(self) -> str:
        """Of its first database, as libpq and asyncpg want it."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def environment(self) -> dict[str, str]:
        return {"APPLIANCE_TEST_POSTGRESQL_URL": self.url}

    def start(self) -> None:
        if not (self._home / "data").exists():
            made = ["-D", str(self._home / "data"), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8"]
            subprocess.run(
                [str(self._programs / "initdb"), "--no-sync", *made],
                user=self._user,
                extra_groups=[] if self._user else None,
                cwd=self._home,
                check=True,
                capture_output=True,
            )
        self.process.start(user=self._user)
        self.process.wait_healthy(self._is_ready)

    def _is_ready(self) -> bool:
        command = [str(self._programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(command, check=False).returncode == 0


class Redis:
    """A real Redis that keeps nothing."""

    def __init__(self, directory: Path, *, install: bool) -> None:
        program = find_redis(install=install)
        home = directory / "redis"
        home.mkdir()
        self.port = free_port()
        command = [str(program), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(home)]
        self.process = ServerProcess(command, log=home / "log")

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def environment(self) -> dict[str, str]:
        return {"APPLIANCE_TEST_REDIS_URL": self.url}

    def start(self) -> None:
        self.process.start()
        self.process.wait_healthy(lambda: is_listening(self.port))


class Registry:
    """A registry of models on the LAN: Debian's docker-registry over a folder, speaking plain HTTP."""

    def __init__(self, directory: Path, *, install: bool) -> None:
        program = find_registry(install=install)
        home = directory / "registry"
        home.mkdir()
        self.port = free_port()
        configuration = {
            "version": 0.1,
            "log": {"level": "warn"},
            "storage": {"filesystem": {"rootdirectory": str(home / "data")}},
            # Ollama fetches a blob from where `Location` says, also in an answer that is no redirect, and gives up
            # where there is none (0.17.4, server/download.go). "#" is the address that was asked.
            "http": {"addr": f"127.0.0.1:{self.port}", "headers": {"Location": ["#"]}},
        }
        file = home / "config.yml"  # JSON is YAML
        file.write_text(json.dumps(configuration))
        self.process = ServerProcess([str(program), "serve", str(file)], log=home / "log")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return {"APPLIANCE_TEST_REGISTRY_URL": self.url}

    def start(self) -> None:
        self.process.start()
        self.process.wait_healthy(lambda: answers(f"{self.url}/v2/"))


class QdrantStandIn:
    """What stands in for a Qdrant server, in a process of its own."""

    def __init__(self, directory: Path, *, install: bool) -> None:
        del install  # it is part of the tests
        home = directory / "qdrant"
        home.mkdir()
        self.port = free_port()
        command = [sys.executable, "-m", "tests.engines.qdrant_stand_in", "--port", str(self.port)]
        self.process = ServerProcess(command, log=home / "log")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return {"APPLIANCE_TEST_QDRANT_URL": self.url}

    def start(self) -> None:
        self.process.start(environment={"PYTHONPATH": str(Path(__file__).parents[2])})
        self.process.wait_healthy(lambda: is_listening(self.port))


ENGINES: dict[str, type[Ollama | Minio | Postgresql | Redis | Registry]] = {
    "ollama": Ollama,
    "minio": Minio,
    "postgresql": Postgresql,
    "redis": Redis,
    "registry": Registry,
}


def answers(url: str) -> bool:
    """Tell whether a loopback address answers well."""
    try:
        return httpx.get(url, timeout=2, trust_env=False).is_success
    except httpx.TransportError:
        return False
