"""Refuses a body with files that is larger than any page takes, before a byte of it is kept.

Django bounds what is typed, not what is uploaded: without this, one request fills the disk.
"""

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler

MOST_BYTES = 21 * 1024 * 1024  # a file of contacts of 20 MB, and the form round it


class UploadSize(FileUploadHandler):
    """Looks at the announced length only; the server hands over no more than that."""

    def handle_raw_input(
        self,
        input_data: Any,
        META: Any,  # noqa: N803  Django's name for it
        content_length: int,
        boundary: Any,
        encoding: Any = None,
    ) -> None:
        """Raise RequestDataTooBig, which is answered in words (400), for too much."""
        if content_length > MOST_BYTES:
            raise RequestDataTooBig

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Leave the data to the handlers behind this one."""
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """Leave the file to the handlers behind this one."""
