"""Why a file could not be read, and what to do about it: one code for each cause, in both languages.

    Unprocessable       422  EmptyFile, DamagedFile, NoPages, NoText, NoTextFound, DynamicForm,
                             PasswordNeeded, WrongPassword, EncryptedOfficeFile,
                             UnsafeArchive, UnsafeXml, TooManyPages, TooMuchText, PictureTooLarge,
                             ParsingTimedOut, ParsingOutOfMemory, ParserCrashed
    UnsupportedFile     415  BinaryAsText, OldOfficeFile
    EngineUnavailable   503  ReaderRestarted

Facts are names, limits and counts; never contents.
"""

from appliance.core.errors import EngineUnavailable, Unprocessable, UnsupportedFile
from appliance.core.text import Text


class EmptyFile(Unprocessable):
    """Zero bytes, or nothing but white space."""

    code = "empty_file"
    title = Text("The file is empty", "Le fichier est vide")
    detail = Text("There is nothing to read in {filename}.", "Il n’y a rien à lire dans {filename}.")
    hint = Text(
        "Check the original; if it is not empty, upload it again.",
        "Vérifiez l’original ; s’il n’est pas vide, déposez-le de nouveau.",
    )


class DamagedFile(Unprocessable):
    """It says it is of a known kind, and no reader finds its way in it."""

    code = "damaged_file"
    title = Text("The file is damaged", "Le fichier est endommagé")
    detail = Text(
        "{filename} is damaged or incomplete: no text could be recovered from it.",
        "{filename} est endommagé ou incomplet : aucun texte n’a pu en être récupéré.",
    )
    hint = Text(
        "Open it in the program it was made with and save it again, or ask for the original.",
        "Ouvrez-le dans le logiciel qui l’a produit et enregistrez-le de nouveau, ou demandez l’original.",
    )


class PasswordNeeded(Unprocessable):
    """It is encrypted and no password was given."""

    code = "password_needed"
    title = Text("A password is needed", "Un mot de passe est nécessaire")
    detail = Text("{filename} is protected by a password.", "{filename} est protégé par un mot de passe.")
    hint = Text(
        "Retry with its password; it is kept sealed on this box, only to read this file.",
        "Réessayez avec son mot de passe ; il est gardé scellé sur cette appliance, pour lire ce fichier seulement.",
    )


class WrongPassword(Unprocessable):
    """It is encrypted and the password given does not open it."""

    code = "wrong_password"
    title = Text("The password is wrong", "Le mot de passe est incorrect")
    detail = Text("That password does not open {filename}.", "Ce mot de passe n’ouvre pas {filename}.")
    hint = Text(
        "Retry with the right password: capital letters and accents count.",
        "Réessayez avec le bon mot de passe : majuscules et accents comptent.",
    )


class EncryptedOfficeFile(Unprocessable):
    """An Office file encrypted in a way that is not undone here."""

    code = "encrypted_office_file"
    title = Text("The file is encrypted", "Le fichier est chiffré")
    detail = Text(
        "{filename} is an encrypted Office file that cannot be opened here.",
        "{filename} est un fichier Office chiffré qui ne peut pas être ouvert ici.",
    )
    hint = Text(
        "Remove its password in the program it was made with (File, Info, Protect), then upload it again.",
        "Retirez son mot de passe dans le logiciel d’origine (Fichier, Informations, Protéger), puis redéposez-le.",
    )


class NoText(Unprocessable):
    """Only pictures, and nothing here reads text in pictures."""

    code = "no_text"
    title = Text("There is no text to read", "Il n’y a pas de texte à lire")
    detail = Text(
        "{filename} holds pictures only, and text in pictures is not read on this machine.",
        "{filename} ne contient que des images, et cette machine ne lit pas le texte des images.",
    )
    hint = Text(
        "An administrator can install Tesseract (`apt install tesseract-ocr tesseract-ocr-fra`); then retry.",
        "Un administrateur peut installer Tesseract (`apt install tesseract-ocr tesseract-ocr-fra`) ; réessayez alors.",
    )


