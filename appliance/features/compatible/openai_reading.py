"""OpenAI's requests as ours."""

import base64
import binascii
import re
from typing import Any

import msgspec

from appliance.core.errors import InvalidRequest
from appliance.core.text import Text
from appliance.features.compatible.schemas import (
    OpenAIChatIn,
    OpenAICompletionIn,
    OpenAIEmbeddingsIn,
    OpenAIFormat,
    OpenAIMessageIn,
    OpenAIPart,
    OpenAITool,
)
from appliance.ports.chat import ChatRequest, Message, ToolCall

_PICTURE = re.compile(r"data:image/[\w.+-]{1,40};base64,(.+)", re.DOTALL)
_CHOICES = frozenset({"none", "auto", "required"})
_TEXTS = 2048
"""OpenAI's own limit of one call."""


def read_chat(data: OpenAIChatIn, *, limit: int) -> ChatRequest:
    """Read a chat request. `limit`: the tokens of the longest answer. Raises InvalidRequest, naming the field."""
    _only_one(data.n)
    messages = _read_messages(data.messages)
    asked = data.max_completion_tokens or data.max_tokens or limit
    logprobs = (data.top_logprobs or 0) if data.logprobs else None
    return ChatRequest(
        messages=messages,
        model=data.model,
        max_tokens=min(asked, limit),
        temperature=data.temperature,
        top_p=data.top_p,
        seed=data.seed,
        stop=_stops(data.stop),
        shape=_shape(data.response_format),
        tools=_tools(data.tools or [], data.tool_choice),
        must_call=data.tool_choice == "required" or isinstance(data.tool_choice, dict),
        logprobs=logprobs,
        think=False if data.reasoning_effort == "none" else None,
    )


def read_completion(data: OpenAICompletionIn, *, limit: int) -> ChatRequest:
    """Read a prompt as one message of the user."""
    _only_one(data.n)
    prompts = [data.prompt] if isinstance(data.prompt, str) else data.prompt
    if len(prompts) != 1 or not isinstance(prompts[0], str) or not prompts[0]:
        raise invalid(
            "prompt",
            Text(
                "`prompt` must be one text that is not empty; token lists and several prompts are not taken.",
                "`prompt` doit être un seul texte non vide ; listes de jetons et textes multiples ne sont pas acceptés.",
            ),
        )
    return ChatRequest(
        messages=[Message("user", prompts[0])],
        model=data.model,
        max_tokens=min(data.max_tokens or limit, limit),
        temperature=data.temperature,
        top_p=data.top_p,
        seed=data.seed,
        stop=_stops(data.stop),
    )


def read_texts(data: OpenAIEmbeddingsIn, *, dimensions: int) -> list[str]:
    """Read what is to be embedded into vectors of `dimensions`."""
    if data.dimensions is not None and data.dimensions != dimensions:
        raise wrong_dimensions(dimensions)
    return check_texts(data.input)


def check_texts(given: str | list[Any]) -> list[str]:
    """Read one text or several. Raises InvalidRequest for tokens, for none and for empty ones."""
    texts = [given] if isinstance(given, str) else given
    if any(isinstance(text, int | list) for text in texts):
        raise invalid(
            "input",
            Text(
                "`input` must be texts: tokens of another model's vocabulary mean nothing here.",
                "`input` doit contenir des textes : les jetons d’un autre vocabulaire n’ont ici aucun sens.",
            ),
        )
    if not texts or len(texts) > _TEXTS or not all(isinstance(text, str) and text.strip() for text in texts):
        raise invalid(
            "input",
            Text(
                f"`input` must be 1 to {_TEXTS} texts, none of them empty.",
                f"`input` doit contenir de 1 à {_TEXTS} textes, aucun vide.",
            ),
        )
    return texts


def wrong_dimensions(dimensions: int) -> InvalidRequest:
    """Say how long a vector is."""
    return invalid(
        "dimensions",
        Text(
            f"`dimensions` can only be {dimensions}, the length of this model's vectors.",
            f"`dimensions` ne peut valoir que {dimensions}, la longueur des vecteurs de ce modèle.",
        ),
    )


def invalid(param: str, reason: Text) -> InvalidRequest:
    """Name the field that is wrong."""
    return InvalidRequest(reason=reason, param=param)


