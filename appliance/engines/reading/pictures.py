"""Reads pictures: PNG, JPEG, TIFF (each frame a page), WEBP, BMP, GIF. Their text comes by OCR."""

import warnings
from io import BytesIO
from typing import Any

from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from appliance.core.errors import NotFound
from appliance.engines.reading.errors import DamagedFile, PictureTooLarge, TooManyPages
from appliance.engines.reading.source import Reading, Source

MEDIA_TYPES = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "TIFF": "image/tiff",
    "WEBP": "image/webp",
    "BMP": "image/bmp",
    "GIF": "image/gif",
}
_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF")  # MPO, of two-eyed cameras, is opened as JPEG
MOST_PIXELS = 100_000_000
_SMALL, _WANTED = 1500, 2200  # the longer side: below the first it is enlarged towards the second
_BROKEN = (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, TypeError, KeyError, IndexError)

warnings.simplefilter("ignore", Image.DecompressionBombWarning)
Image.init()  # loads the readers now, not in each child
ImageFile.LOAD_TRUNCATED_IMAGES = True  # half a scan is read as half a scan
Image.MAX_IMAGE_PIXELS = None  # the size is judged below, before anything is decoded


def read_picture(source: Source) -> Reading:
    """Find the pages of a picture. Raises DamagedFile, PictureTooLarge, TooManyPages."""
    picture = _open(source)
    pages = getattr(picture, "n_frames", 1) if picture.format == "TIFF" else 1
    if pages > source.limits.pages:
        raise TooManyPages(filename=source.filename, pages=pages, limit=source.limits.pages)
    media_type = MEDIA_TYPES[picture.format or ""]
    return Reading(media_type=media_type, pages=pages, sections=[], unread=list(range(1, pages + 1)))


def open_frame(source: Source, page: int) -> Image.Image:
    """Decode one page (from 1), the right way up. Raises NotFound, DamagedFile, PictureTooLarge."""
    picture = _open(source)
    try:
        if page < 1 or (page > 1 and (picture.format != "TIFF" or page > getattr(picture, "n_frames", 1))):
            raise NotFound
        picture.seek(page - 1)
        _check_size(picture, source)
        picture.load()
        return _on_white(ImageOps.exif_transpose(picture))
    except _BROKEN:
        raise DamagedFile(filename=source.filename) from None


def for_ocr(picture: Image.Image) -> Image.Image:
    """Make a picture grey, and small ones larger: Tesseract wants letters of some 30 pixels."""
    grey = picture.convert("L")
    longest = max(grey.size)
    if longest < _SMALL:
        factor = min(3.0, _WANTED / longest)
        grey = grey.resize((round(grey.width * factor), round(grey.height * factor)), Image.Resampling.LANCZOS)
    elif longest > 6000:
        grey.thumbnail((6000, 6000), Image.Resampling.LANCZOS)
    return grey


def _open(source: Source) -> Image.Image:
    try:
        picture = Image.open(BytesIO(source.data), formats=_FORMATS)
    except _BROKEN:
        raise DamagedFile(filename=source.filename) from None
    _check_size(picture, source)
    return picture


def _check_size(picture: Image.Image, source: Source) -> None:
    pixels = picture.width * picture.height
    if pixels > MOST_PIXELS:
        raise PictureTooLarge(filename=source.filename, megapixels=round(pixels / 1e6), limit=round(MOST_PIXELS / 1e6))


def _on_white(picture: Image.Image) -> Image.Image:
    """Drop transparency: text on a transparent ground is text on white."""
    if picture.mode in {"RGBA", "LA", "PA"} or "transparency" in picture.info:
        ground = Image.new("RGBA", picture.size, "white")
        ground.alpha_composite(picture.convert("RGBA"))
        return ground.convert("RGB")
    if picture.mode.startswith("I") or picture.mode == "F":
        return _stretch(picture)
    return picture if picture.mode in {"L", "RGB"} else picture.convert("RGB")


def _stretch(picture: Image.Image) -> Image.Image:
    """Bring 16 and 32-bit greys into eight bits, from the darkest there is to the lightest."""
    extremes: Any = picture.getextrema()
    low, high = extremes
    scale: Any = 255 / max(1, high - low)
    return picture.point(lambda value: value * scale - low * scale).convert("L")
