"""Ollama may keep a slot for good when its reader leaves: whoever asks next is answered all the same."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import CapturingLogger

from appliance.core.errors import EngineTimedOut, EngineUnavailable
from appliance.core.settings_sections import LanguageModel as LanguageModelSettings
from appliance.engines import ollama_slots
from appliance.engines.model_errors import ModelCannot
from appliance.engines.ollama import Ollama
from appliance.engines.ollama_host import OllamaHost
from appliance.ports.chat import ChatRequest, Message
from tests.scripted_models import ScriptedModels
from tests.scripted_ollama import Script
from tests.scripted_wire import ClientLeft, Exchange

_MODEL = "scripted:latest"
_ASK = ChatRequest(messages=[Message("user", "Who?")], max_tokens=80)
_FIRST_SECONDS, _ASK_SECONDS = 2.5, 1.0
_SLOW = Script(" ".join(["word"] * 60), tokens_per_second=15)
_WORDS = "one two three four five six seven eight nine ten"


class Losing(ScriptedModels):
    """Has one slot. As the real one, it loses it when a reader leaves at the wrong moment, until the model is unloaded."""

    def __init__(self) -> None:
        super().__init__(script=Script(_WORDS, tokens_per_second=100))
        self.losses_to_come = 0
        self.is_lost = False
        self.is_used = False
        """By another program: then a model leaves memory only once that has its answer."""
        self.unloads = 0

    async def handle(self, exchange: Exchange) -> None:
        body = exchange.request.body if isinstance(exchange.request.body, dict) else {}
        if body.get("messages") or body.get("prompt"):
            self.loaded.setdefault(self.weights_of(_MODEL), self._entry(_MODEL) | {"expires_at": _in(300)})
            await self._write(exchange)
        elif body.get("keep_alive") == 0:
            self.unloads += 1
            if self.is_used:
                await exchange.answer_json({"model": _MODEL, "done": True, "done_reason": "unload"})
                return
            self.is_lost = False
            await super().handle(exchange)
        else:
            await super().handle(exchange)

    async def _write(self, exchange: Exchange) -> None:
        if self.is_lost:
            await exchange.pause(3600)
        try:
            await super().handle(exchange)
        except ClientLeft:
            self.is_lost = self.losses_to_come > 0
            self.losses_to_come -= self.is_lost
            raise

    @property
    def asked(self) -> int:
        """How many times it was asked whether it has a slot."""
        bodies = [request.body for request in self.received if request.path == "/api/generate"]
        return sum(1 for body in bodies if body.get("truncate") is False)


def _in(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever must be waited for is waited for briefly."""
    monkeypatch.setattr(ollama_slots, "_ASK_SECONDS", _ASK_SECONDS)
    monkeypatch.setattr(ollama_slots, "_LEAVE_SECONDS", 0.3)


@pytest.fixture
async def server() -> AsyncIterator[Losing]:
    async with Losing() as running:
        yield running


@pytest.fixture
async def model(server: Losing) -> AsyncIterator[Ollama]:
    settings = LanguageModelSettings(
        kind="ollama", url=server.url, model=_MODEL, context_length=128, first_token_timeout_seconds=_FIRST_SECONDS
    )
    async with Ollama(settings) as adapter:
        yield adapter


async def leave(model: Ollama, server: Losing) -> None:
    """Hang up after the first word."""
    async with aclosing(model.stream(_ASK)) as deltas:
        await anext(deltas)
    await server.received[-1].wait_ended()


async def read(model: Ollama) -> str:
    return "".join([delta.text async for delta in model.stream(_ASK)])


