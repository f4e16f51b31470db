"""Certificates of the local authority, made by a real openssl and checked by Python's TLS."""

from __future__ import annotations

import shutil
import ssl
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest

from localaws.alb import authority
from localaws.alb.authority import Authority, AuthorityError

if TYPE_CHECKING:
    from pathlib import Path


def handshake(trusted: Path, served: object, name: str) -> None:
    """Both sides of a TLS connection, in memory.

    Raises:
        SSLCertVerificationError: The client doesn't trust the server.
    """
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(getattr(served, "chain"), getattr(served, "key"))  # noqa: B009
    client_side = ssl.create_default_context(cafile=str(trusted))
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
    own = Authority(tmp_path / "ca")
    served = own.issue(["app.example.test", "*.example.org", "127.99.0.1"])
    for name in ("app.example.test", "www.example.org", "127.99.0.1"):
        handshake(own.certificate, served, name)
    for name in ("example.test", "a.b.example.org", "127.99.0.2"):
        with pytest.raises(ssl.SSLCertVerificationError):
            handshake(own.certificate, served, name)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(Authority(tmp_path / "other").issue(["other.test"]).chain, served, "app.example.test")


def test_a_name_longer_than_a_common_name_is_certified(tmp_path: Path) -> None:
    own, name = Authority(tmp_path), f"{'a' * 60}.{'b' * 60}.test"
    handshake(own.certificate, own.issue([name]), name)


def test_keys_are_for_their_owner_only(tmp_path: Path) -> None:
    Authority(tmp_path / "ca").issue(["app.example.test"])
    assert stat.S_IMODE((tmp_path / "ca").stat().st_mode) == 0o700
    keys = list((tmp_path / "ca").glob("*.key"))
    assert len(keys) == 2
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}


def test_the_next_daemon_serves_the_same_certificate_under_the_same_authority(tmp_path: Path) -> None:
    first = Authority(tmp_path)
    before = first.issue(["app.example.test"]).chain.read_text(), first.certificate.read_text()
    again = Authority(tmp_path)
    assert (again.issue(["app.example.test"]).chain.read_text(), again.certificate.read_text()) == before


def test_what_ends_soon_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authority, "DAYS", 59)
    old = Authority(tmp_path).issue(["app.example.test"]).chain.read_text()
    monkeypatch.undo()
    renewed = Authority(tmp_path)
    assert renewed.issue(["app.example.test"]).chain.read_text() != old
    handshake(renewed.certificate, renewed.issue(["app.example.test"]), "app.example.test")


def test_without_openssl_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AuthorityError, match="install it"):
        Authority(tmp_path / "ca").issue(["app.example.test"])


def test_what_openssl_says_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "openssl"
    program.write_text("#!/bin/sh\necho out of entropy >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AuthorityError, match="openssl ecparam fails: out of entropy"):
        Authority(tmp_path / "ca").issue(["app.example.test"])


def test_an_openssl_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("openssl", 30)

    monkeypatch.setattr(subprocess, "run", hang)
    monkeypatch.setattr(shutil, "which", lambda _: "openssl")
    with pytest.raises(AuthorityError, match="doesn't end"):
        Authority(tmp_path / "ca").issue(["app.example.test"])
