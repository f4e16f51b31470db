"""What no other part of Envoy can do, in Lua. Only the routes made here run it: it is slow."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from localaws.alb.error_pages import SERVER, page
from localaws.alb.limits import LINE_BYTES, SIZE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FILTER = "envoy.filters.http.lua"
_LUA = "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua"
ENABLED = {"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "config": {}}
"""What enables a filter on a route that is disabled elsewhere."""

REDIRECT = "localaws.redirect"
"""The filter that redirects. It runs after users have logged in, the other one before."""

# Both filters have one script. A request with many bytes of headers is checked first and then
# routed again. Which filters run is settled before, by its first route; so the script looks
# afterwards for what its second one asks for. It must not read a route's metadata before: the
# filter keeps what it read.
_SCRIPT = f"""
function answer(handle, status, page, location)
  handle:respond({{[":status"] = status, location = location, server = {json.dumps(SERVER)},
                  ["content-type"] = "text/html"}}, page)
end

function is_refused(handle, headers, limit)
  if #headers:get(":method") + #headers:get(":path") + #"  HTTP/1.1" > limit then
    answer(handle, "414", {json.dumps(page(414))})
    return true
  end
  for name, value in pairs(headers) do
    if name:sub(1, 1) ~= ":" and #name + #": " + #value > limit then
      answer(handle, "400", {json.dumps(page(400))})
      return true
    end
  end
end

function envoy_on_request(handle)
  local headers = handle:headers()
  if tonumber(headers:get("{SIZE}") or 0) >= {LINE_BYTES} then
    if is_refused(handle, headers, {LINE_BYTES}) then return end
    headers:remove("{SIZE}")
    handle:clearRouteCache()
  end
  local location = handle:metadata():get("location")
  if location then
    local path, query = headers:get(":path"):match("^/?([^?]*)%??(.*)$")
    local host = headers:get(":authority"):gsub(":%d+$", "")
    local values = {{path = path, query = query, host = host}}
    local url = location:gsub("#{{(%a+)}}", values):gsub("%?$", "")
    answer(handle, handle:metadata():get("status"), handle:metadata():get("page"), url)
  end
end
"""


def limits() -> dict[str, Any]:
    """Return the filter that looks at single headers."""
    return _script(_FILTER)


def redirects() -> dict[str, Any]:
    """Return the filter that redirects."""
    return _script(REDIRECT)


def _script(name: str) -> dict[str, Any]:
    script = {"@type": _LUA, "default_source_code": {"inline_string": _SCRIPT}}
    return {"name": name, "disabled": True, "typed_config": script}


def redirect(location: str, status: str) -> dict[str, Any]:
    """Return the part of a route that redirects.

    Args:
        location: Where to, with `#{host}`, `#{path}` and `#{query}` for those of the request.
        status: The code, as `301`.
    """
    values = {"location": location, "status": status, "page": page(int(status))}
    return _run([REDIRECT], values)


def closer_look(others: Sequence[str]) -> dict[str, Any]:
    """Return the first route: for requests with as many bytes of headers as a line may hold.

    The script refuses one that has a longer line, and has any other routed again. The count that
    decides it is Envoy's, which has neither a line's separators nor the version of HTTP, but the
    names of pseudo-headers, which are longer.

    Args:
        others: Further filters that some of the listener's routes enable: a request that is routed
            again needs them.
    """
    large = {"name": SIZE, "range_match": {"start": LINE_BYTES, "end": 2**62}}
    return {"match": {"prefix": "/", "headers": [large]}, **_run([_FILTER, *others], {})}


def _run(filters: Sequence[str], values: Mapping[str, str]) -> dict[str, Any]:
    return {
        "metadata": {"filter_metadata": {filters[0]: dict(values)}},
        "typed_per_filter_config": dict.fromkeys(filters, ENABLED),
        # Never given: the script answers, or has the request routed again.
        "direct_response": {"status": 500},
    }
