"""How many tokens a text takes: learnt per model from the engine's own counts."""

_CHARACTERS_PER_TOKEN = 3.2
"""Before the engine has counted: English averages 4 and French 3.5 characters a token; figures and tables take more."""
_WEIGHT = 0.3
_LEAST_TOKENS = 20
_BOUNDS = (1.0, 8.0)


class TokenMeter:
    """Estimates by characters; each answered prompt corrects the model's own ratio, with the template's tokens in it."""

    def __init__(self) -> None:
        """Nothing is learnt yet."""
        self._ratios: dict[str, float] = {}

    def count(self, text: str, model: str | None = None) -> int:
        """Estimate a text's tokens; never fewer than one."""
        return int(len(text) / self._ratios.get(model or "", _CHARACTERS_PER_TOKEN)) + 1

    def learn(self, model: str, *, characters: int, tokens: int) -> None:
        """Take the engine's count of a prompt. Small prompts are mostly template and teach nothing."""
        if tokens < _LEAST_TOKENS:
            return
        low, high = _BOUNDS
        seen = min(high, max(low, characters / tokens))
        known = self._ratios.get(model, seen)
        self._ratios[model] = known + _WEIGHT * (seen - known)
