"""A message that is written down while its answer is begun."""

import asyncio
from uuid import uuid4

import pytest

from appliance.features.chat.schemas import Accepted
from appliance.features.chat.turn import Turn


def being_written() -> Turn:
    conversation_id, message_id = uuid4(), uuid4()
    return Turn(
        conversation_id=conversation_id,
        key=str(conversation_id),
        owner_id=uuid4(),
        question_id=uuid4(),
        message="When do they open?",
        previous_id=None,
        begins=True,
        summary="",
        summary_id=None,
        message_id=message_id,
        assistant="auto",
        model=None,
        remembered=None,
        kept=asyncio.get_running_loop().create_future(),
        accepted=Accepted(
            conversation_id=str(conversation_id),
            user_message_id=None,
            message_id=message_id,
            run_id=uuid4(),
            remaining=9,
            title="",
        ),
    )


@pytest.mark.parametrize("kept", [True, False])
async def test_an_answer_that_is_cancelled_while_its_message_is_written_takes_nothing_along(kept: bool) -> None:
    turn = being_written()
    leaving, staying = asyncio.create_task(turn.is_kept()), asyncio.create_task(turn.is_kept())
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    turn.kept.set_result(kept)
    assert await staying is kept
    assert await turn.is_kept() is kept
