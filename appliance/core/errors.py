"""What can go wrong, said once, in words a person can follow.

The tree, by what the caller may do about it:

    ApplianceError            a code, a status, what happened, what to do next
      InvalidRequest      400 what was sent cannot be read
      NotSignedIn         401 no valid session or key
      Forbidden           403 a role, a scope or a token is missing
      NotFound            404 it is not there, or not for this caller
      MethodNotAllowed    405
      Conflict            409 it is there, but not in a state for this
        WrittenMeanwhile      somebody else did the same at the same moment
      Gone                410
      TooLarge            413 over a limit of the settings
      UnsupportedFile     415 nothing here reads that kind of file
      Unprocessable       422 it was read, and it cannot be used
      TooManyRequests     429 later, after `Retry-After`
      ClientLeft          499 whoever asked hung up; nobody reads this answer
      Unexpected          500 our fault; the log has the request id
      EngineFailed        502 an engine answered nonsense
      EngineUnavailable   503 an engine does not answer
      EngineTimedOut      504 an engine answered too late
      StorageFull         507 no room left on the disk
      SettingsError           the settings cannot be used (command line only)

Rooms subclass these in their own `errors.py` and fix the code and the words.
"""

from http import HTTPStatus
from typing import ClassVar

import msgspec

from appliance.core.text import Language, Text

Fact = str | int | float | bool | Text | None


class StoredProblem(msgspec.Struct, frozen=True):
    """An error as rows and events keep it: the code and its facts, said later in any language.

    A fact that is a Text is kept as `{"en": …, "fr": …}`.
    """

    code: str
    facts: dict[str, str | int | float | bool | dict[str, str] | None] = {}


class Problem(msgspec.Struct, kw_only=True):
    """RFC 9457 problem details, with what to do next and the request to name to an admin."""

    type: str
    title: str
    status: int
    detail: str
    hint: str
    request_id: str | None = None


class ApplianceError(Exception):
    """A failure with a stable code and words in both languages. Facts fill the words in."""

    code: ClassVar[str] = "failed"
    status: ClassVar[int] = HTTPStatus.INTERNAL_SERVER_ERROR
    title: ClassVar[Text] = Text("It did not work", "Cela n’a pas fonctionné")
    detail: ClassVar[Text] = Text("The request could not be completed.", "La demande n’a pas pu aboutir.")
    hint: ClassVar[Text] = Text(
        "Try again; if it happens again, give the request id to your administrator.",
        "Réessayez ; si cela se reproduit, transmettez l’identifiant de la demande à votre administrateur.",
    )
    _kinds: ClassVar[dict[str, type["ApplianceError"]]] = {}

    def __init_subclass__(cls) -> None:
        """Register the code, so that a stored problem finds its words again."""
        super().__init_subclass__()
        if "code" in cls.__dict__:
            ApplianceError._kinds[cls.code] = cls

    def __init__(self, *, retry_after_seconds: int | None = None, **facts: Fact) -> None:
        """Facts are what the words name: ids, limits, names; never contents or secrets."""
        self.facts = facts
        self.retry_after_seconds = retry_after_seconds
        super().__init__(self.detail.say("en", **facts))

    @property
    def words(self) -> Text:
        """What happened, with its facts, in both languages."""
        return Text(self.detail.say("en", **self.facts), self.detail.say("fr", **self.facts))

    def to_problem(self, language: Language, *, request_id: str | None = None) -> Problem:
        """Say it in one language."""
        return Problem(
            type=f"urn:appliance:{self.code}",
            title=self.title.say(language, **self.facts),
            status=int(self.status),
            detail=self.detail.say(language, **self.facts),
            hint=self.hint.say(language, **self.facts),
            request_id=request_id,
        )

    def store(self) -> StoredProblem:
        """Keep the code and the facts; the words come when someone reads."""
        facts = {
            name: {"en": fact.en, "fr": fact.fr} if isinstance(fact, Text) else fact
            for name, fact in self.facts.items()
        }
        return StoredProblem(self.code, facts)

    @staticmethod
    def restore(problem: StoredProblem) -> "ApplianceError":
        """Find the error again from what was stored; an unknown code reads as unexpected."""
        facts = {name: Text(**fact) if isinstance(fact, dict) else fact for name, fact in problem.facts.items()}
        return ApplianceError._kinds.get(problem.code, Unexpected)(retry_after_seconds=None, **facts)

    @staticmethod
    def kinds() -> dict[str, type["ApplianceError"]]:
        """Every error by its code: for the reference page and the tests that hold it."""
        return dict(ApplianceError._kinds)


