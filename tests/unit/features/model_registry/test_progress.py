"""What a long pull says, and how little of it."""

from appliance.core.ids import new_id
from appliance.features.model_registry.progress import Progress
from appliance.features.model_registry.speed import make_prompt, rate
from appliance.features.runs import LiveRun
from appliance.ports.model_host import PullProgress


def test_layers_are_added_up_and_lines_are_few() -> None:
    live = LiveRun(new_id())
    progress = Progress(live)
    progress.take(PullProgress("pulling manifest"))
    for layer in ("a", "b"):
        for completed in range(0, 100_001, 10):
            progress.take(PullProgress(f"pulling {layer}", completed, 100_000, layer))
    for _ in range(5):
        progress.take(PullProgress("verifying sha256 digest"))
    said = [event.data for event in live.unsaved()]
    assert said[0] == {"status": "pulling manifest", "completed": 0, "total": 0}
    assert said[-1] == {"status": "verifying sha256 digest", "completed": 200_000, "total": 200_000}
    assert {"status": "pulling", "completed": 200_000, "total": 200_000} in said
    assert len(said) < 12


def test_a_prompt_fits_and_is_new() -> None:
    short = make_prompt(128)
    assert len(short.split()) == 17
    assert len(make_prompt(131_072).split()) == 257
    assert make_prompt(128).split()[0] != short.split()[0]


def test_what_was_not_counted_has_no_rate() -> None:
    assert rate(0, 1.0) is None
    assert rate(5, 0.0) is None
    assert rate(5, 2.0) == 2.5