class NoTextFound(Unprocessable):
    """Everything was looked at, pictures too, and there is no text."""

    code = "no_text_found"
    title = Text("No text was found", "Aucun texte n’a été trouvé")
    detail = Text(
        "{filename} was read to the end, and there is no text in it.",
        "{filename} a été lu jusqu’au bout, et il ne contient pas de texte.",
    )
    hint = Text(
        "If it is a scan, scan it again at 300 dots per inch, upright and with more contrast.",
        "S’il s’agit d’une numérisation, refaites-la à 300 points par pouce, à l’endroit et plus contrastée.",
    )


class DynamicForm(Unprocessable):
    """An XFA form that only Adobe's own program can lay out, and that holds no words we can find."""

    code = "dynamic_form"
    title = Text("This form cannot be read", "Ce formulaire ne peut pas être lu")
    detail = Text(
        "{filename} is a dynamic XFA form: its pages exist only inside Adobe’s own program.",
        "{filename} est un formulaire XFA dynamique : ses pages n’existent que dans le logiciel d’Adobe.",
    )
    hint = Text(
        "Open it in Adobe Reader, print it to PDF, and upload that.",
        "Ouvrez-le dans Adobe Reader, imprimez-le en PDF, puis déposez le résultat.",
    )


class NoPages(Unprocessable):
    """A PDF whose page tree is empty."""

    code = "no_pages"
    title = Text("The document has no pages", "Le document n’a aucune page")
    detail = Text("There is not one page in {filename}.", "{filename} ne contient aucune page.")
    hint = DamagedFile.hint


class UnsafeArchive(Unprocessable):
    """A file made of compressed parts that would unpack to far more than any document."""

    code = "unsafe_archive"
    title = Text("The file is not safe to unpack", "Le fichier ne peut pas être décompressé sans risque")
    detail = Text(
        "Unpacked, {filename} would be far larger than a document is: {reason}.",
        "Décompressé, {filename} serait bien plus gros qu’un document : {reason}.",
    )
    hint = Text(
        "If you trust where it comes from, open it in its own program and save it as PDF, or in several parts.",
        "Si sa provenance est sûre, ouvrez-le dans son logiciel et enregistrez-le en PDF, ou en plusieurs parties.",
    )


class UnsafeXml(Unprocessable):
    """XML that declares entities: no office program writes them, attacks do."""

    code = "unsafe_xml"
    title = Text("The file is not safe to read", "Le fichier ne peut pas être lu sans risque")
    detail = Text(
        "{filename} declares XML entities, which documents do not need and attacks use.",
        "{filename} déclare des entités XML, inutiles à un document et propres aux attaques.",
    )
    hint = Text(
        "Do not open it elsewhere unless you trust who sent it; ask them for a PDF.",
        "Ne l’ouvrez pas ailleurs sans être sûr de l’expéditeur ; demandez-lui un PDF.",
    )


class TooManyPages(Unprocessable):
    """Over `limits.document_pages`."""

    code = "too_many_pages"
    title = Text("Too many pages", "Trop de pages")
    detail = Text(
        "{filename} has {pages} pages; the limit is {limit}.",
        "{filename} compte {pages} pages ; la limite est {limit}.",
    )
    hint = Text(
        "Split it, or ask an administrator to raise `limits.document_pages`.",
        "Divisez-le, ou demandez à un administrateur d’augmenter `limits.document_pages`.",
    )


class PictureTooLarge(Unprocessable):
    """More pixels than any scan of a page has."""

    code = "picture_too_large"
    title = Text("The picture is too large", "L’image est trop grande")
    detail = Text(
        "{filename} has {megapixels} million pixels; the limit is {limit}.",
        "{filename} compte {megapixels} millions de pixels ; la limite est {limit}.",
    )
    hint = Text(
        "Save it smaller: 300 dots per inch is enough to read a page.",
        "Enregistrez-la en plus petit : 300 points par pouce suffisent pour lire une page.",
    )


