"""The images of ECR repositories, as files.

A folder for each repository holds blobs by digest, manifests by digest with their media types, and
a table of tags.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localaws.machine.files import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Manifest:
    """What an image consists of."""

    media_type: str
    body: bytes

    @property
    def digest(self) -> str:
        """Its digest, which is the image's."""
        return digest_of(self.body)


def digest_of(content: bytes) -> str:
    """Return the digest by which content is named."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class ImageStore:
    """Keeps the images of all repositories below one folder."""

    def __init__(self, folder: Path) -> None:
        """Use a folder, which is made when something is written."""
        self._folder = folder

    def blob(self, repository: str, digest: str) -> Path | None:
        """Return the file of a blob, if there is one."""
        if not _DIGEST.fullmatch(digest):
            return None
        path = self._blobs(repository) / digest
        return path if path.is_file() else None

    def new_upload(self, repository: str) -> str:
        """Begin to receive a blob; return the upload's name."""
        name = secrets.token_hex(16)
        path = self._upload(repository, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return name

    def upload(self, repository: str, name: str) -> Path | None:
        """Return the file that an upload is written to, if it has begun."""
        path = self._upload(repository, name)
        return path if re.fullmatch("[0-9a-f]{32}", name) and path.is_file() else None

    def finish(self, repository: str, upload: Path, digest: str) -> bool:
        """Turn a received file into a blob, if its content has that digest."""
        with upload.open("rb") as content:
            found = f"sha256:{hashlib.file_digest(content, 'sha256').hexdigest()}"
        if found != digest:
            upload.unlink()
            return False
        self._blobs(repository).mkdir(parents=True, exist_ok=True)
        upload.replace(self._blobs(repository) / digest)
        return True

    def tags(self, repository: str) -> dict[str, str]:
        """Return the digests of a repository's images by tag."""
        try:
            tags: dict[str, str] = json.loads(self._tags(repository).read_text())
        except FileNotFoundError:
            return {}
        return tags

    def manifest(self, repository: str, reference: str) -> Manifest | None:
        """Return the manifest of an image by tag or digest, if there is one."""
        digest = self.tags(repository).get(reference, reference)
        path = self._manifests(repository) / digest
        if not _DIGEST.fullmatch(digest) or not path.is_file():
            return None
        media_type, _, body = path.read_bytes().partition(b"\n")
        return Manifest(media_type.decode(), body)

    def put(self, repository: str, manifest: Manifest, tag: str | None) -> None:
        """Save a manifest, and point a tag to it."""
        self._manifests(repository).mkdir(parents=True, exist_ok=True)
        path = self._manifests(repository) / manifest.digest
        path.write_bytes(manifest.media_type.encode() + b"\n" + manifest.body)
        if tag is not None:
            tags = {**self.tags(repository), tag: manifest.digest}
            write_atomically(self._tags(repository), json.dumps(tags))

    def delete(self, repository: str, digest: str) -> bool:
        """Delete an image and its tags; return whether it was there."""
        if self.manifest(repository, digest) is None:
            return False
        (self._manifests(repository) / digest).unlink()
        tags = {tag: each for tag, each in self.tags(repository).items() if each != digest}
        write_atomically(self._tags(repository), json.dumps(tags))
        return True

    def is_empty(self, repository: str) -> bool:
        """Return whether a repository has no image."""
        return not any(self._manifests(repository).glob("sha256:*"))

    def remove(self, repository: str) -> None:
        """Delete everything in a repository."""
        shutil.rmtree(self._folder_of(repository), ignore_errors=True)

    def _folder_of(self, repository: str) -> Path:
        # A repository's name can have slashes, and one can be the beginning of another's.
        return self._folder / repository.replace("/", "+")

    def _blobs(self, repository: str) -> Path:
        return self._folder_of(repository) / "blobs"

    def _upload(self, repository: str, name: str) -> Path:
        return self._folder_of(repository) / "uploads" / name

    def _manifests(self, repository: str) -> Path:
        return self._folder_of(repository) / "manifests"

    def _tags(self, repository: str) -> Path:
        return self._folder_of(repository) / "tags.json"
