"""How likely tokens were, as both Ollama and OpenAI's wire tell it."""

import msgspec

from appliance.ports.chat import TokenChoice


class _Likely(msgspec.Struct):
    token: str
    logprob: float


class ChosenToken(msgspec.Struct):
    """A token of the answer, with those that could have stood in its place."""

    token: str
    logprob: float
    top_logprobs: list[_Likely] | None = None

    def choice(self) -> TokenChoice:
        """Give it as rooms know it."""
        top = tuple((one.token, one.logprob) for one in self.top_logprobs or ())
        return TokenChoice(self.token, self.logprob, top)
