"""Stickiness: cookies that keep a client at its target, or at its target group. Pure.

Source: "Sticky sessions for your Application Load Balancer" in ELB's guide
(elasticloadbalancing/latest/application/sticky-sessions.html), and "Sticky sessions and weighted
target groups" in its guide to listeners. Cookies have `Expires`, and every answer sets them anew.

- `AWSALB`, and `AWSALBCORS` for requests from other sites, last as long as the group sets. The
  target that a cookie names gets the request if it is one of the group's and not unhealthy.
- `AWSALBAPP-0` is set once a target has set the application's cookie, and counts only together with
  it. It lasts seven days, but the part about a group is valid only as long as the group sets.
- `AWSALBTG`, and `AWSALBTGCORS`, name the target group of a rule that forwards to several. Routes
  that match such a cookie come before the one that chooses by weight.

An ALB encrypts its cookies; these are in hexadecimal digits. They hold nothing secret, and a forged
one can only name a target that the rule forwards to anyway.

Envoy's own filter for this sets a cookie when its target changes only, with `Max-Age`, and has no
cookie that depends on another; so a script does it, on sticky routes only.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

SCRIPT = "localaws.stickiness"
"""The filter that reads and sets the cookies."""

DEFAULT_DURATION = 86400
"""Seconds that a group's cookie lasts where the group doesn't set them."""

APP_COOKIE_DURATION = 7 * 86400
"""Seconds that `AWSALBAPP-0` lasts; not configurable."""

_LUA = "type.googleapis.com/envoy.extensions.filters.http.lua.v3"
_FILTER_CONFIG = "type.googleapis.com/envoy.config.route.v3.FilterConfig"
_TARGET = "x-localaws-target"
"""Internal response header: the address of the target that answered."""

# A cookie's text is a line for each group: its cluster, the second it ends, and a target's address.
_SCRIPT = f"""
local function encoded(text)
  return (text:gsub(".", function(each) return ("%02X"):format(each:byte()) end))
end

local function decoded(text)
  return (text:gsub("%x%x", function(each) return string.char(tonumber(each, 16)) end))
end

local function cookie(headers, name)
  local all = "; " .. (headers:get("cookie") or "")
  return all:match(";%s*" .. name:gsub("%p", "%%%0") .. "=([^;]*)")
end

local function is_address(text)
  return text:match("^%d+%.%d+%.%d+%.%d+:%d+$") or text:match("^%[[%x:]+%]:%d+$")
end

local function sessions(text)
  local found = {{}}
  for cluster, ends, address in decoded(text or ""):gmatch("(%S+) (%d+) (%S+)\\n") do
    if tonumber(ends) > os.time() and is_address(address) then
      found[cluster] = {{ends = ends, address = address}}
    end
  end
  return found
end

local function set(headers, name, value, seconds, attributes)
  local expires = os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() + seconds)
  local text = name .. "=" .. value .. "; Expires=" .. expires .. "; Path=/" .. attributes
  headers:add("set-cookie", text)
end

