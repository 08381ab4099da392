"""Cases of the routes that complete prompts."""

import httpx

from tests.api.cases import denied, happy, invalid
from tests.api.house import House


@happy("POST /api/generate")
async def a_prompt_is_completed(house: House) -> None:
    with house.saying("Quatre mots de réponse"):
        done = await house.member.api.post("/api/generate", json={"prompt": "Dis quatre mots", "max_tokens": 3})
    body = done.json()
    assert body["response"] == "Quatre mots de"
    assert (body["model"], body["tokens"], body["stopped"]) == ("memory", 6, False)
    assert body["duration_ms"] >= 0


@denied("POST /api/generate", 403)
async def a_key_for_something_else_completes_nothing(house: House) -> None:
    made = await house.member.api.post("/api/keys", json={"name": "documents alone", "scopes": ["knowledge"]})
    narrow = await house.client(Authorization=f"Bearer {made.json()['key']}")
    await narrow.post("/api/generate", json={"prompt": "Well?"})


@invalid("POST /api/generate")
async def what_cannot_be_completed_is_said(house: House) -> None:
    async def answered(body: object) -> httpx.Response:
        return await house.member.api.post("/api/generate", json=body)

    assert (await answered({"prompt": "Well?", "model": "nobody:70b"})).status_code == 404
    for body in ({"prompt": ""}, {"prompt": 7}, {}, {"prompt": "x", "max_tokens": 0}, {"prompt": "x", "teapot": 1}):
        assert (await answered(body)).status_code == 400


@happy("GET /api/generate/queue")
async def the_queue_is_counted(house: House) -> None:
    state = (await house.member.api.get("/api/generate/queue")).json()
    assert state == {
        "places": 4,
        "writing": 0,
        "waiting": {"call": 0, "voice": 0, "chat": 0, "batch": 0},
        "mine": 0,
    }


@denied("GET /api/generate/queue", 401)
async def nobody_counts_the_queue(house: House) -> None:
    await house.nobody.get("/api/generate/queue")


@invalid("GET /api/generate/queue", 405)
async def the_queue_is_not_put(house: House) -> None:
    await house.member.api.put("/api/generate/queue", json={})
