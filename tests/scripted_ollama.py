"""An Ollama that says what a test tells it to, and fails the way a test tells it to, over Ollama's real wire format.

Its wire was compared with the real 0.17.4 (tests/contract/test_language_model.py runs both). It also speaks the two
OpenAI routes that Ollama has. `python -m tests.scripted_ollama --port 11500` runs one beside a bench; there a fault is
asked for by the model's name: `scripted:stall`, `scripted:status_500`.
"""

import argparse
import asyncio
import hashlib
import math
import re
import signal
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import msgspec

from tests.scripted_wire import Exchange, Received, WireServer

Fault = Literal[
    "hang",  # accepts, and says nothing
    "stall",  # stops between two tokens, connection open
    "one_byte_per_second",
    "cut",  # the connection breaks between two tokens
    "ends_early",  # the stream ends well-formed, without its last line
    "status_400",  # a model that cannot do what is asked
    "status_500",
    "status_503",
    "garbage",  # a line that is no JSON
    "wrong_types",  # JSON of another shape
    "invalid_utf8",
    "huge_line",  # 50 MB without an end of line
    "error_midstream",  # Ollama's own way to say that its runner died
    "redirect",
    "repeats_forever",  # writes beyond every limit
    "wrong_dimension",  # embeddings of another length
    "nan",  # an embedding with NaN in it
    "too_few",  # one embedding less than asked for
]
FAULTS: tuple[Fault, ...] = get_args(Fault)
HUGE_LINE_BYTES = 50 * 1024 * 1024
_CREATED = "2026-01-01T00:00:00.000000000Z"
_MINUTES = 3600.0


@dataclass(frozen=True)
class Script:
    """One answer. A fault in the middle comes after `tokens_before_fault`; rate 0 writes as fast as it can."""

    text: str = "The revenue was 12 million euros [1]."
    tokens_per_second: float = 0.0
    first_token_seconds: float = 0.0
    fault: Fault | None = None
    tokens_before_fault: int = 3
    calls: tuple[dict[str, Any], ...] = ()
    """Functions it asks for once its words are said: `{"name": …, "arguments": {…}}`."""
    chunk_bytes: int | None = None
    """Cut the stream into pieces of this size, whatever they hold, as a network may."""
    redirect_to: str = "http://127.0.0.1:9/elsewhere"

    @property
    def tokens(self) -> list[str]:
        return re.findall(r"\s*\S+|\s+$", self.text)


Chooser = Callable[[Received], Script | None]


