"""What can go wrong before a model writes."""

from appliance.core.errors import TooManyRequests
from appliance.core.text import Text


class GenerationBusy(TooManyRequests):
    """More people wait than can be served in time, or one person waits too often."""

    code = "generation_busy"
    title = Text("The model is busy", "Le modèle est occupé")
    detail = Text(
        "Too many answers are being written already; there will be room in about {seconds} s.",
        "Trop de réponses sont déjà en cours ; une place se libérera dans {seconds} s environ.",
    )
    hint = Text(
        "Wait that long and send it again; nothing you wrote is lost.",
        "Patientez ce délai puis renvoyez ; rien de ce que vous avez écrit n’est perdu.",
    )