async def test_who_asks_after_a_lost_slot_is_answered(
    model: Ollama, server: Losing, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr(ollama_slots, "log", log)
    server.losses_to_come = 1
    await leave(model, server)
    assert await read(model) == _WORDS
    assert server.unloads == 1
    assert [(call.method_name, call.args) for call in log.calls] == [("warning", ("model_slot_lost",))]


async def test_a_slot_that_was_given_back_costs_a_question_once(model: Ollama, server: Losing) -> None:
    await leave(model, server)
    assert server.asked == 0
    for _ in range(3):
        assert await read(model) == _WORDS
    assert (server.asked, server.unloads) == (1, 0)
    assert server.prompts == ["Who?"] * 4, "what it is asked with is not written to"


async def test_whole_answers_and_refusals_leave_no_doubt(model: Ollama, server: Losing) -> None:
    await read(model)
    server.upcoming.append(Script(fault="status_400"))
    with pytest.raises(ModelCannot):
        await read(model)
    await read(model)
    assert server.asked == 0


@pytest.mark.parametrize("left, stays", [(-1, None), (7200, 7200), (200, 300)])
async def test_a_model_stays_as_long_as_it_was_to(model: Ollama, server: Losing, left: int, stays: int | None) -> None:
    """For good, or for longer than usual: that was a person's wish."""
    async with OllamaHost(server.url) as host:
        await host.load(_MODEL, context_length=128, keep_alive_seconds=left)
        server.losses_to_come = 1
        await leave(model, server)
        await read(model)
        (loaded,) = await host.running()
    assert server.unloads == 1
    seconds = loaded.expires_at and (loaded.expires_at - datetime.now(UTC)).total_seconds()
    assert seconds == (stays if stays is None else pytest.approx(stays, abs=30))


async def test_everybody_who_waits_behind_a_lost_slot_is_answered(model: Ollama, server: Losing) -> None:
    server.losses_to_come = 1
    async with aclosing(model.stream(_ASK)) as deltas:
        await anext(deltas)
        server.is_lost = True  # one slot: the others wait behind this one
        others = [asyncio.create_task(read(model)) for _ in range(3)]
        while len(server.received) < 4:
            await asyncio.sleep(0.01)
    late = asyncio.create_task(read(model))
    assert await asyncio.gather(*others, late) == [_WORDS] * 4
    assert server.unloads == 1


async def test_an_engine_that_never_answers_is_told_so_and_not_for_ever(model: Ollama, server: Losing) -> None:
    server.choose = lambda _: Script(fault="hang")
    began = asyncio.get_running_loop().time()
    with pytest.raises(EngineTimedOut):
        await read(model)
    assert asyncio.get_running_loop().time() - began < 2 * (_FIRST_SECONDS + _ASK_SECONDS)
    assert (server.asked, server.unloads) == (1, 0), "it has its slot: it is only slow"


async def test_who_is_slow_beside_others_is_not_taken_for_lost(model: Ollama, server: Losing) -> None:
    server.upcoming += [_SLOW, Script(fault="hang")]
    beside = asyncio.create_task(read(model))
    while not server.prompts:
        await asyncio.sleep(0.01)
    with pytest.raises(EngineTimedOut):
        await read(model)
    assert not beside.done()
    assert server.asked == 0
    assert (await beside).count("word") == 60


async def test_who_waited_in_vain_keeps_nobody_from_a_model_that_is_slow(model: Ollama, server: Losing) -> None:
    """The first gives up after 2.5 s, the second gets its first word after 2.8, and who comes in between is let in then."""
    server.upcoming += [Script(fault="hang"), replace(_SLOW, first_token_seconds=1.8)]
    in_vain = asyncio.create_task(read(model))
    await asyncio.sleep(1.0)
    beside = asyncio.create_task(read(model))
    await asyncio.sleep(1.65)
    assert await read(model) == _WORDS
    with pytest.raises(EngineTimedOut):
        await in_vain
    assert not beside.done()
    assert server.unloads == 0
    await beside


async def test_a_model_that_another_program_uses_stays(model: Ollama, server: Losing) -> None:
    """It is asked to leave, and does not: then it is told how long it stays, and nobody counts it as lost."""
    server.losses_to_come = 1
    await leave(model, server)
    server.is_used = True
    async with OllamaHost(server.url) as host:
        assert not await host.free(_MODEL, context_length=128)
    assert server.unloads == 1
    last = server.received[-1]
    assert (last.path, last.body["keep_alive"]) == ("/api/generate", "300s")


async def test_an_old_ollama_is_not_asked_what_it_would_compute(model: Ollama, server: Losing) -> None:
    server.version = "0.12.3"
    await leave(model, server)
    assert await read(model) == _WORDS
    assert server.asked == 0


async def test_a_model_out_of_memory_is_not_loaded_to_be_asked(model: Ollama, server: Losing) -> None:
    await leave(model, server)
    server.loaded.clear()
    assert await read(model) == _WORDS
    assert server.asked == 0


async def test_a_model_that_is_being_loaded_is_not_asked(model: Ollama, server: Losing) -> None:
    """Who leaves before the first word stops the loading; to be asked it would be loaded anew."""
    server.upcoming.append(Script(_WORDS, first_token_seconds=0.8))
    leaving = asyncio.create_task(read(model))
    while not server.prompts:
        await asyncio.sleep(0.01)
    leaving.cancel()
    await asyncio.wait([leaving])
    assert await read(model) == _WORDS
    assert server.asked == 0


async def test_an_engine_that_went_away_is_told_by_the_stream(model: Ollama, server: Losing) -> None:
    await leave(model, server)
    await server.refuse()
    with pytest.raises(EngineUnavailable):
        await read(model)
    await server.accept()
    assert await read(model) == _WORDS


async def test_a_speed_test_that_was_stopped_gives_its_slot_back(server: Losing) -> None:
    server.losses_to_come = 1
    async with OllamaHost(server.url) as host:
        measuring = host.measure(_MODEL, prompt="Once", max_tokens=40, context_length=128)
        async with aclosing(measuring) as steps:
            await anext(steps)
        assert server.unloads == 1
        assert not server.is_lost