class TooMuchText(Unprocessable):
    """Over `limits.document_characters`."""

    code = "too_much_text"
    title = Text("Too much text", "Trop de texte")
    detail = Text(
        "{filename} holds more than {limit} characters of text.",
        "{filename} contient plus de {limit} caractères de texte.",
    )
    hint = Text(
        "Split it, or ask an administrator to raise `limits.document_characters`.",
        "Divisez-le, ou demandez à un administrateur d’augmenter `limits.document_characters`.",
    )


class ParsingTimedOut(Unprocessable):
    """Over `limits.parse_seconds`; the process that read it was ended."""

    code = "parsing_timed_out"
    title = Text("Reading took too long", "La lecture a pris trop de temps")
    detail = Text("{filename} could not be read within {seconds} s.", "{filename} n’a pas pu être lu en {seconds} s.")
    hint = Text(
        "Split it and upload the parts, or ask an administrator to raise `limits.parse_seconds`.",
        "Divisez-le et déposez les parties, ou demandez à un administrateur d’augmenter `limits.parse_seconds`.",
    )


class ParsingOutOfMemory(Unprocessable):
    """Over `limits.parse_memory_bytes`; the process that read it was ended."""

    code = "parsing_out_of_memory"
    title = Text("Reading took too much memory", "La lecture a demandé trop de mémoire")
    detail = Text(
        "{filename} could not be read within {megabytes} MB of memory.",
        "{filename} n’a pas pu être lu avec {megabytes} Mo de mémoire.",
    )
    hint = Text(
        "Split it and upload the parts, or ask an administrator to raise `limits.parse_memory_bytes`.",
        "Divisez-le et déposez les parties, ou demandez à un administrateur d’augmenter `limits.parse_memory_bytes`.",
    )


class ParserCrashed(Unprocessable):
    """The process that read it ended by itself; nothing else was touched. `cause`: a signal, an exception's name."""

    code = "parser_crashed"
    title = Text("The reader gave up on this file", "Le lecteur a échoué sur ce fichier")
    detail = Text(
        "Reading {filename} ended the reader ({cause}); nothing else was touched.",
        "La lecture de {filename} a interrompu le lecteur ({cause}) ; rien d’autre n’a été touché.",
    )
    hint = Text(
        "Open it in the program it was made with, save it as PDF, and upload that.",
        "Ouvrez-le dans le logiciel qui l’a produit, enregistrez-le en PDF, puis déposez le résultat.",
    )


class BinaryAsText(UnsupportedFile):
    """Named like text, and its bytes are not text in any encoding."""

    code = "binary_as_text"
    title = Text("This is not text", "Ce n’est pas du texte")
    detail = Text(
        "{filename} is named like a text file, but its content is binary.",
        "{filename} porte un nom de fichier texte, mais son contenu est binaire.",
    )
    hint = Text(
        "Find out which program made it, and save it from there as PDF, DOCX or plain text.",
        "Retrouvez le logiciel qui l’a produit, et enregistrez-le depuis celui-ci en PDF, DOCX ou texte brut.",
    )


class OldOfficeFile(UnsupportedFile):
    """DOC, XLS, PPT, MSG: the binary formats before 2007."""

    code = "old_office_file"
    title = Text("An old Office format", "Un ancien format Office")
    detail = Text(
        "{filename} is in a binary Office format from before 2007, which is not read here.",
        "{filename} est dans un format Office binaire antérieur à 2007, qui n’est pas lu ici.",
    )
    hint = Text(
        "Open it in Word, Excel, PowerPoint or LibreOffice and save it as DOCX, XLSX, PPTX or PDF.",
        "Ouvrez-le dans Word, Excel, PowerPoint ou LibreOffice et enregistrez-le en DOCX, XLSX, PPTX ou PDF.",
    )


class ReaderRestarted(EngineUnavailable):
    """The host of the reading processes ended; it starts again with the next file. Trying again is right."""

    code = "reader_restarted"
    title = Text("Reading was interrupted", "La lecture a été interrompue")
    detail = Text(
        "The file reader was restarted while it read {filename}.",
        "Le lecteur de fichiers a redémarré pendant la lecture de {filename}.",
    )
    hint = Text("Retry: the file itself is not the cause.", "Réessayez : le fichier n’est pas en cause.")
