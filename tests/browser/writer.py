"""A language model whose words the tests know: it answers some questions, slowly, and breaks at all others.

Behind every other question stands what people have without a model: sentences quoted from the documents.
"""

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from tests.scripted_ollama import Script, ScriptedOllama
from tests.scripted_wire import Received

MODEL = "scripted:latest"
SECOND = "second:latest"
VISITORS = "How many visitors did the library count in fiscal year 2031?"
HOURS = "Tell me at length when the reading rooms are open."
GREETING = "Please say hello to our visitors."
GREETING_REWORDED = "Please say hello to our visitors in French."
LONG = "Tell me a long story about the library."
NOTED = "Please remember that I work in Brest."
FOUNDED = "When was the library founded by the town council?"
PICTURES = "Show me pictures from everywhere."
DRAFT = "Show me a short program, a table and a formula."
_ANSWERS = {
    GREETING: Script("Hello, and welcome to the library.", tokens_per_second=25),
    GREETING_REWORDED: Script("Bonjour, et bienvenue à la bibliothèque.", tokens_per_second=25),
    LONG: Script("Once upon a time there was a quiet library. " * 60, tokens_per_second=25),
    NOTED: Script("Noted.", tokens_per_second=25),
    FOUNDED: Script("The council founded it in 1962.", tokens_per_second=25, fault="cut"),
    PICTURES: Script(
        "![one](http://192.0.2.1/1.png) ![two][there] <img src=http://192.0.2.1/3.png> "
        "<picture><source srcset='//192.0.2.1/4.png'></picture> ![five](//192.0.2.1/5.png)\n\n"
        "<link rel=prefetch href=http://192.0.2.1/6><style>p{background:url(http://192.0.2.1/7.png)}</style>\n\n"
        "| ![eight](https://192.0.2.1/8.png) |\n|---|\n| <svg><image href='http://192.0.2.1/9.png'/></svg> |\n\n"
        "$$\\includegraphics{http://192.0.2.1/10.png}$$ $\\href{http://192.0.2.1/11}{x}$\n\n"
        "[there]: http://192.0.2.1/2.png\n\nThat was all.",
        tokens_per_second=60,
    ),
    DRAFT: Script(
        "A program:\n\n```python\ndef area(width, height):\n    return width * height  # in metres\n```\n\n"
        "| Room | Seats |\n|---|---:|\n| North | 40 |\n| South | 25 |\n\n"
        "The formula is $A = w \\cdot h$, and\n\n$$\\sum_{i=1}^{n} i = \\frac{n(n+1)}{2}$$\n\n"
        "![a picture](http://192.0.2.1/x.png)",
        tokens_per_second=60,
    ),
    VISITORS: Script(
        "In fiscal year 2031 the library counted 48215 visitors {48215}. "
        "That is 12 percent more than the year before {48215}.\n\n"
        "The library has three reading rooms {1962}; they close at seven in the evening {seven}.",
        tokens_per_second=25,
    ),
    HOURS: Script("The reading rooms open at nine {seven}. " * 60, tokens_per_second=25),
}


@contextmanager
def writing() -> Iterator[ScriptedOllama]:
    """Run it on a thread of its own: the browser's driver holds this one."""
    server = ScriptedOllama(models=[MODEL, SECOND])
    server.choose = _choose
    loop = asyncio.new_event_loop()
    listening = threading.Event()
    leaving = asyncio.Event()

    async def serve() -> None:
        async with server:
            listening.set()
            await leaving.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), name="writer")
    thread.start()
    assert listening.wait(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(leaving.set)
        thread.join(10)
        loop.close()


def _choose(request: Received) -> Script:
    messages = [message["content"] for message in request.body["messages"]]
    rules, question = "\n".join(messages), re.split(r"^Message\s?: ", messages[-1], flags=re.MULTILINE)[-1]
    if "format" in request.body:  # asked to choose or to translate: it answers, and not usefully
        return Script("{}")
    script = _ANSWERS.get(question)
    if script is None:  # it refuses; were it to break, the appliance would spare it for a while
        return Script(fault="status_400")
    text = re.sub(r"\{(48215|1962|seven)\}", lambda found: _cite(rules, found[1]), script.text)
    return replace(script, text=f"{text} ({SECOND})" if request.model == SECOND else text)


def _cite(rules: str, word: str) -> str:
    """The number of the first passage a word stands in, as a model writes it; none where it stands in none."""
    for passage in re.finditer(r"^\[(\d+)\][^\n]*\n<<<\n(.*?)\n>>>", rules, re.DOTALL | re.MULTILINE):
        if word in passage[2]:
            return f"[{passage[1]}]"
    return ""
