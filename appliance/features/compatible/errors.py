"""What can go wrong for clients that others wrote, and only for them."""

from appliance.core.errors import Forbidden, InvalidRequest, NotFound
from appliance.core.text import Text


class PromptTooLong(InvalidRequest):
    """More text than the context can hold in any language: an engine would cut it without a word."""

    code = "context_length_exceeded"
    title = Text("The messages are too long", "Les messages sont trop longs")
    detail = Text(
        "The messages have {characters} characters; the context of {tokens} tokens holds {limit} at the very most.",
        "Les messages ont {characters} caractères ; le contexte de {tokens} jetons en contient {limit} tout au plus.",
    )
    hint = Text(
        "Send less, or ask an administrator to raise `language_model.context_length`.",
        "Envoyez moins, ou demandez à un administrateur d’augmenter `language_model.context_length`.",
    )


class EmbedsOnly(InvalidRequest):
    """A model that embeds was asked to write."""

    code = "model_embeds_only"
    title = Text("That model does not write", "Ce modèle n’écrit pas")
    detail = Text(
        "“{model}” turns text into vectors and writes none.", "« {model} » vectorise du texte et n’en écrit pas."
    )
    hint = Text(
        "Name a model that writes; they are listed under /v1/models and /ollama/api/tags.",
        "Nommez un modèle qui écrit ; la liste est sous /v1/models et /ollama/api/tags.",
    )


class EmbedderNotFound(NotFound):
    """Vectors were asked of a model that is not the appliance's embedder."""

    code = "embedder_not_found"
    title = Text("That model does not embed here", "Ce modèle ne vectorise pas ici")
    detail = Text(
        "Vectors are made by “{embedder}” alone, not by “{model}”.",
        "Seul « {embedder} » vectorise ici, et non « {model} ».",
    )
    hint = Text("Name that model.", "Nommez ce modèle.")


class ListedModelNotFound(NotFound):
    """No model and no assistant of that name is listed for the caller."""

    code = "listed_model_not_found"
    title = Text("That model is not there", "Ce modèle n’est pas là")
    detail = Text("There is no model named “{model}” for you.", "Aucun modèle nommé « {model} » n’est là pour vous.")
    hint = Text(
        "The models are listed under /v1/models and /ollama/api/tags.",
        "Les modèles sont listés sous /v1/models et /ollama/api/tags.",
    )


class ManagedElsewhere(Forbidden):
    """Bringing, making, copying and removing models is the appliance's own business."""

    code = "models_managed_elsewhere"
    title = Text("Models are managed elsewhere", "Les modèles se gèrent ailleurs")
    detail = Text(
        "Models are brought, made, copied and removed under `/api/models`, not here.",
        "Les modèles s’ajoutent, se créent, se copient et se suppriment sous `/api/models`, pas ici.",
    )
    hint = Text(
        "An administrator does it there, on the page Models, or with `appliance models`.",
        "Un administrateur le fait là, sur la page Modèles, ou avec `appliance models`.",
    )
