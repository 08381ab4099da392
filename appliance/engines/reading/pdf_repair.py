"""What pypdf can do where PDFium gives up: rebuild a broken file, and read the words of dynamic forms.

Slower and hungrier than PDFium; used for few files, under the same limits.
"""

import logging
from io import BytesIO

import pypdf
from pypdf.errors import PyPdfError

from appliance.engines.reading.errors import DamagedFile, PasswordNeeded, WrongPassword
from appliance.engines.reading.source import Source

logging.getLogger("pypdf").setLevel(logging.CRITICAL)


def repair_pdf(source: Source) -> bytes:
    """Write the file anew from what pypdf finds in it. Raises PasswordNeeded, WrongPassword, DamagedFile."""
    try:
        reader = pypdf.PdfReader(BytesIO(source.data), strict=False)
        if reader.is_encrypted and not reader.decrypt(source.password or ""):
            wrong = WrongPassword if source.password else PasswordNeeded
            raise wrong(filename=source.filename)
        writer = pypdf.PdfWriter(clone_from=reader)
        output = BytesIO()
        writer.write(output)
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, OSError) as error:
        raise DamagedFile(filename=source.filename) from error
    return output.getvalue()
