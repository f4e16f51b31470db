"""Transforms of listener rules: they rewrite a request after routing and before forwarding.

Source: "Transforms for listener rules" in ELB's guide
(elasticloadbalancing/latest/application/rule-transforms.html): a URL is a path with its query; a
request that doesn't match stays as it is; one whose transform fails is answered with 500. The guide
doesn't say which of several matches are replaced; here it is all of them.

It takes two filters of Envoy, in this order:

1. `header_to_metadata` rewrites a header by a regular expression, but only into the request's
   metadata.
2. A script in Lua, which only routes with transforms run, copies that into the header. It answers
   with 500 where the result is no URL or no host.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from localaws.alb.error_pages import SERVER, page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SCRIPT = "localaws.transforms"
"""Name of the script's filter, and of the metadata that it reads: the rewritten headers, and on the
route which headers are to be rewritten.
"""

_REWRITING = "envoy.filters.http.header_to_metadata"
_TYPES = "type.googleapis.com/envoy.extensions.filters.http"
_KINDS = {
    "url-rewrite": ("urlRewriteConfig", ":path"),
    "host-header-rewrite": ("hostHeaderRewriteConfig", ":authority"),
}
"""By the type of a transform: its block in the rule, and the header that it rewrites."""

# A header that was rewritten to nothing, or from more than 8 KiB, isn't in the metadata.
_SCRIPT = f"""
local valid = {{[":path"] = "^/[^%s%c]*$", [":authority"] = "^[^%s%c/@]+$"}}

function envoy_on_request(handle)
  local wanted = handle:metadata()
  local rewritten = handle:streamInfo():dynamicMetadata():get("{SCRIPT}") or {{}}
  for name, pattern in pairs(valid) do
    if wanted:get(name) then
      if not (rewritten[name] or ""):match(pattern) then
        handle:respond({{[":status"] = "500", server = {json.dumps(SERVER)},
                         ["content-type"] = "text/html"}}, {json.dumps(page(500))})
        return
      end
      handle:headers():replace(name, rewritten[name])
    end
  end
end
"""


def filters() -> list[dict[str, Any]]:
    """Return the filters of a listener with a rule that has transforms."""
    script = {
        "@type": f"{_TYPES}.lua.v3.Lua",
        "clear_route_cache": False,
        "default_source_code": {"inline_string": _SCRIPT},
    }
    return [
        {"name": _REWRITING, "typed_config": {"@type": f"{_TYPES}.header_to_metadata.v3.Config"}},
        {"name": SCRIPT, "disabled": True, "typed_config": script},
    ]


def rewriting(
    transforms: Sequence[Mapping[str, Any]], enabled: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the part of a route that applies its rule's transforms.

    Args:
        transforms: As the rule has them.
        enabled: What enables a filter on a route.
    """
    if not transforms:
        return {}
    rules: list[dict[str, Any]] = []
    rewritten: dict[str, bool] = {}
    for transform in transforms:
        block, header = _KINDS[transform["type"]]
        rules.append(_rule(header, transform[block]["rewrite"]))
        rewritten[header] = True
    return {
        "metadata": {"filter_metadata": {SCRIPT: rewritten}},
        "typed_per_filter_config": {
            _REWRITING: {"@type": f"{_TYPES}.header_to_metadata.v3.Config", "request_rules": rules},
            SCRIPT: enabled,
        },
    }


def _rule(header: str, rewrite: Mapping[str, str]) -> dict[str, Any]:
    """Return the rule by which Envoy rewrites a header into the metadata."""
    return {
        "header": header,
        "on_header_present": {
            "metadata_namespace": SCRIPT,
            "key": header,
            "type": "STRING",
            "regex_value_rewrite": {
                "pattern": {"regex": rewrite["regex"]},
                "substitution": _substitution(rewrite["replace"]),
            },
        },
    }


def _substitution(replacement: str) -> str:
    r"""Return the replacement in RE2's syntax, which has `\1` for `$1`."""
    return re.sub(r"\$(\d)", r"\\\1", replacement.replace("\\", r"\\"))
