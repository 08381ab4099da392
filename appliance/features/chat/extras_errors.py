"""What can go wrong with what people keep beside their conversations."""

from http import HTTPStatus

from appliance.core.errors import Conflict, Forbidden, NotFound, TooManyRequests
from appliance.core.text import Text


class MemoryNotFound(NotFound):
    """No such memory, or another person's."""

    code = "memory_not_found"
    detail = Text("There is no such memory.", "Ce souvenir n’existe pas.")


class TooManyMemories(Conflict):
    """A person keeps as many as fit a prompt, and no more."""

    code = "too_many_memories"
    title = Text("No room for another memory", "Plus de place pour un souvenir")
    detail = Text("{limit} memories are kept already.", "{limit} souvenirs sont déjà conservés.")
    hint = Text("Remove one that is no longer needed.", "Supprimez-en un qui ne sert plus.")


class PromptNotFound(NotFound):
    """No such prompt, or one that is not shared."""

    code = "prompt_not_found"
    detail = Text("There is no such prompt.", "Ce prompt n’existe pas.")


class PromptNameTaken(Conflict):
    """The caller has a prompt of that name; said of the field `name`."""

    code = "prompt_name_taken"
    title = Text("The name is taken", "Le nom est déjà pris")
    detail = Text(
        "`name`: you have a prompt called “{name}” already.", "`name` : vous avez déjà un prompt nommé « {name} »."
    )
    hint = Text("Choose another name, or change that prompt.", "Choisissez un autre nom, ou modifiez ce prompt.")


class TooManyPrompts(Conflict):
    """A library has an end."""

    code = "too_many_prompts"
    title = Text("No room for another prompt", "Plus de place pour un prompt")
    detail = Text("{limit} prompts are kept already.", "{limit} prompts sont déjà conservés.")
    hint = Text("Remove one that is no longer needed.", "Supprimez-en un qui ne sert plus.")


class PromptNotOwn(Forbidden):
    """Shared with the caller to use, not to change."""

    code = "prompt_not_own"
    title = Text("Somebody else’s prompt", "Le prompt d’une autre personne")
    detail = Text("This prompt is shared with you to use.", "Ce prompt est partagé avec vous pour être utilisé.")
    hint = Text("Save its text as a prompt of your own.", "Enregistrez son texte comme votre propre prompt.")


class EscalationNotFound(NotFound):
    """No such escalation."""

    code = "escalation_not_found"
    detail = Text("There is no such escalation.", "Cette demande transmise n’existe pas.")


class EscalationSettled(Conflict):
    """Somebody else answered or closed it first."""

    code = "escalation_settled"
    title = Text("Already settled", "Déjà traitée")
    detail = Text(
        "Somebody else has answered or closed it.", "Une autre personne y a déjà répondu ou l’a déjà clôturée."
    )
    hint = Text("Reload to see what was said.", "Rechargez la page pour voir ce qui a été dit.")


class DailyMessagesUsed(TooManyRequests):
    """As many messages as `limits.messages_per_day` allows."""

    code = "daily_messages_used"
    status = HTTPStatus.TOO_MANY_REQUESTS
    title = Text("No more messages today", "Plus de message aujourd’hui")
    detail = Text(
        "You have sent the {limit} messages that a day allows.",
        "Vous avez envoyé les {limit} messages permis par jour.",
    )
    hint = Text(
        "It goes on after midnight (UTC); an administrator can raise `limits.messages_per_day`.",
        "Vous pourrez reprendre après minuit (UTC) ; un administrateur peut augmenter `limits.messages_per_day`.",
    )


class DailyTokensUsed(TooManyRequests):
    """As many tokens as `limits.tokens_per_day` allows."""

    code = "daily_tokens_used"
    status = HTTPStatus.TOO_MANY_REQUESTS
    title = Text("No more tokens today", "Plus de jetons aujourd’hui")
    detail = Text(
        "Your answers took the {limit} tokens that a day allows.",
        "Vos réponses ont consommé les {limit} jetons permis par jour.",
    )
    hint = Text(
        "It goes on after midnight (UTC); an administrator can raise `limits.tokens_per_day`.",
        "Vous pourrez reprendre après minuit (UTC) ; un administrateur peut augmenter `limits.tokens_per_day`.",
    )
