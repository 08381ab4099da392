"""What can go wrong with people and what they hold."""

from http import HTTPStatus

from appliance.core.errors import ApplianceError, Conflict, NotFound
from appliance.core.text import Text


class LoginFailed(ApplianceError):
    """A wrong name, password or link; which of them is not said."""

    code = "login_failed"
    status = HTTPStatus.UNAUTHORIZED
    title = Text("That did not sign you in", "Identification refusée")
    detail = Text(
        "The name and password, or the link, are not valid.",
        "Le nom et le mot de passe, ou le lien, ne sont pas valables.",
    )
    hint = Text(
        "A link works once. Ask an administrator for a new one.",
        "Un lien ne sert qu’une fois. Demandez-en un nouveau à un administrateur.",
    )


class LoginLocked(ApplianceError):
    """Too many wrong sign-ins."""

    code = "login_locked"
    status = HTTPStatus.TOO_MANY_REQUESTS
    title = Text("Too many wrong sign-ins", "Trop d’essais d’identification")
    detail = Text(
        "No further try is taken for {seconds} seconds.", "Aucun essai n’est accepté pendant {seconds} secondes."
    )
    hint = Text(
        "Wait, or ask an administrator for a sign-in link.",
        "Patientez, ou demandez un lien de connexion à un administrateur.",
    )


class UserNotFound(NotFound):
    """No such person."""

    code = "user_not_found"
    detail = Text("There is no such person.", "Cette personne n’existe pas.")


class GroupNotFound(NotFound):
    """No such group."""

    code = "group_not_found"
    detail = Text("There is no such group.", "Ce groupe n’existe pas.")


class KeyNotFound(NotFound):
    """No such key."""

    code = "key_not_found"
    detail = Text("There is no such key.", "Cette clé n’existe pas.")


class SessionNotFound(NotFound):
    """No such session."""

    code = "session_not_found"
    detail = Text("There is no such session.", "Cette session n’existe pas.")


class NameTaken(Conflict):
    """Somebody has that name already."""

    code = "name_taken"
    title = Text("The name is taken", "Le nom est déjà pris")
    detail = Text("“{name}” exists already.", "« {name} » existe déjà.")
    hint = Text("Choose another name.", "Choisissez un autre nom.")


class LastAdmin(Conflict):
    """The last admin must stay one."""

    code = "last_admin"
    title = Text("The last administrator stays", "Le dernier administrateur reste")
    detail = Text(
        "This is the only administrator who can sign in.", "C’est le seul administrateur qui puisse s’identifier."
    )
    hint = Text("Make somebody else an administrator first.", "Nommez d’abord un autre administrateur.")


class WrongPassword(ApplianceError):
    """The present password is not that."""

    code = "wrong_current_password"
    status = HTTPStatus.FORBIDDEN
    title = Text("Not your present password", "Mot de passe actuel incorrect")
    detail = Text("The present password is not right.", "Le mot de passe actuel n’est pas le bon.")
    hint = Text(
        "Type it again, or ask an administrator for a sign-in link.",
        "Saisissez-le de nouveau, ou demandez un lien de connexion à un administrateur.",
    )
