"""Configuration of a login with OpenID Connect."""

from __future__ import annotations

CERTIFICATE = (
    "arn:aws:acm:ap-northeast-1:123456789012:certificate/00000000-0000-0000-0000-000000000001"
)
OIDC: dict[str, str] = {
    "issuer": "https://login.example.com",
    "authorizationEndpoint": "https://login.example.com/authorize",
    "tokenEndpoint": "https://login.example.com/token",
    "userInfoEndpoint": "https://login.example.com/me",
    "clientId": "shop",
}
CLIENT_SECRETS = {"web": {"secure": "v1:encrypted"}}
