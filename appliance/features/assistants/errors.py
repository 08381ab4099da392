"""What can go wrong with assistants."""

from appliance.core.errors import Conflict, InvalidRequest, NotFound, TooLarge, Unprocessable, UnsupportedFile
from appliance.core.text import Text


class AssistantNotFound(NotFound):
    """No such assistant, or a disabled one for whoever is no admin."""

    code = "assistant_not_found"
    title = Text("Assistant not found", "Assistant introuvable")
    detail = Text("There is no assistant called {name}.", "Il n’y a pas d’assistant appelé {name}.")
    hint = Text(
        "`GET /api/assistants` lists those there are; an administrator makes or enables one.",
        "`GET /api/assistants` énumère ceux qui existent ; un administrateur en crée ou en active un.",
    )


class PictureNotFound(NotFound):
    """The assistant has no picture."""

    code = "picture_not_found"
    detail = Text("This assistant has no picture.", "Cet assistant n’a pas d’image.")
    hint = Text("An administrator can add one.", "Un administrateur peut en ajouter une.")


class AssistantExists(Conflict):
    """The name is another's."""

    code = "assistant_exists"
    title = Text("The name is taken", "Le nom est pris")
    detail = Text("There is an assistant called {name} already.", "Il y a déjà un assistant appelé {name}.")
    hint = Text(
        "Choose another name, change that one, or import with `replace`.",
        "Choisissez un autre nom, modifiez celui-ci, ou importez avec `replace`.",
    )


class NameReserved(InvalidRequest):
    """Routing or the API uses the name."""

    code = "assistant_name_reserved"
    title = Text("The name is reserved", "Le nom est réservé")
    detail = Text("No assistant can be called {name}.", "Aucun assistant ne peut s’appeler {name}.")
    hint = Text("Choose another name.", "Choisissez un autre nom.")


class UnknownTool(InvalidRequest):
    """A tool that is not there."""

    code = "unknown_tool"
    title = Text("There is no such tool", "Cet outil n’existe pas")
    detail = Text("{tool} is no tool of this appliance.", "{tool} n’est pas un outil de cette appliance.")
    hint = Text("Tools there are: {tools}.", "Outils disponibles : {tools}.")


class PictureTooLarge(TooLarge):
    """Over the fixed limit."""

    code = "picture_too_large"
    hint = Text("Make the picture smaller and send it again.", "Réduisez l’image et renvoyez-la.")


class PictureUnsupported(UnsupportedFile):
    """Neither PNG, JPEG nor WebP by its first bytes."""

    code = "picture_unsupported"
    title = Text("This is no picture that can be shown", "Cette image ne peut pas être affichée")
    detail = Text("The bytes are neither PNG, JPEG nor WebP.", "Les octets ne sont ni PNG, ni JPEG, ni WebP.")
    hint = Text("Save the picture as PNG, JPEG or WebP.", "Enregistrez l’image en PNG, JPEG ou WebP.")


class TomlUnreadable(Unprocessable):
    """The text is no TOML, or no assistant; `reason` names what is wrong."""

    code = "toml_unreadable"
    title = Text("The file is no assistant", "Le fichier ne décrit pas un assistant")
    hint = Text(
        "Export an assistant to see the fields, and compare.",
        "Exportez un assistant pour voir les champs, et comparez.",
    )
