"""Bytes somebody sent, kept once whatever their number of holders, and gone with the last of them."""

from appliance.features.files.errors import FileVanished
from appliance.features.files.service import FilesService, IncomingFile, StoredFile

__all__ = ["FileVanished", "FilesService", "IncomingFile", "StoredFile"]