class InvalidRequest(ApplianceError):
    """What was sent cannot be read; `reason` names the field and what is wrong with it."""

    code = "invalid_request"
    status = HTTPStatus.BAD_REQUEST
    title = Text("The request cannot be read", "La demande est illisible")
    detail = Text("{reason}", "{reason}")
    hint = Text(
        "Compare the request with its description at /api/docs.",
        "Comparez la demande avec sa description dans /api/docs.",
    )


class NotSignedIn(ApplianceError):
    """No session cookie and no key, or one that is no longer valid."""

    code = "not_signed_in"
    status = HTTPStatus.UNAUTHORIZED
    title = Text("Please sign in", "Veuillez vous identifier")
    detail = Text("This needs a valid session or API key.", "Une session ou une clé d’API valide est nécessaire.")
    hint = Text(
        "Sign in again, or send `Authorization: Bearer KEY`. "
        "An administrator makes a new sign-in link with `appliance users reset NAME`.",
        "Identifiez-vous de nouveau, ou envoyez `Authorization: Bearer CLÉ`. "
        "Un administrateur crée un lien de connexion avec `appliance users reset NOM`.",
    )


class Forbidden(ApplianceError):
    """The caller is known, and lacks `needed`."""

    code = "forbidden"
    status = HTTPStatus.FORBIDDEN
    title = Text("You may not do this", "Vous n’y êtes pas autorisé")
    detail = Text("This needs {needed}.", "Il faut pour cela : {needed}.")
    hint = Text("Ask an administrator for it.", "Demandez-le à un administrateur.")


class NotFound(ApplianceError):
    """It is not there, or the caller may not know that it is."""

    code = "not_found"
    status = HTTPStatus.NOT_FOUND
    title = Text("Not found", "Introuvable")
    detail = Text("There is nothing here by that name or id.", "Il n’y a rien ici sous ce nom ou cet identifiant.")
    hint = Text(
        "Check the address; it may have been deleted, or not shared with you.",
        "Vérifiez l’adresse ; l’élément a pu être supprimé, ou n’est pas partagé avec vous.",
    )


class MethodNotAllowed(ApplianceError):
    """The path is there, and not for this method."""

    code = "method_not_allowed"
    status = HTTPStatus.METHOD_NOT_ALLOWED
    title = Text("Not with this method", "Méthode non permise")
    detail = Text("This address does not answer {method}.", "Cette adresse ne répond pas à {method}.")
    hint = Text("Its methods are described at /api/docs.", "Ses méthodes sont décrites dans /api/docs.")


class Conflict(ApplianceError):
    """It is there, but in a state that does not allow this."""

    code = "conflict"
    status = HTTPStatus.CONFLICT
    title = Text("Not in its present state", "Impossible dans l’état actuel")
    detail = Text("{reason}", "{reason}")
    hint = Text("Reload, and try again.", "Rechargez la page et réessayez.")


class WrittenMeanwhile(Conflict):
    """Two did what only one may at the same moment: the same name, the same bytes, or adding to what was deleted."""

    code = "written_meanwhile"
    title = Text("Somebody was quicker", "Quelqu’un a été plus rapide")
    detail = Text("This was changed at the same moment.", "Ceci a été modifié au même moment.")


class Gone(ApplianceError):
    """It was there and has ended."""

    code = "gone"
    status = HTTPStatus.GONE
    title = Text("No longer there", "N’existe plus")


class TooLarge(ApplianceError):
    """Over a limit of the settings; `limit` is in words, `setting` names where it stands."""

    code = "too_large"
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    title = Text("Too large", "Trop volumineux")
    detail = Text("The limit is {limit}.", "La limite est de {limit}.")
    hint = Text(
        "Send less, or ask an administrator to raise `{setting}`.",
        "Envoyez moins, ou demandez à un administrateur d’augmenter `{setting}`.",
    )


