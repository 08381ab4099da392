"""What can go wrong with bytes."""

from appliance.core.errors import Conflict
from appliance.core.text import Text


class FileVanished(Conflict):
    """The same bytes were deleted between keeping and holding them; the caller keeps them again."""

    code = "file_vanished"
    detail = Text(
        "The same file was deleted while it was sent again.", "Le même fichier a été supprimé pendant son renvoi."
    )
    hint = Text("Send it once more.", "Envoyez-le de nouveau.")
