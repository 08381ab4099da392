"""What can go wrong with models."""

from appliance.core.errors import Conflict, EngineFailed, EngineUnavailable, InvalidRequest, NotFound, Unprocessable
from appliance.core.text import Text


class ModelNotFound(NotFound):
    """A model was named that the engine does not have."""

    code = "model_not_found"
    title = Text("That model is not there", "Ce modèle n’est pas là")
    detail = Text("The engine has no model named “{model}”.", "Le moteur n’a pas de modèle nommé « {model} ».")
    hint = Text(
        "Leave `model` out to use the configured one, or add the model to the engine first.",
        "Omettez `model` pour utiliser celui des réglages, ou ajoutez d’abord le modèle au moteur.",
    )


class NoModelEngine(EngineUnavailable):
    """The settings name no engine that holds models."""

    code = "no_model_engine"
    title = Text("No engine for models is configured", "Aucun moteur de modèles n’est réglé")
    detail = Text("The settings name no Ollama.", "Les réglages ne nomment aucun Ollama.")
    hint = Text(
        'Set `[language_model] kind = "ollama"` and its `url`.',
        'Réglez `[language_model] kind = "ollama"` et son `url`.',
    )


class ModelsElsewhere(Conflict):
    """The engine answers, and its models are managed on its own machine."""

    code = "models_elsewhere"
    title = Text("Models of this engine are managed there", "Les modèles de ce moteur se gèrent sur place")
    detail = Text(
        "The configured server speaks OpenAI’s API, which lists models and does not load, fetch or delete them.",
        "Le serveur réglé parle l’API d’OpenAI, qui énumère les modèles mais ne les charge, télécharge ni supprime.",
    )
    hint = Text(
        "Change its models with its own tools, or use an Ollama.",
        "Changez ses modèles avec ses propres outils, ou utilisez un Ollama.",
    )


class PullFailed(EngineFailed):
    """Ollama could not fetch a model; `reason` is what it said."""

    code = "pull_failed"
    title = Text("The model could not be fetched", "Le modèle n’a pas pu être téléchargé")
    detail = Text("Ollama says: {reason}", "Ollama dit : {reason}")
    hint = Text(
        "Check the model's name and that Ollama reaches the registry; allow plain HTTP (--insecure) where it speaks that.",
        "Vérifiez le nom du modèle et qu’Ollama joint le registre ; autorisez HTTP (--insecure) s’il ne parle que cela.",
    )


class ModelRefused(Unprocessable):
    """The engine cannot make a model of the file, or cannot do that with the model; `reason` is what it said."""

    code = "model_refused"
    title = Text("The engine does not take this model", "Le moteur n’accepte pas ce modèle")
    detail = Text("Ollama says: {reason}", "Ollama dit : {reason}")
    hint = Text(
        "Check that the file is a whole GGUF, of an architecture this Ollama knows.",
        "Vérifiez que le fichier est un GGUF complet, d’une architecture connue de cet Ollama.",
    )


class ContextExceeded(InvalidRequest):
    """The engine counted more tokens than the context holds, and was told to cut nothing."""

    code = "context_length_exceeded"
    title = Text("The messages are too long", "Les messages sont trop longs")
    detail = Text(
        "The messages have more tokens than the context of {tokens} holds.",
        "Les messages ont plus de jetons que le contexte de {tokens} n’en contient.",
    )
    hint = Text(
        "Send less, or ask an administrator to raise `language_model.context_length`.",
        "Envoyez moins, ou demandez à un administrateur d’augmenter `language_model.context_length`.",
    )


class ModelCannot(InvalidRequest):
    """The engine has the model and refused the request (400): more was asked than the model can do."""

    code = "model_cannot"
    title = Text("That model cannot do this", "Ce modèle ne sait pas faire cela")
    detail = Text(
        "“{model}” does not take this request: it may know no tools, no pictures or no reasoning, or not this schema.",
        "« {model} » refuse cette demande : il ne connaît peut-être ni outils, ni images, ni raisonnement, ou pas ce schéma.",
    )
    hint = Text("Leave that out, or choose another model.", "Retirez cela, ou choisissez un autre modèle.")
