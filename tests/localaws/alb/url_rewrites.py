"""Transforms that rewrite the URL of a request."""

from __future__ import annotations

from typing import Any


def url(regex: str, replace: str) -> dict[str, Any]:
    return {
        "type": "url-rewrite",
        "urlRewriteConfig": {"rewrite": {"regex": regex, "replace": replace}},
    }
