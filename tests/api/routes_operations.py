"""Cases of the routes about the box: runs, jobs, audit, ledger, health."""

import asyncio
from typing import Any
from uuid import uuid4

import msgspec

from appliance.features.audit.chain import verify_export
from tests.api.cases import denied, happy, invalid
from tests.api.house import House
from tests.api.wire import calling


@happy("GET /status")
async def every_engine_is_shown(house: House) -> None:
    status = (await house.member.api.get("/status")).json()
    assert {"llm", "embedder", "vector_store", "object_store", "database", "job_queue", "event_bus"} <= set(status)
    assert all(engine["ok"] for engine in status.values()), status


@denied("GET /status", 401)
async def engines_are_shown_to_people_we_know(house: House) -> None:
    await house.nobody.get("/status")


@invalid("GET /status", 405)
async def status_takes_nothing(house: House) -> None:
    await house.member.api.post("/status")


@happy("GET /metrics")
async def numbers_are_given_on_the_machine_and_to_the_scope(house: House) -> None:
    assert (await house.nobody.get("/metrics")).status_code == 200
    scraper = await house.with_key(
        (await house.key(house.member, "metrics")).headers["authorization"][7:], peer="10.0.0.9"
    )
    text = (await scraper.get("/metrics")).text
    assert "appliance_stage_seconds" in text


@denied("GET /metrics", 401)
async def numbers_are_not_given_to_the_network(house: House) -> None:
    await (await house.client(peer="10.0.0.9")).get("/metrics")


@invalid("GET /metrics", 405)
async def numbers_are_read_only(house: House) -> None:
    await house.member.api.post("/metrics")


@happy("GET /api/events")
async def screens_hear_of_what_changes(house: House) -> None:
    async with calling(house, "GET", "/api/events", headers={"authorization": f"Bearer {house.member.key}"}) as call:
        assert call.headers["content-type"].startswith("text/event-stream")
        events = call.events()
        assert (await anext(events)).name == "ready"
        uploaded = await house.upload(house.member)
        states: list[str] = []
        while "indexed" not in states:
            event = await anext(events)
            assert event.name == "document"
            if event.data["document_id"] == uploaded["file_id"]:
                states.append(event.data["status"])
        assert states[0] in {"uploaded", "parsing"}


@denied("GET /api/events", 401)
async def events_are_for_people_we_know(house: House) -> None:
    await house.nobody.get("/api/events")


@invalid("GET /api/events", 405)
async def events_are_not_sent_to_us(house: House) -> None:
    await house.member.api.post("/api/events", json={})


async def answered_run(house: House) -> dict[str, Any]:
    """Ask, and give the answer with its `run_id`."""
    document = await house.add(house.member, "Kites are made of paper and of bamboo.")
    question = {"question": "What are kites made of?", "filters": {"documents": [document["file_id"]]}}
    return (await house.member.api.post("/api/rag/chat", json=question)).json()


@happy("GET /api/runs/{run_id:uuid}")
async def a_run_is_shown(house: House) -> None:
    answer = await answered_run(house)
    async with asyncio.timeout(5):
        while (run := (await house.member.api.get(f"/api/runs/{answer['run_id']}")).json())["status"] == "running":
            await asyncio.sleep(0.02)
    assert (run["status"], run["kind"]) == ("done", "answer")


@denied("GET /api/runs/{run_id:uuid}", 404)
async def anothers_run_is_not_there(house: House) -> None:
    await house.other.api.get(f"/api/runs/{(await answered_run(house))['run_id']}")


@invalid("GET /api/runs/{run_id:uuid}", 404)
async def an_unknown_run_is_not_there(house: House) -> None:
    await house.member.api.get(f"/api/runs/{uuid4()}")


@happy("GET /api/runs/{run_id:uuid}/events")
async def a_run_is_followed_from_any_number_on(house: House) -> None:
    answer = await answered_run(house)
    path, key = f"/api/runs/{answer['run_id']}/events", {"authorization": f"Bearer {house.member.key}"}
    async with calling(house, "GET", path, headers=key) as call:
        events = [event async for event in call.events()]
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert events[-1].name == "done"
    assert events[-1].data == answer
    async with calling(house, "GET", path, headers={**key, "last-event-id": str(len(events) - 2)}) as call:
        assert [event async for event in call.events()] == events[-2:]


@denied("GET /api/runs/{run_id:uuid}/events", 404)
async def anothers_run_is_not_followed(house: House) -> None:
    await house.other.api.get(f"/api/runs/{(await answered_run(house))['run_id']}/events")


