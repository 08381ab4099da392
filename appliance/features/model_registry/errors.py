"""What can go wrong with bringing models in."""

from appliance.core.errors import Conflict, Forbidden, NotFound, Unprocessable
from appliance.core.text import Text


class PullRefused(Forbidden):
    """The registry is not on the private network, and the settings forbid leaving it."""

    code = "pull_refused"
    title = Text("Nothing is fetched from outside", "Rien n’est téléchargé de l’extérieur")
    detail = Text(
        "{model} would come from {registry}, which is not on the private network.",
        "{model} viendrait de {registry}, qui n’est pas sur le réseau privé.",
    )
    hint = Text(
        "Name a registry on the network (HOST:PORT/library/MODEL), bring the model in a bundle, or set `[egress] allow_model_downloads`.",
        "Nommez un registre du réseau (HÔTE:PORT/library/MODÈLE), apportez-le dans un bundle, ou réglez `[egress] allow_model_downloads`.",
    )


class RegistryUnknown(NotFound):
    """The name of the registry leads to no address."""

    code = "registry_unknown"
    title = Text("That registry is unknown", "Ce registre est inconnu")
    detail = Text("{registry} leads to no address.", "{registry} ne mène à aucune adresse.")
    hint = Text("Check the name, or give its IP address.", "Vérifiez le nom, ou donnez son adresse IP.")


class NotGguf(Unprocessable):
    """The bytes are not those of a GGUF."""

    code = "not_gguf"
    title = Text("This is no GGUF file", "Ce n’est pas un fichier GGUF")
    detail = Text(
        "A model file begins with the letters GGUF and a head that says what follows; this one’s is missing or damaged.",
        "Un fichier de modèle commence par les lettres GGUF et un en-tête qui dit la suite ; ici il manque ou est endommagé.",
    )
    hint = Text(
        "Choose the .gguf file itself, not an archive or a page that leads to it.",
        "Choisissez le fichier .gguf lui-même, non une archive ou une page qui y mène.",
    )


class DigestDiffers(Unprocessable):
    """The bytes are not those that were announced."""

    code = "digest_differs"
    title = Text("The file is not the one announced", "Le fichier n’est pas celui annoncé")
    detail = Text(
        "Its sha256 is {found}, and not the one that was given. Nothing of it was kept.",
        "Son sha256 est {found}, et non celui qui a été donné. Rien n’en a été conservé.",
    )
    hint = Text(
        "Copy the file again, or take the digest from where the file comes from.",
        "Copiez de nouveau le fichier, ou reprenez l’empreinte là d’où vient le fichier.",
    )


class CannotServe(Unprocessable):
    """A model was given a role it has no capability for."""

    code = "cannot_serve"
    title = Text("That model cannot do this", "Ce modèle ne peut pas faire cela")
    detail = Text(
        "{model} only embeds; it writes no text.", "{model} ne fait que vectoriser ; il n’écrit pas de texte."
    )
    hint = Text("Choose a model that completes text.", "Choisissez un modèle qui complète du texte.")


class ModelThere(Conflict):
    """A model of that name is there already."""

    code = "model_there"
    title = Text("A model of that name is there", "Un modèle de ce nom existe déjà")
    detail = Text("{model} is there already.", "{model} existe déjà.")
    hint = Text(
        "Choose another name, or delete that model first.", "Choisissez un autre nom, ou supprimez d’abord ce modèle."
    )
