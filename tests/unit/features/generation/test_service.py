"""Another try, another model, an honest end."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import msgspec
import pytest

from appliance.core.errors import ApplianceError, EngineFailed, EngineTimedOut, EngineUnavailable
from appliance.core.ids import new_id
from appliance.core.metrics import Metrics
from appliance.core.settings_sections import LanguageModel as LanguageModelSettings
from appliance.core.settings_sections import Limits, Settings
from appliance.engines.memory import MemoryLanguageModel
from appliance.engines.model_errors import ModelNotFound
from appliance.features.generation import Generation, GenerationBusy, GenerationService, Step, Waiting, Writing
from appliance.features.generation import service as module
from appliance.ports.chat import ChatRequest, Delta, Message

MODELS = ("small", "large", "spare")


class Failing(MemoryLanguageModel):
    """Fails as a test says: `failures[model]` errors, one each; after `written` words where that is set."""

    def __init__(self, **failures: list[ApplianceError]) -> None:
        super().__init__(lambda request: f"{request.model} says so", models=MODELS)
        self.failures = failures
        self.written = 0
        self.tried: list[str] = []

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta]:
        self.tried.append(str(request.model))
        failure = self.failures[str(request.model)].pop(0) if self.failures.get(str(request.model)) else None
        if failure and not self.written:
            raise failure
        number = 0
        async with aclosing(super().stream(request)) as deltas:
            async for delta in deltas:
                yield delta
                number += 1
                if failure and number == self.written:
                    raise failure


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_RETRY_SECONDS", (0.0, 0.0))


def make(model: MemoryLanguageModel, **settings: object) -> GenerationService:
    chosen = Settings(
        language_model=msgspec.convert({"fallbacks": ["large", "spare"], **settings}, LanguageModelSettings),
        limits=Limits(),
    )
    return GenerationService(language_model=model, metrics=Metrics(), settings=chosen)


def wish(model: str | None = None, **more: object) -> Generation:
    request = ChatRequest(messages=[Message("user", "Well?")], max_tokens=20, model=model)
    return Generation(request=request, owner=new_id(), **more)  # pyright: ignore[reportArgumentType]


async def read(service: GenerationService, generation: Generation) -> tuple[str, str]:
    """Which model wrote, and what."""
    writer, text = "", ""
    async for step in service.stream(generation):
        if isinstance(step, Writing):
            writer = step.model
        elif isinstance(step, Delta):
            text += step.text
    return writer, text


def failed() -> ApplianceError:
    return EngineFailed(engine="test")


async def test_the_first_model_writes() -> None:
    assert await read(make(Failing()), wish()) == ("small", "small says so")
    assert await read(make(Failing()), wish("spare")) == ("spare", "spare says so")


@pytest.mark.parametrize("error", [failed, lambda: EngineUnavailable(engine="test")])
async def test_a_failure_that_passes_is_tried_again(error: Callable[[], ApplianceError]) -> None:
    model = Failing(small=[error()])
    assert await read(make(model), wish()) == ("small", "small says so")
    assert model.tried == ["small", "small"]


async def test_then_the_next_model_of_the_chain() -> None:
    model = Failing(small=[failed(), failed()], large=[EngineTimedOut(engine="test", seconds=1)])
    assert await read(make(model), wish()) == ("spare", "spare says so")
    assert model.tried == ["small", "small", "large", "spare"], "what was slow is not tried again"


async def test_an_assistant_has_a_chain_of_its_own() -> None:
    model = Failing(small=[failed(), failed()])
    assert (await read(make(model), wish("small", fallbacks=("spare",))))[0] == "spare"
    with pytest.raises(EngineFailed):
        await read(make(Failing(small=[failed(), failed()])), wish("small", fallbacks=()))


async def test_a_model_that_was_removed_is_passed_over() -> None:
    model = Failing(small=[ModelNotFound(model="small")])
    assert (await read(make(model), wish()))[0] == "large"
    assert model.tried == ["small", "large"]


async def test_a_model_that_has_begun_is_not_exchanged() -> None:
    model = Failing(small=[failed()])
    model.written = 2
    heard: list[Step] = []

    async def listen() -> None:
        async for step in make(model).stream(wish()):
            heard.append(step)  # noqa: PERF401 - what came before the failure is kept

    with pytest.raises(EngineFailed):
        await listen()
    assert "".join(step.text for step in heard if isinstance(step, Delta)) == "small says"
    assert model.tried == ["small"]


async def test_where_nobody_writes_the_last_reason_is_given() -> None:
    model = Failing(
        **{name: [failed(), failed()] for name in ("small", "large")}, spare=[EngineTimedOut(engine="test", seconds=3)]
    )
    with pytest.raises(EngineTimedOut):
        await read(make(model), wish())


async def test_without_any_model() -> None:
    model = MemoryLanguageModel("", models=())
    with pytest.raises(EngineUnavailable):
        await read(make(model, fallbacks=[]), wish())


async def test_whoever_waits_sees_their_place_and_is_let_in() -> None:
    service = make(MemoryLanguageModel("one two three", models=MODELS), parallel=1)
    first = service.stream(wish())
    assert isinstance(await anext(first), Writing)
    second = service.stream(wish())
    assert await anext(second) == Waiting(1)
    await first.aclose()
    assert isinstance(await anext(second), Writing)
    await second.aclose()


async def test_waiting_ends_with_the_time_to_come_back() -> None:
    service = make(MemoryLanguageModel("one", models=MODELS), parallel=1, queue_timeout_seconds=0.05)
    async with aclosing(service.stream(wish())) as first:
        await anext(first)
        with pytest.raises(GenerationBusy) as refused:
            await read(service, wish())
    assert refused.value.retry_after_seconds
    assert (await read(service, wish()))[1] == "one", "the place is free again"
