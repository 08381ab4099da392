"""How well the classifier routes a labelled set: as shipped, and with the other folds' messages learnt besides."""

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from random import Random

from appliance.core.caller import Caller
from appliance.core.errors import InvalidRequest
from appliance.core.text import Text
from appliance.features.assistants.classifier import Classifier, Example, Verdict
from appliance.features.assistants.learning import Learnt, training_set
from appliance.features.assistants.routing import RoutingService, shorten
from appliance.features.assistants.schemas import Judged, LabelledMessage, RoutingEvaluation, RoutingEvaluationIn
from appliance.ports.embedder import Embedder, Vector

_SEED = 0
_BATCH = 64


class RoutingEvaluationService:
    """Judges messages whose answerer is known; keeps nothing and learns nothing for good."""

    def __init__(self, routing: RoutingService, embedder: Callable[[], Embedder]) -> None:
        """The same classifier that routes, made anew for each fold."""
        self._routing = routing
        self._embedder = embedder

    async def evaluate(self, caller: Caller, request: RoutingEvaluationIn) -> RoutingEvaluation:
        """Judge every message twice. Raises InvalidRequest for a label that nobody answers to."""
        caller.require_admin()
        specialists = await self._routing.specialists()
        learnt = self._routing.learnt
        shipped = await learnt.classifier(specialists)
        for message in request.messages:
            if message.label not in shipped.agents:
                raise InvalidRequest(reason=_unknown(message.label))
        examples = training_set(specialists)
        vectors = await self._embed([example.text for example in examples])
        texts = [shorten(message.text) for message in request.messages]
        looks = await self._embed(texts)
        known = [await learnt.knows(text) for text in texts]
        return await asyncio.to_thread(
            partial(
                _judge, request, shipped, learnt=learnt, examples=examples, vectors=vectors, looks=looks, known=known
            )
        )

    async def _embed(self, texts: Sequence[str]) -> list[Vector]:
        embedder = self._embedder()
        found: list[Vector] = []
        for start in range(0, len(texts), _BATCH):
            found += [one.dense for one in await embedder.embed_passages(texts[start : start + _BATCH])]
        return found


def _unknown(label: str) -> Text:
    name = label[:63]
    return Text(
        f"Nobody is called {name}: neither an enabled assistant, nor `conversation` or `escalate`.",
        f"Personne ne s’appelle {name} : ni un assistant activé, ni `conversation` ou `escalate`.",
    )


def _judge(
    request: RoutingEvaluationIn,
    shipped: Classifier,
    *,
    learnt: Learnt,
    examples: Sequence[Example],
    vectors: Sequence[Vector],
    looks: Sequence[Vector],
    known: Sequence[bool],
) -> RoutingEvaluation:
    messages = request.messages

    def classify(classifier: Classifier, index: int) -> Verdict:
        return classifier.classify(
            shorten(messages[index].text),
            looks[index],
            knows_language=known[index],
            current=messages[index].current,
        )

    started = time.perf_counter()
    first = [classify(shipped, index) for index in range(len(messages))]
    milliseconds = (time.perf_counter() - started) * 1000 / len(messages)
    second = dict[int, Verdict]()
    for held_out in _folds(len(messages), request.folds):
        taught = [index for index in range(len(messages)) if index not in held_out and _teaches(messages[index])]
        grown = Classifier(
            [*examples, *(Example(messages[index].text, messages[index].label) for index in taught)],
            [*vectors, *(looks[index] for index in taught)],
            learnt.analyzer,
        )
        second |= {index: classify(grown, index) for index in held_out}
    judged = [_judged(first[index], second[index]) for index in range(len(messages))]
    return RoutingEvaluation(judged=judged, milliseconds=round(milliseconds, 3), embedder=learnt.identity)


def _folds(count: int, folds: int) -> list[set[int]]:
    """Cut the numbers into folds, always the same ones."""
    order = list(range(count))
    Random(_SEED).shuffle(order)  # noqa: S311 - the same folds every time, no secret
    return [set(order[start::folds]) for start in range(min(folds, count))]


def _teaches(message: LabelledMessage) -> bool:
    """A follow-up says nothing by itself about whose topic it is."""
    return message.current is None


def _judged(shipped: Verdict, learnt: Verdict) -> Judged:
    return Judged(
        shipped=shipped.agent,
        shipped_confidence=round(shipped.probability, 3),
        learnt=learnt.agent,
        learnt_confidence=round(learnt.probability, 3),
    )
