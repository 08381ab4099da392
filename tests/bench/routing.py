"""Who is chosen, on the shipped set, by words and embeddings alone: through the product's own REST, with the two examples."""

from pathlib import Path
from statistics import quantiles
from time import perf_counter

from appliance.cli.client import Client
from appliance.cli.routing import LabelledMessage, read_routing_set, route_set
from appliance.cli.routing import measure as measure_run
from tests.bench.figures import Figure, at_least, at_most
from tests.bench.server import running

_SET = Path(__file__).parents[1] / "data" / "routing"
_FOLDS = 5
_TRIED = 60


async def measure(directory: Path) -> list[Figure]:
    """Install the examples, judge 274 messages as shipped and cross-validated, then route some one by one."""
    messages = read_routing_set(_SET)
    async with running(directory / "routing") as server:
        await server.client.call("POST", "/api/assistants/examples")
        runs = await route_set(server.client, messages, folds=_FOLDS)
        milliseconds = await _time(server.client, messages[:_TRIED])
    learnt, shipped = measure_run(runs["cross-validated"]), measure_run(runs["shipped"])
    # Odd lines chose the classifier's numbers, even lines did not.
    unseen = measure_run(runs["cross-validated"][1::2])["accuracy"], measure_run(runs["shipped"][1::2])["accuracy"]
    return [
        at_least(
            "routing accuracy, cross-validated",
            100 * learnt["accuracy"],
            80,
            90,
            " %",
            note=f"{len(messages)} messages, {_FOLDS} folds; even lines alone {100 * unseen[0]:.1f} %; {_tell(learnt)}",
        ),
        at_least(
            "routing accuracy, as shipped",
            100 * shipped["accuracy"],
            80,
            90,
            " %",
            note=f"no message of the set learnt; even lines alone {100 * unseen[1]:.1f} %; {_tell(shipped)}",
        ),
        at_most("routing, p50 over HTTP", milliseconds[0], 30, 15, " ms", note=f"p95 {milliseconds[1]:.1f} ms"),
    ]


def _tell(measures: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:g}" for name, value in measures.items())


async def _time(client: Client, messages: list[LabelledMessage]) -> tuple[float, float]:
    times: list[float] = []
    for message in messages:
        started = perf_counter()
        await client.call("POST", "/api/assistants/route", {"message": message.text, "current": message.current})
        times.append((perf_counter() - started) * 1000)
    cuts = quantiles(times, n=20)
    return cuts[9], cuts[18]