class UnsupportedFile(ApplianceError):
    """Nothing here reads that kind of file."""

    code = "unsupported_file"
    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    title = Text("This kind of file cannot be read", "Ce type de fichier ne peut pas être lu")
    detail = Text("{filename} is of a kind that is not read here.", "{filename} est d’un type qui n’est pas lu ici.")
    hint = Text(
        "Save it as PDF, DOCX, ODT, XLSX, PPTX, CSV, HTML, Markdown, plain text, mail or a picture.",
        "Enregistrez-le en PDF, DOCX, ODT, XLSX, PPTX, CSV, HTML, Markdown, texte brut, courriel ou image.",
    )


class Unprocessable(ApplianceError):
    """It was read, and cannot be used."""

    code = "unprocessable"
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = Text("It cannot be used", "Inutilisable")
    detail = Text("{reason}", "{reason}")


class TooManyRequests(ApplianceError):
    """Later, after `Retry-After` seconds."""

    code = "too_many_requests"
    status = HTTPStatus.TOO_MANY_REQUESTS
    title = Text("Too many at once", "Trop de demandes")
    detail = Text("Please wait {seconds} seconds.", "Veuillez patienter {seconds} secondes.")
    hint = Text("Try again after that.", "Réessayez ensuite.")


class ClientLeft(ApplianceError):
    """Whoever asked hung up before the answer: it is for the log alone."""

    code = "client_left"
    status = 499
    title = Text("The client left", "Le client est parti")
    detail = Text("The connection was closed before the answer.", "La connexion a été fermée avant la réponse.")


class Unexpected(ApplianceError):
    """Our fault. The log has the cause under the request id."""

    code = "unexpected"
    title = Text("Something broke on our side", "Un incident est survenu de notre côté")
    detail = Text(
        "The appliance met an error it did not expect.", "L’appliance a rencontré une erreur qu’elle n’attendait pas."
    )


class EngineFailed(ApplianceError):
    """An engine answered, and not what it should have; `engine` names it. `may_pass`: another try may succeed."""

    may_pass: ClassVar[bool] = True

    code = "engine_failed"
    status = HTTPStatus.BAD_GATEWAY
    title = Text("An engine failed", "Un moteur a échoué")
    detail = Text("{engine} answered in a way that cannot be used.", "{engine} a répondu de façon inutilisable.")
    hint = Text(
        "Try again; `appliance doctor` shows how each engine is.",
        "Réessayez ; `appliance doctor` montre l’état de chaque moteur.",
    )


class EngineUnavailable(ApplianceError):
    """An engine does not answer; `engine` names it."""

    code = "engine_unavailable"
    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = Text("An engine does not answer", "Un moteur ne répond pas")
    detail = Text("{engine} cannot be reached.", "{engine} est injoignable.")
    hint = Text(
        "Start it, or change its address in the settings; `appliance doctor` shows how each engine is.",
        "Démarrez-le, ou changez son adresse dans les réglages ; `appliance doctor` montre l’état de chaque moteur.",
    )


class EngineTimedOut(ApplianceError):
    """An engine answered too late; `engine` names it, `seconds` says how long was waited."""

    code = "engine_timed_out"
    status = HTTPStatus.GATEWAY_TIMEOUT
    title = Text("An engine took too long", "Un moteur a mis trop de temps")
    detail = Text("{engine} did not answer within {seconds} s.", "{engine} n’a pas répondu en {seconds} s.")
    hint = Text(
        "Try again; it may be loading a model or be busy.",
        "Réessayez ; il charge peut-être un modèle, ou il est occupé.",
    )


class StorageFull(ApplianceError):
    """No room left on the disk."""

    code = "storage_full"
    status = HTTPStatus.INSUFFICIENT_STORAGE
    title = Text("The disk is full", "Le disque est plein")
    detail = Text("There is not enough room left to keep this.", "Il ne reste pas assez de place pour conserver ceci.")
    hint = Text(
        "Ask an administrator to free some space; nothing that was kept is lost.",
        "Demandez à un administrateur de libérer de la place ; rien de ce qui a été conservé n’est perdu.",
    )


class SettingsError(ApplianceError):
    """The settings cannot be used; said at the start, on the command line."""

    code = "settings"
    title = Text("The settings cannot be used", "Les réglages sont inutilisables")
    detail = Text("{reason}", "{reason}")
    hint = Text("{advice}", "{advice}")
