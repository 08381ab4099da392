"""Keeping one classifier for the assistants as they are: made when one changes, its embeddings kept by their text."""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from appliance.core.errors import ApplianceError
from appliance.features.assistants.classifier import Classifier, Example
from appliance.features.assistants.training import Specialist, built_in_examples, digest_of, examples_of
from appliance.ports.analyzer import Analyzer
from appliance.ports.embedder import Embedder, Vector

log = structlog.get_logger(__name__)
_EMBED_ALL_SECONDS = 30.0
_EMBED_ONE_SECONDS = 1.0
_AGAIN_SECONDS = 60.0
_BATCH = 64


class Learnt:
    """Gives the classifier of some specialists. `embedder` names the settings' one."""

    def __init__(self, analyzer: Analyzer, embedder: Callable[[], Embedder]) -> None:
        """Nothing is read or embedded before the first message."""
        self.analyzer = analyzer
        self._embedder = embedder
        self._learning = asyncio.Lock()
        self._key = ""
        self._classifier: Classifier | None = None
        self._vectors: dict[str, Vector] = {}
        self._vectors_of = ""
        self._silent_until = 0.0

    async def classifier(self, specialists: Sequence[Specialist]) -> Classifier:
        """Give the classifier, learning anew where an assistant or the embedder is another."""
        async with self._learning:
            embedder = self._embedder()
            key = f"{embedder.identity}|{digest_of(specialists)}"
            is_whole = self._classifier is not None and (self._classifier.sees_meaning or self._is_silent)
            if self._classifier is None or key != self._key or not is_whole:
                examples = await asyncio.to_thread(training_set, specialists)
                vectors = None if self._is_silent else await self._embed(embedder, examples)
                self._classifier = await asyncio.to_thread(Classifier, examples, vectors, self.analyzer)
                self._key = key
                log.info("routing_learnt", specialists=len(specialists), examples=len(examples), embeds=bool(vectors))
            return self._classifier

    @property
    def _is_silent(self) -> bool:
        """The embedder did not answer a short while ago."""
        return asyncio.get_running_loop().time() < self._silent_until

    async def _embed(self, embedder: Embedder, examples: Sequence[Example]) -> list[Vector] | None:
        """Embed what is new. None where the embedder does not answer: asked again in a minute, words do meanwhile."""
        if self._vectors_of != embedder.identity:
            self._vectors, self._vectors_of = {}, embedder.identity
        texts = list(dict.fromkeys(example.text for example in examples))
        missing = [text for text in texts if text not in self._vectors]
        try:
            async with asyncio.timeout(_EMBED_ALL_SECONDS):
                for start in range(0, len(missing), _BATCH):
                    batch = missing[start : start + _BATCH]
                    for text, found in zip(batch, await embedder.embed_passages(batch), strict=True):
                        self._vectors[text] = found.dense
        except (ApplianceError, TimeoutError) as error:
            log.warning("routing_without_embedder", reason=type(error).__name__)
            self._silent_until = asyncio.get_running_loop().time() + _AGAIN_SECONDS
            return None
        self._vectors = {text: self._vectors[text] for text in texts}
        return [self._vectors[example.text] for example in examples]

    async def look(self, text: str) -> Vector | None:
        """Embed one message; None where the embedder does not answer at once."""
        if self._is_silent:
            return None
        try:
            async with asyncio.timeout(_EMBED_ONE_SECONDS):
                return (await self._embedder().embed_query(text)).dense
        except (ApplianceError, TimeoutError):
            return None

    async def knows(self, text: str) -> bool:
        """Tell whether the embedder was made for the language of a text."""
        languages = self._embedder().languages
        return languages is None or await self.analyzer.detect_language(text) in languages

    @property
    def identity(self) -> str:
        """Name the embedder."""
        return self._embedder().identity


def training_set(specialists: Sequence[Specialist]) -> list[Example]:
    """Put the built-in examples and the specialists' own together."""
    return [*built_in_examples(), *(example for one in specialists for example in examples_of(one))]
