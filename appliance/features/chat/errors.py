"""What can go wrong with conversations."""

from appliance.core.errors import Conflict, Forbidden, InvalidRequest, NotFound, TooManyRequests
from appliance.core.text import Text


class ConversationNotFound(NotFound):
    """No such conversation, or not for this caller."""

    code = "conversation_not_found"
    detail = Text("There is no such conversation.", "Cette conversation n’existe pas.")


class MessageNotFound(NotFound):
    """No such message in the conversation."""

    code = "message_not_found"
    detail = Text("There is no such message in this conversation.", "Ce message n’existe pas dans cette conversation.")


class EmptyMessage(InvalidRequest):
    """A message without a word."""

    code = "empty_message"
    title = Text("The message is empty", "Le message est vide")
    detail = Text("There is nothing to answer.", "Il n’y a rien à quoi répondre.")
    hint = Text("Write something and send it again.", "Écrivez quelque chose, puis renvoyez.")


class MessageTooLong(InvalidRequest):
    """A message over the limit."""

    code = "message_too_long"
    title = Text("The message is too long", "Le message est trop long")
    detail = Text(
        "It has {characters} characters; at most {limit} can be read at once.",
        "Il compte {characters} caractères ; {limit} au plus peuvent être lus en une fois.",
    )
    hint = Text(
        "Shorten it, or attach the long text as a document.", "Raccourcissez-le, ou joignez le texte comme document."
    )


class NotYours(Forbidden):
    """A reader of a shared conversation wants to write into it."""

    code = "conversation_not_yours"
    title = Text("This conversation is shared for reading", "Cette conversation est partagée en lecture")
    detail = Text("Only its owner may write in it or change it.", "Seul son propriétaire peut y écrire ou la modifier.")
    hint = Text("Start a conversation of your own.", "Commencez votre propre conversation.")


class NotAnAnswer(Conflict):
    """Regenerated, rated or branched from a message of the other kind."""

    code = "wrong_kind_of_message"
    title = Text("That is not possible with this message", "C’est impossible avec ce message")
    detail = Text(
        "Questions are edited; answers are rated and written anew.",
        "On modifie les questions ; on évalue et on régénère les réponses.",
    )
    hint = Text("Choose the other message of the pair.", "Choisissez l’autre message de la paire.")


class RateLimited(TooManyRequests):
    """More messages than the conversation's window allows."""

    code = "rate_limited"
    title = Text("Too many messages", "Trop de messages")
    detail = Text(
        "A conversation takes {limit} messages in {window} s; the next one in {seconds} s.",
        "Une conversation accepte {limit} messages en {window} s ; le prochain dans {seconds} s.",
    )
    hint = Text("Your text is kept: send it again after that.", "Votre texte est conservé : renvoyez-le ensuite.")