@invalid("GET /api/runs/{run_id:uuid}/events")
async def a_number_is_no_novel(house: House) -> None:
    path = f"/api/runs/{(await answered_run(house))['run_id']}/events"
    await house.member.api.get(path, headers={"last-event-id": "1" * 21})


@happy("POST /api/runs/{run_id:uuid}/stop")
async def a_run_that_ended_may_be_stopped(house: House) -> None:
    answer = await answered_run(house)
    stopped = await house.member.api.post(f"/api/runs/{answer['run_id']}/stop")
    assert stopped.json()["id"] == answer["run_id"]


@denied("POST /api/runs/{run_id:uuid}/stop", 404)
async def anothers_run_is_not_stopped(house: House) -> None:
    await house.other.api.post(f"/api/runs/{(await answered_run(house))['run_id']}/stop")


@invalid("POST /api/runs/{run_id:uuid}/stop", 404)
async def an_unknown_run_is_not_stopped(house: House) -> None:
    await house.member.api.post(f"/api/runs/{uuid4()}/stop")


async def dead_job(house: House) -> str:
    """Give the id of a job that failed for good."""
    name = f"locked-{uuid4()}.txt"
    uploaded = await house.upload(house.member, "password: x\ny", name=name)
    await house.wait_for(house.member, uploaded["file_id"], "failed")
    async with asyncio.timeout(5):
        while True:
            dead = (await house.member.api.get("/api/jobs?status=dead&limit=100")).json()["items"]
            if found := [job["id"] for job in dead if job["subject"] == name]:
                return found[0]
            await asyncio.sleep(0.02)


@happy("GET /api/jobs")
async def dead_letters_are_listed_with_their_reason(house: House) -> None:
    job_id = await dead_job(house)
    listed = (await house.admin.api.get("/api/jobs?status=dead&kind=document.index&limit=100")).json()
    job = next(job for job in listed["items"] if job["id"] == job_id)
    assert job["problem"]["type"] == "urn:appliance:password_needed"
    assert (job["kind"], job["status"]) == ("document.index", "dead")


@denied("GET /api/jobs", 401)
async def jobs_are_for_people_we_know(house: House) -> None:
    await house.nobody.get("/api/jobs")


@invalid("GET /api/jobs")
async def a_job_has_one_of_its_states(house: House) -> None:
    await house.member.api.get("/api/jobs?status=sleeping")


@happy("GET /api/jobs/{job_id:uuid}")
async def a_job_is_shown(house: House) -> None:
    assert (await house.member.api.get(f"/api/jobs/{await dead_job(house)}")).json()["attempts"] == 1


@denied("GET /api/jobs/{job_id:uuid}", 404)
async def anothers_job_is_not_there(house: House) -> None:
    await house.other.api.get(f"/api/jobs/{await dead_job(house)}")


@invalid("GET /api/jobs/{job_id:uuid}", 404)
async def an_unknown_job_is_not_there(house: House) -> None:
    await house.member.api.get(f"/api/jobs/{uuid4()}")


@happy("POST /api/jobs/{job_id:uuid}/retry")
async def a_dead_letter_is_tried_again(house: House) -> None:
    again = (await house.member.api.post(f"/api/jobs/{await dead_job(house)}/retry")).json()
    assert again["attempts"] == 0


@denied("POST /api/jobs/{job_id:uuid}/retry", 404)
async def anothers_job_is_not_tried_again(house: House) -> None:
    await house.other.api.post(f"/api/jobs/{await dead_job(house)}/retry")


@invalid("POST /api/jobs/{job_id:uuid}/retry", 409)
async def what_is_done_is_done(house: House) -> None:
    await house.add(house.member)
    async with asyncio.timeout(10):  # a document is searchable a moment before its job is written down as done
        while not (done := (await house.member.api.get("/api/jobs?status=done&limit=1")).json()["items"]):
            await asyncio.sleep(0.02)
    await house.member.api.post(f"/api/jobs/{done[0]['id']}/retry")


async def running_job(house: House) -> str:
    """Give the id of a job that does not end by itself."""
    held = await house.held(house.member)
    queued = await house.member.api.post("/api/rag/index?wait=false", json={"file_id": held["file_id"]})
    assert queued.status_code == 202
    return queued.json()["job_id"]


