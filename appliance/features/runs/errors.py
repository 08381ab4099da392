"""What can go wrong with runs."""

from appliance.core.errors import Conflict, NotFound
from appliance.core.text import Text


class RunNotFound(NotFound):
    """No such run, or not this caller's."""

    code = "run_not_found"
    detail = Text("There is no such run.", "Cette génération n’existe pas.")


class RunInterrupted(Conflict):
    """The process that generated ended before it; what was said so far is kept."""

    code = "run_interrupted"
    title = Text("The answer was interrupted", "La réponse a été interrompue")
    detail = Text(
        "The appliance stopped while it was answering; what it had said so far is kept.",
        "L’appliance s’est arrêtée pendant la réponse ; ce qu’elle avait dit est conservé.",
    )
    hint = Text("Ask again.", "Posez de nouveau la question.")
