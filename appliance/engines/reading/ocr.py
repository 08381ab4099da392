"""Reads text in pictures with Tesseract, where it is installed: words with their boxes, as PDF text has them.

Source of the output's columns: tesseract(1), "tsv". Tesseract is one thread per page here; pages run side by side.
"""

import csv
import os
import subprocess
from collections.abc import Iterator
from functools import partial
from itertools import groupby
from statistics import fmean, median
from typing import NamedTuple

import msgspec
from PIL import Image

from appliance.engines.reading.page_words import Word
from appliance.engines.reading.text_cleaning import clean
from appliance.engines.sandbox.confinement import die_with_parent

_BLOCKS, _BLOCKS_ANY_WAY_UP = "3", "1"  # page segmentation modes; the second also looks which way is up
_LEAST_WORD, _LEAST_LINE, _DOUBTFUL = 25.0, 40.0, 60.0  # confidences in per cent


class Tesseract(msgspec.Struct, frozen=True):
    """The program, and the languages to read: `fra+eng` where both are there."""

    executable: str
    languages: str


class OcrTimedOut(Exception):
    """One page took longer than its limit."""


class _Found(NamedTuple):
    block: int
    paragraph: int
    line: int
    left: int
    top: int
    right: int
    bottom: int
    confidence: float
    text: str


def recognise(picture: Image.Image, tesseract: Tesseract, *, seconds: float) -> list[Word]:
    """Read a grey picture of about 300 dots per inch. Boxes in its pixels. Raises OcrTimedOut."""
    found = list(_run(picture, tesseract, _BLOCKS, seconds))
    if not found or fmean(word.confidence for word in found) < _DOUBTFUL:
        turned = list(_run(picture, tesseract, _BLOCKS_ANY_WAY_UP, seconds))
        if _weight(turned) > _weight(found):
            found = turned
    return list(_words(found))


def _weight(found: list[_Found]) -> float:
    return sum(word.confidence * len(word.text) for word in found if word.confidence > _DOUBTFUL)


def _run(picture: Image.Image, tesseract: Tesseract, mode: str, seconds: float) -> Iterator[_Found]:
    header = f"P5\n{picture.width} {picture.height}\n255\n".encode()
    command = [tesseract.executable, "stdin", "stdout", "--psm", mode, "--dpi", "300", "-l", tesseract.languages, "tsv"]
    try:
        done = subprocess.run(  # noqa: S603 - our own program and words, no shell
            command,
            input=header + picture.tobytes(),
            capture_output=True,
            timeout=max(1.0, seconds),
            check=False,
            env={"OMP_THREAD_LIMIT": "1", "LANG": "C.UTF-8"},
            preexec_fn=partial(die_with_parent, os.getpid()),  # this process has one thread
        )
    except subprocess.TimeoutExpired:
        raise OcrTimedOut from None
    lines = done.stdout.decode("utf-8", errors="replace").splitlines()
    for row in csv.reader(lines[1:], delimiter="\t", quoting=csv.QUOTE_NONE):
        if len(row) == 12 and row[0] == "5" and row[11].strip():
            block, paragraph, line, left, top, width, height = map(int, (*row[2:5], *row[6:10]))
            yield _Found(block, paragraph, line, left, top, left + width, top + height, float(row[10]), row[11].strip())


def _words(found: list[_Found]) -> Iterator[Word]:
    for _line, group in groupby(found, key=lambda word: (word.block, word.paragraph, word.line)):
        words = [word for word in group if word.confidence >= _LEAST_WORD and clean(word.text)]
        if not words or fmean(word.confidence for word in words) < _LEAST_LINE:
            continue
        top, bottom = min(word.top for word in words), max(word.bottom for word in words)
        usual = median(word.bottom - word.top for word in words)
        level = bottom - top < 1.8 * usual  # else the line is slanted, and each word keeps its own height
        for index, word in enumerate(words):
            ends = (top, bottom) if level else (word.top, word.bottom)
            last = index + 1 == len(words)
            yield Word(word.left, ends[0], word.right, ends[1], clean(word.text), breaks=last)
