"""One classifier for the assistants as they are, with an embedder that answers and one that does not."""

import asyncio
from collections.abc import Sequence

from appliance.core.errors import EngineUnavailable
from appliance.engines.memory import MemoryEmbedder
from appliance.engines.snowball import SnowballAnalyzer
from appliance.features.assistants.learning import Learnt
from appliance.features.assistants.training import Specialist
from appliance.ports.embedder import PassageVectors

GARDEN = Specialist("garden", "Gardens", "Garden", ("How do I prune roses?",))
TAXES = Specialist("taxes", "Taxes", "Taxes", ("When is the declaration due?",))


class Counting(MemoryEmbedder):
    """Counts what it embeds; fails while `is_away`."""

    def __init__(self) -> None:
        super().__init__()
        self.embedded = 0
        self.is_away = False

    async def embed_passages(self, texts: Sequence[str]) -> list[PassageVectors]:
        if self.is_away:
            raise EngineUnavailable(engine="x")
        self.embedded += len(texts)
        return await super().embed_passages(texts)


def test_what_is_known_is_not_embedded_again() -> None:
    async def live() -> None:
        embedder = Counting()
        learnt = Learnt(SnowballAnalyzer(), lambda: embedder)
        first = await learnt.classifier([GARDEN])
        everything = embedder.embedded
        assert await learnt.classifier([GARDEN]) is first
        both = await learnt.classifier([GARDEN, TAXES])
        assert both is not first
        assert embedder.embedded - everything == 2, "a title and a question; the description is the title again"
        assert "taxes" in both.agents

    asyncio.run(live())


def test_without_the_embedder_words_do() -> None:
    async def live() -> None:
        embedder = Counting()
        embedder.is_away = True
        learnt = Learnt(SnowballAnalyzer(), lambda: embedder)
        words = await learnt.classifier([GARDEN])
        assert not words.sees_meaning
        assert await learnt.look("prune roses") is None, "not asked again at once"
        assert await learnt.classifier([GARDEN]) is words
        embedder.is_away = False
        learnt._silent_until = 0.0
        assert (await learnt.classifier([GARDEN])).sees_meaning
        assert await learnt.look("prune roses") is not None

    asyncio.run(live())