def check_picture(data: str, place: str) -> str:
    """Check that a picture is base64."""
    try:
        base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise invalid(
            place, Text(f"`{place}` is no picture in base64.", f"`{place}` n’est pas une image en base64.")
        ) from None
    return data


def refuse_silence(messages: list[Message], place: str = "messages") -> list[Message]:
    """Give the messages back. Raises InvalidRequest where none of them says anything."""
    if not any(message.content.strip() or message.images for message in messages):
        raise invalid(
            place,
            Text(f"`{place}` say nothing: there is nothing to answer.", f"`{place}` ne dit rien : rien à répondre."),
        )
    return messages


def _only_one(n: int | None) -> None:
    if n not in {None, 1}:
        raise invalid(
            "n", Text("`n` can only be 1: one answer at a time.", "`n` ne peut valoir que 1 : une réponse à la fois.")
        )


def _stops(stop: str | list[str] | None) -> tuple[str, ...]:
    stops = [stop] if isinstance(stop, str) else stop or []
    return tuple(one for one in stops if one)


def _read_messages(given: list[OpenAIMessageIn]) -> list[Message]:
    names: dict[str, str] = {}
    messages: list[Message] = []
    for number, message in enumerate(given):
        text, images = _content(message.content, f"messages[{number}].content")
        calls = tuple(
            ToolCall(call.id, call.function.name, call.function.arguments) for call in message.tool_calls or ()
        )
        names.update((call.id, call.name) for call in calls)
        is_tool = message.role == "tool"
        messages.append(
            Message(
                role="system" if message.role == "developer" else message.role,
                content=text,
                tool_calls=calls,
                tool_call_id=message.tool_call_id if is_tool else None,
                tool_name=names.get(message.tool_call_id or "") if is_tool else None,
                images=images,
            )
        )
    return refuse_silence(messages)


def _content(content: str | list[OpenAIPart] | None, place: str) -> tuple[str, tuple[str, ...]]:
    if content is None or isinstance(content, str):
        return content or "", ()
    texts: list[str] = []
    images: list[str] = []
    for number, part in enumerate(content):
        where = f"{place}[{number}]"
        if part.type == "text" and part.text is not None:
            texts.append(part.text)
        elif part.type == "image_url" and part.image_url is not None:
            images.append(_picture(part.image_url.url, f"{where}.image_url"))
        else:
            raise invalid(
                where,
                Text(
                    f"`{where}` must be of type `text` or `image_url`, with its content.",
                    f"`{where}` doit être de type `text` ou `image_url`, avec son contenu.",
                ),
            )
    return "\n".join(texts), tuple(images)


def _picture(url: str, place: str) -> str:
    found = _PICTURE.fullmatch(url)
    if found is None:
        raise invalid(
            place,
            Text(
                f"`{place}` must be `data:image/…;base64,…`: nothing is fetched from an address.",
                f"`{place}` doit être `data:image/…;base64,…` : rien n’est téléchargé d’une adresse.",
            ),
        )
    return check_picture(found[1], place)


def _shape(wanted: OpenAIFormat | None) -> dict[str, Any] | None:
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object":
        return {}
    if wanted.json_schema is None or not wanted.json_schema.schema:
        place = "response_format.json_schema.schema"
        raise invalid(place, Text(f"`{place}` is missing.", f"`{place}` manque."))
    return wanted.json_schema.schema


def _tools(tools: list[OpenAITool], choice: str | dict[str, Any] | None) -> tuple[dict[str, Any], ...]:
    """Give the tools that are offered: none, all, or the named one."""
    if isinstance(choice, str) and choice not in _CHOICES:
        raise invalid(
            "tool_choice",
            Text(
                "`tool_choice` is `none`, `auto`, `required` or a function of `tools`.",
                "`tool_choice` vaut `none`, `auto`, `required` ou une fonction de `tools`.",
            ),
        )
    if choice == "none":
        return ()
    offered = tools
    if isinstance(choice, dict):
        function: Any = choice.get("function")
        name: Any = function.get("name") if isinstance(function, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        offered = [tool for tool in tools if tool.function.name == name]
    if (isinstance(choice, dict) or choice == "required") and not offered:
        raise invalid(
            "tool_choice",
            Text("`tool_choice` names no function of `tools`.", "`tool_choice` ne nomme aucune fonction de `tools`."),
        )
    return tuple(msgspec.to_builtins(tool) for tool in offered)
