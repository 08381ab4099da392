"""Documents as DOCX, which Word and LibreOffice open."""

from appliance.ports.document_writer import WrittenDocument


class DocxWriter:
    """Writes Office Open XML."""

    media_type = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    suffix = ".docx"

    def write(self, document: WrittenDocument) -> bytes:
        """Give the file's bytes."""
        from appliance.engines.docx_layout import lay_out  # python-docx would slow every start down

        return lay_out(document)
