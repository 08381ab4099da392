"""How the box is, said in the reader's language."""

from uuid import uuid4

import pytest

from appliance.features.files import repository as files_repository
from tests.api.house import House

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    "language, waiting, rights",
    [("en", "waiting: ", "only its owner"), ("fr", "en attente : ", "seul son propriétaire")],
)
async def test_engines_and_checks_are_described_in_both_languages(
    house: House, language: str, waiting: str, rights: str
) -> None:
    admin = await house.person(role="admin", language=language)
    status = (await admin.api.get("/status")).json()
    assert waiting in status["job_queue"]["detail"]
    report = (await admin.api.get("/api/doctor")).json()
    evidence = {finding["id"]: finding["evidence"] for finding in report["findings"]}
    assert rights in evidence["secrets.rights"]
    assert waiting in evidence["engine.job_queue"]


async def test_a_proof_walks_more_bytes_than_one_page_holds(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files_repository, "_BATCH", 2)
    for number in range(5):
        await house.add(house.member, f"Medlars ripen late, in year {number}. {uuid4()}")
    proof = (await house.admin.api.post("/api/fsck")).json()
    assert (proof["ok"], proof["discrepancies"]) == (True, [])
