from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from appliance.core.security import Vault
from appliance.features.audit.chain import GENESIS, ChainVerifier, entry_hash, sealed_text, verify_export
from appliance.features.audit.schemas import AuditEntry, AuditSeal

VAULT = Vault(b"k" * 32)
START = datetime(2026, 1, 1, tzinfo=UTC)


def make_chain(length: int) -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    previous = GENESIS
    for number in range(1, length + 1):
        entry = AuditEntry(
            sequence=number,
            at=START + timedelta(seconds=number),
            actor_id=UUID(int=number),
            actor="alice",
            action="document.read",
            object_kind="document",
            object_id=str(number),
            outcome="done",
            peer="127.0.0.1",
            details={"size": number, "names": ["é"]},
            previous_hash=previous,
            hash="",
        )
        entry = msgspec.structs.replace(entry, hash=entry_hash(entry))
        previous = entry.hash
        entries.append(entry)
    return entries


def export(entries: list[AuditEntry]) -> list[bytes]:
    last = entries[-1]
    seal = AuditSeal(sealed_at=START, sequence=last.sequence, hash=last.hash, public_key=VAULT.public_key, signature="")
    seal = msgspec.structs.replace(seal, signature=VAULT.sign(sealed_text(seal)))
    return [msgspec.json.encode(line) for line in [*entries, seal]]


def test_a_whole_export_holds() -> None:
    verdict = verify_export(export(make_chain(5)), trusted_public_key=VAULT.public_key)
    assert verdict.ok
    assert verdict.entries == 5


def test_every_single_change_is_found() -> None:
    lines = export(make_chain(4))
    for number, line in enumerate(lines):
        for position in range(0, len(line), 3):
            changed = bytearray(line)
            changed[position] ^= 0x01
            broken = [*lines[:number], bytes(changed), *lines[number + 1 :]]
            assert not verify_export(broken).ok, (number, position)


@pytest.mark.parametrize("removed", range(5))
def test_a_removed_line_is_found(removed: int) -> None:
    lines = export(make_chain(4))
    assert not verify_export(lines[:removed] + lines[removed + 1 :]).ok


def test_swapped_entries_are_found() -> None:
    lines = export(make_chain(4))
    verdict = verify_export([lines[1], lines[0], *lines[2:]])
    assert (verdict.ok, verdict.broken_at) == (False, 1)


def test_a_chain_forged_anew_is_found_by_its_seal() -> None:
    forged = make_chain(3)
    forged[0] = msgspec.structs.replace(forged[0], actor="mallory")
    previous = GENESIS
    for index, entry in enumerate(forged):
        chained = msgspec.structs.replace(entry, previous_hash=previous, hash="")
        forged[index] = msgspec.structs.replace(chained, hash=entry_hash(chained))
        previous = forged[index].hash
    honest_seal = export(make_chain(3))[-1]
    assert not verify_export([*map(msgspec.json.encode, forged), honest_seal]).ok


def test_another_box_is_told_apart() -> None:
    verdict = verify_export(export(make_chain(2)), trusted_public_key=Vault(b"x" * 32).public_key)
    assert verdict.reason == "sealed by another box"


def test_the_verifier_names_the_first_break() -> None:
    chain = ChainVerifier()
    entries = make_chain(6)
    entries[3] = msgspec.structs.replace(entries[3], outcome="refused")
    for entry in entries:
        chain.take(entry)
    verdict = chain.end(6, entries[-1].hash)
    assert (verdict.ok, verdict.broken_at, verdict.reason) == (False, 4, "changed")
