"""A key service for the secrets of stacks, which costs less than a passphrase.

The Pulumi CLI derives a stack's key from its passphrase in a million steps: a quarter of a second
of CPU time in each run. It asks a key service for the key instead where the state names one. This
one stands in for Vault's transit engine, and gives every stack the same key.
"""

from __future__ import annotations

import base64
import json
import threading
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from localaws.cli.pulumi_state import StackState

_KEY = bytes(32)
_ENCRYPTED_KEY = b"vault:v1:"
PROVIDER = {
    "type": "cloud",
    "state": {
        "url": "hashivault://tests",
        "encryptedkey": base64.b64encode(_ENCRYPTED_KEY).decode(),
    },
}


class _Transit(BaseHTTPRequestHandler):
    """Decrypts the encrypted key, which is all that the CLI needs of Vault."""

    def do_PUT(self) -> None:
        """Decrypt the key."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if (self.path, asked) != (
            "/v1/transit/decrypt/tests",
            {"ciphertext": _ENCRYPTED_KEY.decode()},
        ):
            self.send_error(400)
            return
        answer = json.dumps({"data": {"plaintext": base64.b64encode(_KEY).decode()}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@cache
def _address() -> str:
    """Return the address of this process's key service, which starts when it is first needed."""
    server = HTTPServer(("127.0.0.1", 0), _Transit)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def variables() -> dict[str, str]:
    """Return the variables by which the CLI finds the key service."""
    return {
        "VAULT_ADDR": _address(),
        # Otherwise it reads the configuration file only, which `pulumi-local` copies for each run.
        "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
    }


def create(state: StackState) -> None:
    """Make a stack that uses the key service, unless it exists.

    `pulumi stack init --secrets-provider` would name it in the configuration file too.
    """
    if state.file.exists():
        return
    state.create()
    document = json.loads(state.file.read_text())
    document["checkpoint"]["latest"] = {"manifest": {}, "secrets_providers": PROVIDER}
    state.file.write_text(json.dumps(document))