@happy("POST /api/jobs/{job_id:uuid}/cancel")
async def a_job_is_stopped(house: House) -> None:
    job_id = await running_job(house)
    await house.member.api.post(f"/api/jobs/{job_id}/cancel")
    async with asyncio.timeout(5):
        while (await house.member.api.get(f"/api/jobs/{job_id}")).json()["status"] != "cancelled":
            await asyncio.sleep(0.02)
    house.parser.released.set()


@denied("POST /api/jobs/{job_id:uuid}/cancel", 404)
async def anothers_job_is_not_cancelled(house: House) -> None:
    await house.other.api.post(f"/api/jobs/{await running_job(house)}/cancel")
    house.parser.released.set()


@invalid("POST /api/jobs/{job_id:uuid}/cancel", 409)
async def what_has_ended_is_not_stopped(house: House) -> None:
    await house.member.api.post(f"/api/jobs/{await dead_job(house)}/cancel")


@happy("GET /api/audit")
async def the_audit_is_filtered(house: House) -> None:
    document = await house.add(house.member)
    await house.member.api.get(f"/api/rag/documents/{document['file_id']}/content")
    where = {"object_id": document["file_id"], "actor_id": house.member.id}
    entries = (await house.admin.api.get("/api/audit", params=where)).json()["items"]
    assert [entry["action"] for entry in entries] == ["document.read", "document.uploaded"]


@denied("GET /api/audit", 403)
async def the_audit_is_for_admins(house: House) -> None:
    await house.member.api.get("/api/audit")


@invalid("GET /api/audit")
async def a_moment_is_a_moment(house: House) -> None:
    await house.admin.api.get("/api/audit?from=yesterday")


@happy("GET /api/audit/export")
async def the_chain_is_proved_offline(house: House) -> None:
    exported = await house.admin.api.get("/api/audit/export")
    verdict = verify_export(exported.content.splitlines())
    assert verdict.ok
    assert verdict.entries > 0


@denied("GET /api/audit/export", 403)
async def the_chain_is_for_admins(house: House) -> None:
    await house.member.api.get("/api/audit/export")


@invalid("GET /api/audit/export", 405)
async def the_chain_is_not_written_by_us(house: House) -> None:
    await house.admin.api.post("/api/audit/export")


@happy("GET /api/audit/verify")
async def the_chain_holds(house: House) -> None:
    assert (await house.admin.api.get("/api/audit/verify")).json()["ok"]


@denied("GET /api/audit/verify", 403)
async def the_proof_is_for_admins(house: House) -> None:
    await (await house.key(house.admin, "knowledge")).get("/api/audit/verify")


@invalid("GET /api/audit/verify", 405)
async def the_proof_is_read_only(house: House) -> None:
    await house.admin.api.delete("/api/audit/verify")


@happy("GET /api/egress")
async def the_ledger_is_shown(house: House) -> None:
    ledger = (await house.admin.api.get("/api/egress?verdict=refused")).json()
    assert (ledger["total"], ledger["refused"]) == (0, 0)
    assert msgspec.convert(ledger["quiet_since"], str)


@denied("GET /api/egress", 403)
async def the_ledger_is_for_admins(house: House) -> None:
    await house.member.api.get("/api/egress")


@invalid("GET /api/egress")
async def a_verdict_is_one_of_two(house: House) -> None:
    await house.admin.api.get("/api/egress?verdict=maybe")


@happy("GET /api/doctor")
async def the_doctor_says_what_it_sees(house: House) -> None:
    report = (await house.admin.api.get("/api/doctor")).json()
    assert {"engine.database", "disk.space", "secrets.rights"} <= {finding["id"] for finding in report["findings"]}


@denied("GET /api/doctor", 403)
async def the_doctor_is_for_admins(house: House) -> None:
    await house.member.api.get("/api/doctor")


@invalid("GET /api/doctor", 405)
async def the_doctor_takes_nothing(house: House) -> None:
    await house.admin.api.post("/api/doctor")


@happy("POST /api/fsck")
async def everything_agrees(house: House) -> None:
    await house.add(house.member)
    report = (await house.admin.api.post("/api/fsck")).json()
    assert report["discrepancies"] == [], report["discrepancies"]
    assert report["ok"]
    assert report["invariants"] >= 5


@denied("POST /api/fsck", 403)
async def the_proof_of_stores_is_for_admins(house: House) -> None:
    await house.member.api.post("/api/fsck")


@invalid("POST /api/fsck")
async def repairing_is_yes_or_no(house: House) -> None:
    await house.admin.api.post("/api/fsck?repair=perhaps")