-- An iteration must come to its end, else headers can't be changed.
local function sets_cookie(headers, name)
  local found = false
  for key, value in pairs(headers) do
    if key == "set-cookie" and value:sub(1, #name + 1) == name .. "=" then found = true end
  end
  return found
end

function envoy_on_request(handle)
  local context, headers = handle:filterContext(), handle:headers()
  local cluster, app = context:get("cluster"), context:get("cookie")
  local text
  if app then
    text = cookie(headers, app) and cookie(headers, "AWSALBAPP-0")
  elseif context:get("duration") then
    text = cookie(headers, "AWSALB") or cookie(headers, "AWSALBCORS")
  end
  local session = sessions(text)[cluster]
  if session then
    handle:setUpstreamOverrideHost(session.address, false)
  end
  local version = (headers:get("user-agent") or ""):match("Chrom%a+/(%d+)")
  local kept = handle:streamInfo():dynamicMetadata()
  kept:set("{SCRIPT}", "bound", session ~= nil)
  kept:set("{SCRIPT}", "text", text or "")
  kept:set("{SCRIPT}", "cross_site", tonumber(version or 0) >= 80)
end

function envoy_on_response(handle)
  local context, headers = handle:filterContext(), handle:headers()
  local address = headers:get("{_TARGET}")
  headers:remove("{_TARGET}")
  local kept = handle:streamInfo():dynamicMetadata():get("{SCRIPT}")
  if not kept or not address or address == "-" then return end
  local secure = context:get("secure") and "; Secure" or ""
  local cluster, app = context:get("cluster"), context:get("cookie")
  if context:get("duration") then
    local line = ("%s %d %s\\n"):format(cluster, os.time() + context:get("duration"), address)
    if not app then
      local value = encoded(line)
      set(headers, "AWSALB", value, context:get("duration"), "")
      set(headers, "AWSALBCORS", value, context:get("duration"), "; SameSite=None" .. secure)
    elseif kept["bound"] or sets_cookie(headers, app) then
      local lines = {{line}}
      for other, session in pairs(sessions(kept["text"])) do
        if other ~= cluster then
          lines[#lines + 1] = ("%s %s %s\\n"):format(other, session.ends, session.address)
        end
      end
      local attributes = kept["cross_site"] and "; SameSite=None; Secure" or ""
      set(headers, "AWSALBAPP-0", encoded(table.concat(lines)), {APP_COOKIE_DURATION}, attributes)
    end
  end
  if context:get("group") then
    set(headers, "AWSALBTG", context:get("group"), context:get("group_duration"), "")
    set(headers, "AWSALBTGCORS", context:get("group"), context:get("group_duration"),
        "; SameSite=None" .. secure)
  end
end
"""


@dataclass(frozen=True, kw_only=True)
class Stickiness:
    """How a target group keeps clients at their targets."""

    duration: int = DEFAULT_DURATION
    """Seconds."""

    cookie: str = ""
    """The name of the application's cookie; empty for the load balancer's own."""


def read(group: Mapping[str, Any]) -> Stickiness | None:
    """Return a target group's stickiness, from its outputs; None without any."""
    sticky = group.get("stickiness")
    if not sticky or sticky.get("enabled") is False:
        return None
    return Stickiness(
        duration=int(sticky.get("cookieDuration") or DEFAULT_DURATION),
        cookie=str(sticky.get("cookieName") or "") if sticky["type"] == "app_cookie" else "",
    )


def filters() -> list[dict[str, Any]]:
    """Return the filters of a listener with a sticky rule."""
    script = {
        "@type": f"{_LUA}.Lua",
        "clear_route_cache": False,
        "default_source_code": {"inline_string": _SCRIPT},
    }
    return [{"name": SCRIPT, "disabled": True, "typed_config": script}]


def binding(
    cluster: str, stickiness: Stickiness | None, group_duration: int | None, *, secure: bool
) -> dict[str, Any]:
    """Return the part of a route to a cluster that sets cookies, and follows those of a request.

    Args:
        cluster: Its name.
        stickiness: Its target group's.
        group_duration: The seconds for which a rule keeps clients at the group, if it does.
        secure: Whether the listener speaks HTTPS.
    """
    if stickiness is None and group_duration is None:
        return {}
    context: dict[str, Any] = {"cluster": cluster, "secure": secure}
    if stickiness is not None:
        context["duration"] = stickiness.duration
        if stickiness.cookie:
            context["cookie"] = stickiness.cookie
    if group_duration is not None:
        context["group"] = group_value(cluster)
        context["group_duration"] = group_duration
    route = {"@type": f"{_LUA}.LuaPerRoute", "filter_context": context}
    target = {
        "header": {"key": _TARGET, "value": "%UPSTREAM_REMOTE_ADDRESS%"},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }
    return {
        "typed_per_filter_config": {SCRIPT: {"@type": _FILTER_CONFIG, "config": route}},
        "response_headers_to_add": [target],
    }


def group_value(cluster: str) -> str:
    """Return the value of `AWSALBTG` for a target group."""
    return hashlib.sha256(cluster.encode()).hexdigest()[:32].upper()


def group_matcher(cluster: str) -> dict[str, Any]:
    """Match requests that have the cookie of a target group."""
    value = group_value(cluster)
    regex = rf"(?:.*;\s*)?AWSALBTG(?:CORS)?={value}(?:;.*)?"
    return {"name": "cookie", "string_match": {"safe_regex": {"regex": regex}}}
