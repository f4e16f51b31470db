"""A private certificate authority, made with OpenSSL's command."""

import ssl
import subprocess
from dataclasses import dataclass
from functools import partial
from pathlib import Path

DAYS = {"good": 90, "soon": 10, "expired": -1}


def openssl(*arguments: str, folder: Path) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, check=True)


@dataclass(frozen=True)
class Authority:
    """A private certificate authority and the certificates that it signed, in a folder."""

    folder: Path

    @property
    def file(self) -> str:
        return str(self.folder / "ca.pem")

    def server(self, name: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{name}.pem", self.folder / "key.pem")
        return context


def make_authority(folder: Path) -> Authority:
    """Make certificates with one key: some for 127.0.0.1, one for another name, one self-signed."""
    run = partial(openssl, folder=folder)
    (folder / "extensions").write_text(
        "[here]\nsubjectAltName=IP:127.0.0.1\n[elsewhere]\nsubjectAltName=DNS:b.example\n"
    )
    run("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "key.pem")
    own = ("req", "-x509", "-key", "key.pem", "-days", "100", "-subj")
    run(*own, "/CN=Authority", "-out", "ca.pem")
    run(*own, "/CN=Unsigned", "-addext", "subjectAltName=IP:127.0.0.1", "-out", "unsigned.pem")
    run("req", "-new", "-key", "key.pem", "-subj", "/CN=verify", "-out", "request.pem")
    sign = (
        "x509",
        "-req",
        "-in",
        "request.pem",
        "-CA",
        "ca.pem",
        "-CAkey",
        "key.pem",
        "-extfile",
        "extensions",
    )
    for name, days in DAYS.items():
        run(*sign, "-days", str(days), "-extensions", "here", "-out", f"{name}.pem")
    run(*sign, "-days", "90", "-extensions", "elsewhere", "-out", "other.pem")
    run("req", "-new", "-key", "key.pem", "-subj", "/CN=localhost", "-out", "named.pem")
    plain = (
        "x509",
        "-req",
        "-in",
        "named.pem",
        "-CA",
        "ca.pem",
        "-CAkey",
        "key.pem",
        "-days",
        "90",
    )
    run(*plain, "-out", "common-name.pem")
    return Authority(folder)
