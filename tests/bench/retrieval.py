"""How well is found, through the product's own REST: each reference set in a collection of its own, its questions asked,
and each set's questions asked of the others' documents.
"""

from collections.abc import Sequence
from pathlib import Path
from random import Random
from statistics import mean

from appliance.cli.client import Client
from appliance.cli.evaluate import IndexedSet, ask_questions, index_set, summarise
from appliance.features.knowledge.evaluation import Question, QuestionSet, read_question_set
from tests.bench.figures import Figure, at_least, at_most
from tests.bench.server import now, reference, running

_SETS = {
    "pdfs": (("pdfs",), "hit@5", 0.69, 0.80),
    "spf_fr": (("retrieval", "spf_fr"), "nDCG@10", 0.89, 0.92),
    "fquad_s": (("retrieval", "fquad_s"), "nDCG@10", 0.82, 0.85),
    "scifact": (("retrieval", "scifact"), "nDCG@10", 0.74, 0.78),
}
_FOREIGN_QUESTIONS = 40
"""Of each set asked of each other's documents; drawn with a fixed seed."""


async def measure(directory: Path) -> list[Figure]:
    """Index four sets (some 15 000 passages, many minutes on two cores), then ask some 950 questions."""
    sets = {name: read_question_set(reference(*place)) for name, (place, *_) in _SETS.items()}
    figures: list[Figure] = []
    async with running(directory / "retrieval") as server:
        indexed: dict[str, IndexedSet] = {}
        own_refused: list[float] = []
        for name, question_set in sets.items():
            started = now()
            indexed[name] = await index_set(server.client, question_set)
            print(f"  {name}: {len(indexed[name].names)} documents indexed in {now() - started:.0f} s", flush=True)
            _, wanted, must, aim = _SETS[name]
            measures = summarise(await ask_questions(server.client, question_set.questions, indexed[name]))
            own_refused.append(measures["refused"])
            print(f"  {name}: {measures}", flush=True)
            shown = "  ".join(f"{measure} {value:g}" for measure, value in measures.items())
            note = f"{len(question_set.questions)} questions, {len(indexed[name].names)} documents: {shown}"
            figures.append(at_least(f"{name} {wanted}", measures[wanted], must, aim, note=note))
        figures += await _judge_refusals(server.client, sets, indexed, own_refused)
    return figures


async def _judge_refusals(
    client: Client, sets: dict[str, QuestionSet], indexed: dict[str, IndexedSet], own_refused: list[float]
) -> list[Figure]:
    refused: dict[str, float] = {}
    for asked, question_set in sets.items():
        questions = _draw(question_set.questions)
        for other, documents in indexed.items():
            if other != asked:
                runs = await ask_questions(client, questions, documents)
                refused[f"{asked}→{other}"] = mean(run.outcome.refused for run in runs)
    foreign = "  ".join(f"{name} {share:.2f}" for name, share in refused.items())
    own = "  ".join(f"{name} {share:.3f}" for name, share in zip(sets, own_refused, strict=True))
    return [
        at_least("another's questions refused", 100 * mean(refused.values()), 80, 95, " %", note=foreign),
        at_most("a set's own refused", 100 * mean(own_refused), 8, 3, " %", note=own),
    ]


def _draw(questions: Sequence[Question]) -> list[Question]:
    every = list(questions)
    return Random(0).sample(every, min(_FOREIGN_QUESTIONS, len(every)))
