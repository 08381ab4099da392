"""What kind of picture some bytes are, by the bytes alone: never by what a client says of them."""

from collections.abc import AsyncIterator
from hashlib import sha256

from appliance.core.text import describe_bytes
from appliance.features.assistants.errors import PictureTooLarge, PictureUnsupported
from appliance.features.assistants.schemas import Picture

PICTURE_BYTES = 256 * 1024
_PNG, _JPEG, _RIFF, _WEBP = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF", b"WEBP"


def read_picture(content: bytes) -> Picture:
    """Look at the bytes. Raises PictureTooLarge or PictureUnsupported; SVG, which can hold scripts, is none."""
    if len(content) > PICTURE_BYTES:
        raise _too_large()
    if content.startswith(_PNG):
        media_type = "image/png"
    elif content.startswith(_JPEG):
        media_type = "image/jpeg"
    elif content.startswith(_RIFF) and content[8:12] == _WEBP:
        media_type = "image/webp"
    else:
        raise PictureUnsupported
    return Picture(media_type, content, sha256(content).hexdigest())


async def receive_picture(stream: AsyncIterator[bytes]) -> Picture:
    """Take a picture as it flows, and no more of it than is allowed."""
    content = bytearray()
    async for piece in stream:
        content += piece
        if len(content) > PICTURE_BYTES:
            raise _too_large()
    return read_picture(bytes(content))


def _too_large() -> PictureTooLarge:
    return PictureTooLarge(limit=describe_bytes(PICTURE_BYTES))
