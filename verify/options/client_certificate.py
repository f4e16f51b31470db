"""A client certificate and its key, from PEM files, and what is wrong with them."""

import ssl
from typing import NoReturn

from verify.errors import InputError
from verify.escaping import visible


class _EncryptedError(Exception):
    """The key asks for a passphrase."""


def load(certificate: str, key: str | None, context: ssl.SSLContext | None = None) -> None:
    """Have a context show the certificate; without one, only try it.

    Raises:
        InputError: The files don't hold a certificate and its key.
    """
    context = context or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    held_by = "--key" if key else "--cert"
    file = visible(key or certificate)
    try:
        context.load_cert_chain(certificate, key, password=_refuse)
    except _EncryptedError:
        raise InputError(
            f"{held_by}: the key in {file} has a passphrase, which verify never asks for",
            "take it off: openssl pkey -in KEY -out PLAIN, and let only its user read the file",
        ) from None
    except ssl.SSLError as error:
        # The second is of a key of another kind than the certificate's, such as RSA and an elliptic
        # curve.
        if error.reason in ("KEY_VALUES_MISMATCH", "NO_CERTIFICATE_ASSIGNED"):
            problem = f"{held_by}: the key in {file} is not the certificate's"
            hint = "give the key that it was made with"
        elif key:
            problem = "--cert and --key can't be loaded"
            hint = "are both whole PEM files, the key not of another format?"
        else:
            problem = f"--cert: {file} holds no key"
            hint = "give the key's file with --key"
        raise InputError(
            problem, f"{hint} (OpenSSL: {visible(error.reason or 'no reason')})"
        ) from None
    except OSError as error:
        raise InputError(
            f"--cert: can't read {file}: {visible(error.strerror or '')}", "is it there?"
        ) from None


def _refuse() -> NoReturn:
    raise _EncryptedError
