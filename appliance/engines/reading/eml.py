"""Reads mail (EML, MHTML): its headers, its best body, and what is attached to it."""

from email import policy
from email.headerregistry import Address
from email.message import EmailMessage, MIMEPart
from email.parser import BytesParser
from email.utils import parsedate_to_datetime

from appliance.engines.reading.attachments import ReadAny, read_attached
from appliance.engines.reading.errors import DamagedFile
from appliance.engines.reading.flow import Flow
from appliance.engines.reading.html import write_html
from appliance.engines.reading.source import Reading, Source
from appliance.engines.reading.text_cleaning import squeeze
from appliance.engines.reading.titles import sane_title
from appliance.ports.parser import Locator

MEDIA_TYPE = "message/rfc822"
_SHOWN = ("From", "To", "Cc", "Date", "Subject")
_BROKEN = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


def read_eml(source: Source, read_any: ReadAny) -> Reading:
    """Read a mail. `read_any` reads what is attached. Raises DamagedFile."""
    try:
        message = BytesParser(_class=EmailMessage, policy=policy.default).parsebytes(bytes(source.data))
    except _BROKEN:
        raise DamagedFile(filename=source.filename) from None
    flow = Flow(source)
    subject = _header(message, "Subject")
    _write_headers(flow, message, subject)
    _write_body(flow, message, source)
    sections = flow.finish()
    characters = source.limits.characters - sum(len(section.text) for section in sections)
    attached = ((name, _bytes(part)) for part in _parts(message) if (name := _filename(part)))
    sections += read_attached(source, attached, read_any, characters=characters)
    return Reading(media_type=MEDIA_TYPE, title=sane_title(subject), sections=sections)


def _write_headers(flow: Flow, message: EmailMessage, subject: str) -> None:
    lines = [f"{name}: {text}" for name in _SHOWN if (text := _header(message, name))]
    names = [name for part in _parts(message) if (name := _filename(part))]
    if names:
        lines.append("Attachments: " + ", ".join(names))
    flow.part("\n".join(lines), Locator("section", subject or "—"))


def _header(message: EmailMessage, name: str) -> str:
    try:
        value = message[name]
        if name == "Date" and value:
            return parsedate_to_datetime(str(value)).isoformat(sep=" ", timespec="minutes")
        addresses: tuple[Address, ...] = getattr(value, "addresses", ())
        if addresses:
            return squeeze(", ".join(str(address) for address in addresses))
        return squeeze(str(value or ""))
    except _BROKEN:
        return ""


def _write_body(flow: Flow, message: EmailMessage, source: Source) -> None:
    """Write the plain body, or the HTML one where the plain one only says to look elsewhere."""
    try:
        plain, rich = message.get_body(("plain",)), message.get_body(("html",))
    except _BROKEN:
        plain, rich = message if message.get_content_maintype() == "text" else None, None
    text = _content(plain) if plain is not None else ""
    page = _content(rich) if rich is not None else ""
    if page and (len(text) < 40 or len(text) < 0.02 * len(page)):
        try:
            write_html(flow, page, source)
        except DamagedFile:
            flow.paragraph(text)
        return
    for paragraph in text.replace("\r\n", "\n").split("\n\n"):
        flow.paragraph(paragraph)


def _content(part: MIMEPart) -> str:
    try:
        content = part.get_content()
    except _BROKEN:
        payload = part.get_payload(decode=True)
        content = payload.decode("utf-8", errors="replace") if isinstance(payload, bytes) else ""
    return content if isinstance(content, str) else ""


def _parts(message: EmailMessage) -> list[MIMEPart]:
    try:
        return list(message.iter_attachments()) if message.is_multipart() else []
    except _BROKEN:
        return []


def _filename(part: MIMEPart) -> str:
    try:
        name = squeeze(part.get_filename() or "")
        if not name and part.get_content_type() == MEDIA_TYPE:
            name = "message.eml"
    except _BROKEN:
        return ""
    return name[:255]


def _bytes(part: MIMEPart) -> bytes:
    if part.get_content_type() == MEDIA_TYPE:
        inner = part.get_payload(0) if part.is_multipart() else None
        return inner.as_bytes() if isinstance(inner, EmailMessage) else b""
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""