class ScriptedOllama(WireServer):
    """`script` answers every request; `upcoming` first, one each; `choose(request)` before both where it gives one."""

    def __init__(
        self,
        script: Script | None = None,
        *,
        models: Sequence[str] = ("scripted:latest",),
        embedding_models: Sequence[str] = ("scripted-embed:latest",),
        dimensions: int = 64,
        port: int = 0,
    ) -> None:
        super().__init__(port=port)
        self.script = script or Script()
        self.upcoming: deque[Script] = deque()
        self.choose: Chooser | None = None
        self.models = list(models)
        self.embedding_models = list(embedding_models)
        self.dimensions = dimensions
        self.version = "0.17.4"
        self.first_tokens: list[float] = []
        """When the first token of each answer was handed to the socket, `time.monotonic()`."""

    @property
    def prompts(self) -> list[str]:
        """What the models were asked to write to, in order: each request's messages, joined."""
        written = [request for request in self.received if request.path in _WRITES and not _is_too_long(request)]
        return [_prompt(request.body) for request in written]

    def last(self, path: str = "/api/chat") -> Received:
        """The latest request of a path."""
        return next(request for request in reversed(self.received) if request.path == path)

    async def handle(self, exchange: Exchange) -> None:
        request = exchange.request
        if _is_too_long(request):
            await exchange.answer_json({"error": "the input length exceeds the context length"}, status=400)
        elif request.path in _WRITES or request.path in {"/api/embed", "/v1/embeddings"}:
            await self._work(exchange, self._script_for(request))
        elif (answer := self._describe(request)) is not None:
            await exchange.answer_json(answer)
        else:
            await exchange.answer_json({"error": "not found"}, status=404)

    def _script_for(self, request: Received) -> Script:
        if self.choose is not None and (chosen := self.choose(request)) is not None:
            return chosen
        script = self.upcoming.popleft() if self.upcoming else self.script
        named = request.model.partition(":")[2]
        return replace(script, fault=named) if named in FAULTS else script

    def _describe(self, request: Received) -> Any:
        match request.path:
            case "/api/version":
                return {"version": self.version}
            case "/api/tags" | "/api/ps":
                return {"models": [self._entry(name) for name in [*self.models, *self.embedding_models]]}
            case "/api/show" if self._has(request.model):
                return self._show(request.model)
            case "/v1/models":
                names = [*self.models, *self.embedding_models]
                return {"object": "list", "data": [{"id": name, "object": "model", "created": 0} for name in names]}
            case _:
                return None

    def _entry(self, name: str) -> dict[str, Any]:
        return {
            "name": name,
            "model": name,
            "modified_at": _CREATED,
            "size": 1_185_376,
            "digest": hashlib.sha256(name.encode()).hexdigest(),
            "details": {"format": "gguf", "family": "bert" if name in self.embedding_models else "llama"},
        }

    def _show(self, name: str) -> dict[str, Any]:
        embeds = _full(name) in self.embedding_models
        return {
            "details": self._entry(_full(name))["details"],
            "model_info": {"general.architecture": "llama", "llama.context_length": 8192},
            "capabilities": ["embedding"] if embeds else ["completion"],
            "modelfile": f"# made by hand\n\nFROM {self.weights_of(name)}\nTEMPLATE x\nFROM here on it is a person's\n",
        }

    def weights_of(self, name: str) -> str:
        """Name the file of a model's weights: each has its own."""
        return f"/blobs/{_full(name)}"

    def _has(self, name: str) -> bool:
        known = {*self.models, *self.embedding_models}
        return _full(name) in known or name.partition(":")[2] in FAULTS

    async def _work(self, exchange: Exchange, script: Script) -> None:
        request = exchange.request
        if not self._has(request.model):
            missing: Any = f"model '{request.model}' not found"
            if request.path.startswith("/v1/"):
                missing = {"message": missing, "type": "not_found_error", "param": None, "code": None}
            await exchange.answer_json({"error": missing}, status=404)
            return
        if script.fault == "hang":
            await exchange.pause(60 * _MINUTES)
        if script.fault in _STATUSES:
            await exchange.answer_json({"error": _STATUSES[script.fault]}, status=int(script.fault[-3:]))
        elif script.fault == "redirect":
            await exchange.answer(302, b"", Location=script.redirect_to)
        elif request.path in _WRITES:
            await _Writing(self, exchange, script).perform()
        else:
            await self._embed(exchange, script)

    async def _embed(self, exchange: Exchange, script: Script) -> None:
        await exchange.pause(script.first_token_seconds)
        body = exchange.request.body
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        length = self.dimensions + 1 if script.fault == "wrong_dimension" else self.dimensions
        vectors: list[list[float]] = [embed_words(text, length) for text in texts]
        if script.fault == "too_few":
            vectors = vectors[1:]
        encoded = msgspec.json.encode(vectors)
        if script.fault == "nan":
            encoded = b"[" + b",".join([b"[" + b",".join([b"NaN"] * length) + b"]"] * len(texts)) + b"]"
        if script.fault == "garbage":
            encoded = b"[[<html>"
        if script.fault == "cut":
            await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + encoded[:10])
            exchange.cut()
        model = msgspec.json.encode(body["model"])
        counts = {"total_duration": 1_000_000, "load_duration": 1, "prompt_eval_count": len(texts)}
        answer = b'{"model":%s,"embeddings":%s,%s}' % (model, encoded, msgspec.json.encode(counts)[1:-1])
        await exchange.answer(200, answer, Content_Type="application/json; charset=utf-8")


