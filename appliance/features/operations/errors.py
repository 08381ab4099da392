"""What can go wrong with jobs and the installation."""

from appliance.core.errors import Conflict, NotFound, SettingsError
from appliance.core.text import Text


class JobNotFound(NotFound):
    """No such job, or not this caller's."""

    code = "job_not_found"
    detail = Text("There is no such job.", "Cette tâche n’existe pas.")


class JobEnded(Conflict):
    """The job has ended; nothing can be stopped."""

    code = "job_ended"
    title = Text("The job has ended", "La tâche est terminée")
    detail = Text("There is nothing left to stop.", "Il n’y a plus rien à arrêter.")


class JobNotDead(Conflict):
    """Only a dead or cancelled job is tried again."""

    code = "job_not_dead"
    title = Text("The job has not failed", "La tâche n’a pas échoué")
    detail = Text(
        "Only a failed or stopped job can be tried again.", "Seule une tâche échouée ou arrêtée peut être relancée."
    )


class WrongMasterKey(SettingsError):
    """The state was written under another master key."""

    code = "wrong_master_key"
    title = Text("Another master key", "Clé maîtresse différente")
    detail = Text(
        "The keys and passwords in this database were sealed under another master key.",
        "Les clés et mots de passe de cette base ont été scellés sous une autre clé maîtresse.",
    )
    hint = Text(
        "Give every process the same `security.master_key_file`, or restore `secrets/master.key` from the backup.",
        "Donnez à chaque processus le même `security.master_key_file`, ou restaurez `secrets/master.key` depuis la sauvegarde.",
    )
