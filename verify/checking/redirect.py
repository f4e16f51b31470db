"""Plain HTTP must redirect to HTTPS permanently, and to the same URL."""

from http import HTTPStatus
from urllib.parse import SplitResult, urlsplit

from verify.escaping import visible
from verify.exit_codes import ExitCode
from verify.judging.report import Result, Status
from verify.network.outcome import Answer, Failure
from verify.options.target import DEFAULT_PORTS, Target

_PERMANENT = (HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.PERMANENT_REDIRECT)
_MARK = "verify=kept"


def plain(target: Target, port: int) -> Target:
    """Return the target's URL over plain HTTP, with a query so that losing it is noticed."""
    path = target.path if "?" in target.path else f"{target.path}?{_MARK}"
    return Target("http", target.host, port, path)


def redirect_result(target: Target, host: str, asked: Target, outcome: Answer | Failure) -> Result:
    """Judge whether a plain request is redirected to the target.

    Args:
        target: The HTTPS target.
        host: The host that its requests name, and perhaps a port.
        asked: What was requested over plain HTTP.
        outcome: The outcome of that request.
    """
    if isinstance(outcome, Failure):
        wrong = [outcome.reason]
    elif outcome.status not in _PERMANENT:
        wrong = [f"{outcome.status}, not 301 or 308"]
    else:
        wrong = list(_lost(target, host, asked, outcome.header("location") or ""))
    status = Status.FAIL if wrong else Status.OK
    if isinstance(outcome, Failure) and outcome.cut:
        status = Status.UNKNOWN
    return Result(
        id="redirect",
        status=status,
        actual="; ".join(wrong) or "redirects to HTTPS permanently, with host, path and query",
        expected=(
            f"301 or 308 from http port {asked.port} to https with the same host, path and query"
        ),
        hint=_hint(outcome, wrong),
        fault=ExitCode.WRONG_REDIRECT,
        attempts=1,
    )


def _hint(outcome: Answer | Failure, wrong: list[str]) -> str:
    if isinstance(outcome, Failure):
        return outcome.hint
    if not wrong:
        return ""
    return "the listener's redirect action keeps #{host}, #{path} and #{query}"


def _lost(target: Target, host: str, asked: Target, location: str) -> list[str]:
    """Return what is wrong with a redirect's location, in words; empty where nothing is."""
    try:
        url = urlsplit(location)
        port = url.port or DEFAULT_PORTS.get(url.scheme, 0)
    except ValueError:
        return ["its Location is no URL"]
    path, _, query = asked.path.partition("?")
    kept = {
        "scheme": url.scheme == "https",
        "host": (url.hostname or "") == urlsplit(f"//{host}").hostname,
        "port": port == target.port,
        "path": url.path == path,
        "query": url.query == query,
    }
    lost = [part for part, is_kept in kept.items() if not is_kept]
    if not lost:
        return []
    return [f"it redirects to {_shown(url)}: {', '.join(lost)} changed"]


def _shown(url: SplitResult) -> str:
    """Return a URL for a message, without its query, which may hold a secret."""
    masked = url._replace(query="***" if url.query else "", fragment="")
    return visible(masked.geturl(), 80)
