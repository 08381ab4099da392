"""How sure a route is, from what was measured: token probabilities, the classifier's margin, and whether both agree."""

import math

_UNTOLD = 0.8
"""What a model's choice counts where the engine tells no probabilities: an assumption, not a measurement."""
_MODEL, _CLASSIFIER = 0.6, 0.6
"""Each witness is believed by half and a bit in log-odds: two that agree are surer than either, two that differ cancel out."""
_LEAST, _MOST = 0.02, 0.98


def combine(told: float | None, classified: float) -> float:
    """Join the probability of the model's tokens and the classifier's probability of the same agent."""
    odds = _MODEL * _log_odds(_UNTOLD if told is None else told) + _CLASSIFIER * _log_odds(classified)
    return 1.0 / (1.0 + math.exp(-odds))


def _log_odds(probability: float) -> float:
    bounded = min(_MOST, max(_LEAST, probability))
    return math.log(bounded / (1.0 - bounded))