class _Writing:
    """One answer on its way out, in the form of its route."""

    def __init__(self, server: ScriptedOllama, exchange: Exchange, script: Script) -> None:
        self._server = server
        self._exchange = exchange
        self._script = script
        self._body = exchange.request.body
        self._path = exchange.request.path
        self._openai = self._path.startswith("/v1/")
        self._sent = 0

    async def perform(self) -> None:
        tokens, reason = self._limited()
        await self._exchange.pause(self._script.first_token_seconds)
        if self._body.get("stream", not self._openai):
            await self._stream(tokens, reason)
        else:
            self._sent = len(tokens)
            await self._exchange.answer_json(self._whole("".join(tokens), reason))

    def _limited(self) -> tuple[list[str], str]:
        limit = self._body.get("max_tokens") or (self._body.get("options") or {}).get("num_predict") or math.inf
        tokens = self._script.tokens
        return (tokens[: int(limit)], "length") if len(tokens) > limit else (tokens, "stop")

    async def _stream(self, tokens: list[str], reason: str) -> None:
        await self._exchange.begin_stream("text/event-stream" if self._openai else "application/x-ndjson")
        began = time.monotonic()
        for number, token in enumerate(tokens):
            if self._script.fault and number == self._script.tokens_before_fault:
                break
            if self._script.tokens_per_second:
                await self._exchange.pause(began + number / self._script.tokens_per_second - time.monotonic())
            await self._line(self._piece(token))
            self._sent += 1
            if number == 0:
                self._server.first_tokens.append(time.monotonic())
        if self._script.fault:
            await self._break()
            return
        if self._script.calls and not self._openai:
            called = [{"function": call} for call in self._script.calls]
            message = {"role": "assistant", "content": "", "tool_calls": called}
            await self._line({**self._shell(), "message": message, "done": False})
        await self._line(self._last(reason))
        if self._openai:
            if (self._body.get("stream_options") or {}).get("include_usage"):
                await self._line(self._completion([], usage=self._usage()))
            await self._exchange.chunk(b"data: [DONE]\n\n")
        await self._exchange.end_stream()

    async def _break(self) -> None:
        if line := _BROKEN_LINES.get(str(self._script.fault)):
            await self._raw(line)
        match self._script.fault:
            case "cut":
                self._exchange.cut()
            case "huge_line":
                await self._huge_line()
            case "repeats_forever":
                while True:
                    await self._line(self._piece(" again"))
                    await asyncio.sleep(0)
            case "one_byte_per_second":
                for byte in msgspec.json.encode(self._piece(" slowly")):
                    await self._exchange.chunk(bytes((byte,)))
                    await self._exchange.pause(1.0)
            case "stall":
                await self._exchange.pause(60 * _MINUTES)
            case _:
                await self._exchange.end_stream()

    async def _huge_line(self) -> None:
        await self._exchange.chunk(b'data: {"choices": "' if self._openai else b'{"message": {"content": "')
        block = b"a" * (1024 * 1024)
        for _ in range(HUGE_LINE_BYTES // len(block)):
            await self._exchange.chunk(block)
        await self._exchange.end_stream()

    async def _line(self, value: Any) -> None:
        await self._raw(msgspec.json.encode(value))

    async def _raw(self, line: bytes) -> None:
        data = b"data: " + line + b"\n\n" if self._openai else line + b"\n"
        size = self._script.chunk_bytes or len(data)
        for start in range(0, len(data), size):
            await self._exchange.chunk(data[start : start + size])

    def _piece(self, text: str) -> dict[str, Any]:
        if self._openai:
            delta = {"role": "assistant", "content": text}
            return self._completion([{"index": 0, "delta": delta, "finish_reason": None}])
        return {**self._shell(), **self._said(text), "done": False}

    def _last(self, reason: str) -> dict[str, Any]:
        if self._openai:
            delta = {"role": "assistant", "content": ""}
            return self._completion([{"index": 0, "delta": delta, "finish_reason": reason}])
        return self._whole("", reason)

    def _whole(self, text: str, reason: str) -> dict[str, Any]:
        if self._openai:
            message = {"role": "assistant", "content": text}
            choice = {"index": 0, "message": message, "finish_reason": reason}
            return {**self._completion([choice], usage=self._usage()), "object": "chat.completion"}
        counts = {"prompt_eval_count": self._usage()["prompt_tokens"], "eval_count": self._sent}
        times = {"total_duration": 1_000_000, "load_duration": 1, "prompt_eval_duration": 1, "eval_duration": 1}
        return {**self._shell(), **self._said(text), "done": True, "done_reason": reason, **times, **counts}

    def _said(self, text: str) -> dict[str, Any]:
        if self._path == "/api/generate":
            return {"response": text}
        return {"message": {"role": "assistant", "content": text}}

    def _shell(self) -> dict[str, Any]:
        return {"model": self._body["model"], "created_at": _CREATED}

    def _completion(self, choices: list[Any], **more: Any) -> dict[str, Any]:
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": self._body["model"]}
        return {**head, "choices": choices, **more}

    def _usage(self) -> dict[str, int]:
        prompt = len(_prompt(self._body).split())
        return {"prompt_tokens": prompt, "completion_tokens": self._sent, "total_tokens": prompt + self._sent}


_BROKEN_LINES = {
    "garbage": b"<html>502 Bad Gateway</html>",
    "wrong_types": b'{"message": [1, 2], "choices": {"a": 1}, "done": "maybe"}',
    "invalid_utf8": b'{"message": {"content": "\xff\xfe"}, "choices": [{"delta": {"content": "\xff\xfe"}}]}',
    "error_midstream": b'{"error": "an error was encountered while running the model: unexpected EOF"}',
}
_STATUSES = {
    "status_400": "registry.ollama.ai/library/scripted does not support tools",
    "status_500": "llama runner process has terminated",
    "status_503": "server busy",
}
_WRITES = frozenset({"/api/chat", "/api/generate", "/v1/chat/completions"})


def embed_words(text: str, dimensions: int) -> list[float]:
    """Embed by hashing words: texts that share words lie near each other, on every machine alike."""
    vector = [0.0] * dimensions
    for word in re.findall(r"\w+", text.lower()) or [""]:
        digest = hashlib.blake2b(word.encode(), digest_size=8).digest()
        vector[int.from_bytes(digest[:4]) % dimensions] += 1.0 if digest[4] & 1 else -1.0
    norm = math.sqrt(sum(value * value for value in vector))
    if not norm:  # two words that cancel each other out
        return [1.0] + [0.0] * (dimensions - 1)
    return [value / norm for value in vector]


def _prompt(body: Any) -> str:
    if "prompt" in body:
        return str(body["prompt"])
    return "\n".join(str(message.get("content", "")) for message in body.get("messages", []))


def _is_too_long(request: Received) -> bool:
    """Tell a prompt that does not fit and must not be cut, of which the real one computes nothing."""
    if request.path != "/api/generate" or request.body.get("truncate", True):
        return False
    return len(_prompt(request.body).split()) > (request.body.get("options") or {}).get("num_ctx", 4096)


def _full(name: str) -> str:
    return name if ":" in name else f"{name}:latest"


async def _serve(arguments: argparse.Namespace) -> None:
    script = Script(
        text=arguments.text,
        tokens_per_second=arguments.tokens_per_second,
        first_token_seconds=arguments.first_token_seconds,
        fault=arguments.fault,
    )
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with ScriptedOllama(script, port=arguments.port, dimensions=arguments.dimensions) as server:
        if arguments.echo:
            server.choose = lambda request: replace(script, text=str(request.body["messages"][-1]["content"]))
        print(server.url, flush=True)
        await stopped.wait()


def main() -> None:
    """Run one until it is told to stop; its address is printed once it listens."""
    parser = argparse.ArgumentParser(description="Run a scripted Ollama.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--text", default=Script.text)
    parser.add_argument("--tokens-per-second", type=float, default=0.0)
    parser.add_argument("--first-token-seconds", type=float, default=0.0)
    parser.add_argument("--dimensions", type=int, default=64)
    parser.add_argument("--fault", choices=FAULTS)
    parser.add_argument("--echo", action="store_true", help="answer each message with its own words")
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
