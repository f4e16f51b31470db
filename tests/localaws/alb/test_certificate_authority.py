"""Certificates of the local authority, checked by Python's TLS."""

from __future__ import annotations

import ssl
import stat
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from localaws.alb.certificate_authority import LIFETIME, RENEWED, Authority
from localaws.alb.certificate_files import authority_file

if TYPE_CHECKING:
    from pathlib import Path

    from localaws.alb.tls import Served

NOW = datetime.now(UTC)
A_DAY = timedelta(days=1)


def handshake(directory: Path, served: Served, name: str) -> None:
    """Both sides of a TLS connection, in memory.

    Raises:
        SSLCertVerificationError: A client that trusts the authority doesn't trust the server.
    """
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(served.chain, served.key)
    client_side = ssl.create_default_context(cafile=str(authority_file(directory)))
    client_side.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_side.wrap_bio(to_client, to_server, server_hostname=name)
    server = server_side.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(3):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue


def test_a_client_that_trusts_the_authority_accepts_each_name_and_no_other(tmp_path: Path) -> None:
    served = Authority(tmp_path).issue(["app.example.test", "*.example.org", "127.99.0.1"])
    for name in ("app.example.test", "www.example.org", "127.99.0.1"):
        handshake(tmp_path, served, name)
    for name in ("example.test", "a.b.example.org", "127.99.0.2"):
        with pytest.raises(ssl.SSLCertVerificationError):
            handshake(tmp_path, served, name)


def test_a_certificate_of_another_authority_isnt_trusted(tmp_path: Path) -> None:
    Authority(tmp_path).issue(["app.example.test"])
    foreign = Authority(tmp_path / "other").issue(["app.example.test"])
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(tmp_path, foreign, "app.example.test")


def test_a_name_longer_than_a_common_name_is_certified(tmp_path: Path) -> None:
    name = f"{'a' * 60}.{'b' * 60}.test"
    handshake(tmp_path, Authority(tmp_path).issue([name]), name)


def test_keys_are_for_their_owner_only(tmp_path: Path) -> None:
    served = Authority(tmp_path).issue(["app.example.test"])
    folder = served.key.parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(key.stat().st_mode) for key in folder.glob("*.key")} == {0o600}
    assert len(list(folder.glob("*.key"))) == 2
    assert "PRIVATE" not in served.chain.read_text() + authority_file(tmp_path).read_text()


def test_the_next_daemon_serves_the_same_certificate_under_the_same_authority(
    tmp_path: Path,
) -> None:
    before = (
        Authority(tmp_path).issue(["app.example.test"]).chain.read_text(),
        authority_file(tmp_path).read_text(),
    )
    again = Authority(tmp_path, now=lambda: NOW + LIFETIME - RENEWED - A_DAY)
    assert (
        again.issue(["app.example.test"]).chain.read_text(),
        authority_file(tmp_path).read_text(),
    ) == before


def test_a_certificate_that_expires_soon_is_issued_again_by_the_same_authority(
    tmp_path: Path,
) -> None:
    old = Authority(tmp_path, now=lambda: NOW - LIFETIME + RENEWED - A_DAY).issue(
        ["app.example.test"]
    )
    text = old.chain.read_text()
    authority = authority_file(tmp_path).read_text()
    renewed = Authority(tmp_path).issue(["app.example.test"])
    assert renewed.chain.read_text() != text
    assert authority_file(tmp_path).read_text() == authority
    handshake(tmp_path, renewed, "app.example.test")


@pytest.mark.parametrize("file", ["authority.pem", "authority.key"])
@pytest.mark.parametrize("content", ["", "not PEM"])
def test_a_damaged_authority_is_replaced_with_all_that_it_signed(
    tmp_path: Path, file: str, content: str
) -> None:
    served = Authority(tmp_path).issue(["app.example.test"])
    (served.chain.parent / file).write_text(content)
    handshake(tmp_path, Authority(tmp_path).issue(["app.example.test"]), "app.example.test")


def test_a_certificate_of_another_key_is_replaced(tmp_path: Path) -> None:
    first, other = (
        Authority(tmp_path).issue([name]) for name in ("app.example.test", "www.example.test")
    )
    first.key.write_text(other.key.read_text())
    handshake(tmp_path, Authority(tmp_path).issue(["app.example.test"]), "app.example.test")
