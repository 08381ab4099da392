"""Who a message is for, without a language model: kernel ridge regression over words, characters and embeddings.

Each example pulls towards its label by how near the message is to it: one closed-form solution, exact, and made anew in
well under a second whenever an assistant changes. The numbers below were chosen on the odd half of `tests/data/routing`;
decision 17 has what they give on the other half. The embedder knows English better than French, so words and
characters carry French.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from appliance.features.assistants.tokens import Floats, Terms, TermSpace, find_words, read_terms
from appliance.ports.analyzer import Analyzer
from appliance.ports.embedder import Vector

Kernel = NDArray[np.floating[Any]]

CONVERSATION, ESCALATE, FOLLOW_UP = "conversation", "escalate", "follow_up"
_WORDS, _CHARACTERS, _MEANING = 1.0, 2.0, 2.0
_FOREIGN_MEANING = 0.5
"""The part that is left of meaning in a language the embedder was not made for."""
_RIDGE, _LEXICAL_RIDGE = 5.0, 3.0
_DESCRIPTION_WEIGHT = 0.3
_TARGET_OFFSET = 0.2
_OUT_OF_DOMAIN = 0.02
"""What conversation has ahead: a message that is near to nothing is talk."""
_FLOOR, _LEXICAL_FLOOR = 0.7, 0.3
"""A specialist gets no message that is less near than this to everything it says of itself, with meaning and without.

Of the odd half's first messages to specialists one in eighty lies below, of those to others two in five.
"""
_CALLED_BY_NAME = 0.6
_STAYING = 0.1
_TEMPERATURE = 0.07
"""Turns scores into probabilities: the least log loss on the odd half of the labelled set."""


class Example(msgspec.Struct, frozen=True):
    """A text whose label is known; a phrase of a description weighs less than a whole question."""

    text: str
    label: str
    is_phrase: bool = False


class Verdict(msgspec.Struct, frozen=True):
    """Who it is for, how probable each is, the nearest example of the chosen label, and whether it only stays."""

    agent: str
    probabilities: Mapping[str, float]
    nearest: str
    stays: bool = False

    @property
    def probability(self) -> float:
        """The chosen one's."""
        return self.probabilities[self.agent]


class Classifier:
    """Learnt from examples once; answers in a millisecond or two. Pure and safe from any thread."""

    def __init__(self, examples: Sequence[Example], vectors: Sequence[Vector] | None, analyzer: Analyzer) -> None:
        """`vectors`: the examples' embeddings in order, or None where no embedder answers."""
        self._analyzer = analyzer
        self._examples = list(examples)
        self._labels = sorted({example.label for example in examples} | {CONVERSATION, ESCALATE, FOLLOW_UP})
        self.agents = [label for label in self._labels if label != FOLLOW_UP]
        terms = [read_terms(example.text, analyzer) for example in examples]
        self._words = TermSpace([one.words for one in terms])
        self._characters = TermSpace([one.characters for one in terms])
        lexical = _WORDS * self._words.gram() + _CHARACTERS * self._characters.gram()
        self._vectors = np.stack(list(vectors)) if vectors else None
        self._lexical_fit = self._fit(lexical, _LEXICAL_RIDGE)
        self._full_fit = self._lexical_fit
        if self._vectors is not None:
            meaning = np.clip(self._vectors @ self._vectors.T, 0.0, 1.0)
            self._full_fit = self._fit(lexical + _MEANING * meaning, _RIDGE)

    @property
    def sees_meaning(self) -> bool:
        """It has the examples' embeddings."""
        return self._vectors is not None

    def _fit(self, kernel: Kernel, ridge: float) -> Floats:
        """Solve for the examples' weights; every label counts as much as any other, however many examples it has."""
        targets = np.array([[example.label == label for label in self._labels] for example in self._examples])
        weight = np.array([_DESCRIPTION_WEIGHT if example.is_phrase else 1.0 for example in self._examples])
        each = (targets * weight[:, None]).sum(axis=0)
        weight *= (targets / np.maximum(each, 1e-9)).sum(axis=1) * len(self._examples) / max(1, (each > 0).sum())
        solved = np.linalg.solve(kernel + np.diag(ridge / weight), targets - _TARGET_OFFSET)
        return solved.astype(np.float32)

    def classify(
        self, text: str, vector: Vector | None, *, knows_language: bool = True, current: str | None = None
    ) -> Verdict:
        """Weigh a message. `current`: who answered last; a follow-up stays there unless the topic moves."""
        terms = read_terms(text, self._analyzer)
        nearness = self._nearness(terms, vector, knows_language=knows_language)
        fit = self._lexical_fit if vector is None else self._full_fit
        scores = dict(zip(self._labels, (nearness @ fit).tolist(), strict=True))
        named = set(find_words(text))
        for agent in self.agents:
            scores[agent] += _CALLED_BY_NAME if agent not in {CONVERSATION, ESCALATE} and agent in named else 0.0
        scores[CONVERSATION] += _OUT_OF_DOMAIN
        floor = _LEXICAL_FLOOR if vector is None else _FLOOR
        for agent in self._too_far(nearness, floor) - named:
            scores[agent] = min(scores[agent], scores[CONVERSATION] - _OUT_OF_DOMAIN)
        alone = max(self.agents, key=scores.__getitem__)
        if current in self.agents:
            scores[current] = max(scores[current], scores[FOLLOW_UP]) + _STAYING
        agent = max(self.agents, key=scores.__getitem__)
        label = FOLLOW_UP if agent == current != alone else agent
        return Verdict(agent, self._probabilities(scores), self._nearest(nearness, label), stays=agent != alone)

    def _nearness(self, terms: Terms, vector: Vector | None, *, knows_language: bool) -> Floats:
        near = _WORDS * self._words.similarities(terms.words)
        near += _CHARACTERS * self._characters.similarities(terms.characters)
        if vector is not None and self._vectors is not None:
            factor = _MEANING if knows_language else _MEANING * _FOREIGN_MEANING
            near += factor * np.clip(self._vectors @ vector, 0.0, 1.0)
        return near

    def _too_far(self, nearness: Floats, floor: float) -> set[str]:
        """Name the specialists none of whose examples is near."""
        reach = dict.fromkeys(self.agents, 0.0)
        for example, near in zip(self._examples, nearness.tolist(), strict=True):
            reach[example.label] = max(reach.get(example.label, 0.0), near)
        return {agent for agent in self.agents if agent not in {CONVERSATION, ESCALATE} and reach[agent] < floor}

    def _probabilities(self, scores: Mapping[str, float]) -> dict[str, float]:
        highest = max(scores[agent] for agent in self.agents)
        parts = {agent: math.exp((scores[agent] - highest) / _TEMPERATURE) for agent in self.agents}
        whole = sum(parts.values())
        return {agent: part / whole for agent, part in parts.items()}

    def _nearest(self, nearness: Floats, label: str) -> str:
        """Find the example of a label that the message is nearest to; whole questions before phrases."""
        mine = [index for index, example in enumerate(self._examples) if example.label == label]
        whole = [index for index in mine if not self._examples[index].is_phrase] or mine
        if not whole:
            return ""
        best = max(whole, key=lambda index: float(nearness[index]))
        return self._examples[best].text if nearness[best] > 0 else ""
