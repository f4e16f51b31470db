"""An identity provider that speaks OpenID Connect, over TLS on this machine."""

from __future__ import annotations

import base64
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

if TYPE_CHECKING:
    import socket
    from ssl import SSLContext

SECRET = "the+client/secret"
USER = {"sub": "user-1", "email": "jo@example.test", "name": "Jo"}


@dataclass
class Seen:
    """The login that the provider issued a code for."""

    client: str
    redirect: str


@dataclass
class IdentityProvider:
    """Logs everyone in as the same user, or misbehaves."""

    context: SSLContext
    error: str = ""
    """The error that users are sent back with, instead of a code."""

    host: str = "127.0.0.1"
    """The name that the load balancer connects to."""

    listening: socket.socket | None = None
    """A socket that listens on port 443; by default it listens on a free port of this machine."""

    token_status: int = 200
    lifetime: int = 3600
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    codes: dict[str, Seen] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self.key = rsa.generate_private_key(65537, 2048)
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.answer(self, {})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                provider.answer(self, {name: each[0] for name, each in parse_qs(body).items()})

            def log_message(self, *_: object) -> None:
                pass

        binds = self.listening is None
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=binds)
        port = f":{self.server.server_port}" if binds else ""
        if self.listening is not None:
            self.server.socket.close()
            self.server.socket = self.listening
            self.listening.setblocking(True)  # noqa: FBT003 — positional only
        self.server.socket = self.context.wrap_socket(self.server.socket, server_side=True)
        self.issuer = f"https://{self.host}{port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    @property
    def public_key(self) -> dict[str, Any]:
        """What verifies the provider's tokens, as a JSON web key."""
        shown = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {**shown, "kid": "one", "alg": "RS256", "use": "sig"}

    def token(self, **claims: Any) -> str:
        """Return a token for a service."""
        whole = {"iss": self.issuer, "exp": time.time() + 60, "scope": "read write", **claims}
        return jwt.encode(whole, self.key, "RS256", headers={"kid": "one"})

    def config(self, client: str, **more: Any) -> dict[str, Any]:
        """Return the block `authenticateOidc` of a client."""
        return {
            "issuer": self.issuer,
            "authorizationEndpoint": f"{self.issuer}/authorize?tenant=1",
            "tokenEndpoint": f"{self.issuer}/token",
            "userInfoEndpoint": f"{self.issuer}/userinfo",
            "clientId": client,
            "clientSecret": SECRET,
            **more,
        }

    def answer(self, handler: BaseHTTPRequestHandler, form: dict[str, str]) -> None:
        parts = urlsplit(handler.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.requests.append((parts.path, {**query, **form}))
        match parts.path:
            case "/authorize":
                self._authorize(handler, query)
            case "/token":
                self._token(handler, form)
            case "/jwks":
                self._json(handler, {"keys": [self.public_key]}, 200)
            case "/userinfo":
                known = handler.headers["Authorization"] == "Bearer the-access-token"
                self._json(handler, USER if known else {}, 200 if known else 401)

    def _authorize(self, handler: BaseHTTPRequestHandler, query: dict[str, str]) -> None:
        code = f"code-{len(self.codes)}"
        self.codes[code] = Seen(query["client_id"], query["redirect_uri"])
        back = {"error": self.error} if self.error else {"code": code}
        handler.send_response(302)
        location = f"{query['redirect_uri']}?{urlencode({**back, 'state': query['state']})}"
        handler.send_header("Location", location)
        handler.end_headers()

    def _token(self, handler: BaseHTTPRequestHandler, form: dict[str, str]) -> None:
        basic = handler.headers["Authorization"].removeprefix("Basic ")
        client, secret = base64.b64decode(basic).decode().split(":")
        seen = self.codes.pop(form.get("code", ""), None)
        right = secret == "the%2Bclient%2Fsecret" and seen == Seen(client, form["redirect_uri"])
        if not right or self.token_status != 200:
            self._json(handler, {"error": "invalid_grant"}, self.token_status + 200)
            return
        claims = {"iss": self.issuer, "aud": client, "sub": "user-1", "exp": time.time() + 60}
        tokens = {
            "access_token": "the-access-token",
            "id_token": jwt.encode(claims, self.key, "RS256"),
            "expires_in": self.lifetime,
        }
        self._json(handler, tokens, 200)

    def _json(self, handler: BaseHTTPRequestHandler, content: object, status: int) -> None:
        body = json.dumps(content).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
