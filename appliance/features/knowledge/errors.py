"""What can go wrong with documents and questions."""

from http import HTTPStatus

from appliance.core.errors import ApplianceError, Conflict, NotFound
from appliance.core.text import Text


class DocumentNotFound(NotFound):
    """No such document, or not for this caller."""

    code = "document_not_found"
    title = Text("Document not found", "Document introuvable")
    detail = Text("There is no such document.", "Ce document n’existe pas.")


class CollectionNotFound(NotFound):
    """No such collection, or not for this caller."""

    code = "collection_not_found"
    title = Text("Collection not found", "Collection introuvable")
    detail = Text("There is no such collection.", "Cette collection n’existe pas.")


class PageNotFound(NotFound):
    """The document has no such page."""

    code = "page_not_found"
    title = Text("No such page", "Page inexistante")
    detail = Text("The document has no page {page}.", "Le document n’a pas de page {page}.")
    hint = Text(
        "Pages count from 1. A format without pages is read at its heading, slide, sheet or line instead.",
        "Les pages se comptent à partir de 1. Un format sans pages se lit à son titre, sa diapositive, sa feuille ou sa ligne.",
    )


class PassageNotFound(NotFound):
    """The passage was re-cut or deleted since."""

    code = "passage_not_found"
    detail = Text("There is no such passage any more.", "Ce passage n’existe plus.")
    hint = Text(
        "The document was indexed again since; the answer keeps its quote. Ask again for a fresh citation.",
        "Le document a été réindexé depuis ; la réponse garde sa citation. Posez de nouveau la question pour l’actualiser.",
    )


class ReadOnlyCollection(ApplianceError):
    """The caller may read a collection and not change it."""

    code = "read_only_collection"
    status = HTTPStatus.FORBIDDEN
    title = Text("You may only read this collection", "Vous ne pouvez que lire cette collection")
    detail = Text("Changing it needs the right to edit.", "La modifier demande le droit d’édition.")
    hint = Text("Ask its owner to make you an editor.", "Demandez à son propriétaire de vous nommer éditeur.")


class CollectionInUse(Conflict):
    """The private collection stays."""

    code = "private_collection_stays"
    title = Text("Your own collection stays", "Votre collection personnelle reste")
    detail = Text(
        "The private collection cannot be deleted or shared.",
        "La collection privée ne peut être ni supprimée ni partagée.",
    )
    hint = Text(
        "Delete its documents, or make a new collection to share.",
        "Supprimez ses documents, ou créez une collection à partager.",
    )


class StillWorking(Conflict):
    """The document is being worked on."""

    code = "still_working"
    title = Text("Still being read", "Lecture en cours")
    detail = Text("The document is being worked on.", "Le document est en cours de traitement.")
    hint = Text("Wait for it, or stop it first.", "Patientez, ou arrêtez d’abord le traitement.")


class NothingToCancel(Conflict):
    """Nothing runs that could be stopped."""

    code = "nothing_to_cancel"
    title = Text("Nothing to stop", "Rien à arrêter")
    detail = Text("The document is not being worked on.", "Le document n’est pas en cours de traitement.")


class IndexingCancelled(ApplianceError):
    """Somebody stopped the indexing."""

    code = "indexing_cancelled"
    status = HTTPStatus.CONFLICT
    title = Text("Stopped", "Arrêté")
    detail = Text("Indexing was stopped.", "L’indexation a été arrêtée.")
    hint = Text("Retry when you want it read.", "Réessayez quand vous voudrez qu’il soit lu.")


class DeletionPending(ApplianceError):
    """The document is invisible, and an engine did not yet confirm that its last bytes are gone."""

    code = "deletion_pending"
    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = Text("Deletion goes on", "Suppression en cours")
    detail = Text(
        "Nobody sees the document any more, but an engine has not yet confirmed that all of it is gone.",
        "Plus personne ne voit le document, mais un moteur n’a pas encore confirmé que tout est effacé.",
    )
    hint = Text(
        "It goes on by itself; `appliance fsck` proves the end.",
        "Elle se poursuit seule ; `appliance fsck` en prouve la fin.",
    )


class QuestionTooLong(ApplianceError):
    """Over `limits.question_characters`."""

    code = "question_too_long"
    status = HTTPStatus.BAD_REQUEST
    title = Text("The question is too long", "La question est trop longue")
    detail = Text(
        "It has {characters} characters; the limit is {limit}.",
        "Elle compte {characters} caractères ; la limite est de {limit}.",
    )
    hint = Text(
        "Ask in a few sentences; add long text as a document and ask about it.",
        "Posez-la en quelques phrases ; ajoutez un long texte comme document, puis interrogez-le.",
    )


class EmptyQuestion(ApplianceError):
    """Nothing was asked."""

    code = "empty_question"
    status = HTTPStatus.BAD_REQUEST
    title = Text("Nothing was asked", "Rien n’a été demandé")
    detail = Text("The question is empty.", "La question est vide.")
    hint = Text("Type a question.", "Saisissez une question.")
