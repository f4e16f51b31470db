"""Whose answer it is, and what it means. From outside this is a heuristic: the Server header tells, or the page."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

from verify.escaping import visible
from verify.exit_codes import ExitCode
from verify.masking import Show
from verify.outcome import Answer, Failure, Phase
from verify.target import DEFAULT_PORTS

# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html
_LOAD_BALANCER_SAYS = {
    400: "the request is malformed",
    403: "a web ACL or a rule forbids it",
    404: "no listener rule matches the path",
    460: "the client closed the connection first",
    463: "X-Forwarded-For has more than 30 addresses",
    500: "the load balancer failed",
    502: "a target closed the connection or sent no valid answer",
    503: "no target is registered and healthy",
    504: "a target did not answer in time",
}
_HINTS = {
    403: "is this address or request meant to be blocked by the web ACL?",
    404: "is there a listener rule for this host and path?",
    460: "raise --timeout, or see why the application takes so long",
    463: "something on the way adds an address to X-Forwarded-For with every hop: a loop?",
    502: "does the container listen on the target group's port, and keep connections longer than the load balancer?",
    503: "do the service's tasks run and pass the health check? see the service's events",
    504: "is the application stuck, or do security groups block the load balancer's way to the tasks?",
}

_REDIRECTS = {301, 302, 303, 307, 308}

_PAGE = (
    r"<html>\s*<head><title>({} [^<\n]+)</title></head>\s*<body[^>\n]*>\s*<center><h1>\1</h1></center>\s*"
    r"</body>\s*</html>\s*(?:<!--[^>]*-->\s*)*"
)
"""The load balancer's own page. nginx's is the same but for a rule and its name at the foot."""

_FAULTS = {
    Phase.RESOLVE: ExitCode.NO_NAME,
    Phase.CONNECT: ExitCode.NO_CONNECTION,
    Phase.TLS: ExitCode.NO_TLS,
}


def fault(outcome: Answer | Failure) -> ExitCode | None:
    """Whose fault it is that a request failed, or that its status isn't the wanted one; None where nobody's is told."""
    if isinstance(outcome, Failure):
        refused = outcome.final and outcome.phase is Phase.TLS
        return ExitCode.BAD_CERTIFICATE if refused else _FAULTS.get(outcome.phase)
    if outcome.status < 400:  # noqa: PLR2004 — HTTP's own boundaries, here and below
        return ExitCode.WRONG_REDIRECT if outcome.status in _REDIRECTS else None
    maker, _ = made_by(outcome)
    return maker if maker is ExitCode.BALANCER_ERROR or outcome.status >= 500 else None  # noqa: PLR2004


def made_by(error: Answer) -> tuple[ExitCode | None, str]:
    """Whose code an error has, None where nothing tells, and the sign that this is guessed from."""
    if server := error.header("server"):
        return _either(server.startswith("awselb/")), "the Server header"
    # A listener may hide the header, whoever answers. The load balancer's own errors have its page all the same, though
    # nobody sends one to HEAD.
    if error.body and not error.truncated:
        return _either(re.fullmatch(_PAGE.format(error.status), error.text) is not None), "the page"
    return None, ""


def _either(by_balancer: bool) -> ExitCode:  # noqa: FBT001 — what it is asked
    return ExitCode.BALANCER_ERROR if by_balancer else ExitCode.APPLICATION_ERROR


def describe(answer: Answer, show: Show = visible, *, mask_query: bool = False) -> str:
    """A status in words: who made it, why, and where a redirect points."""
    server = answer.header("server") or ""
    if answer.status >= 400 and made_by(answer)[0] is ExitCode.BALANCER_ERROR:  # noqa: PLR2004
        reason = _LOAD_BALANCER_SAYS.get(answer.status, "")
        return f"{answer.status} from the load balancer{reason and f': {reason}'}"
    location = answer.header("location")
    if location is not None and answer.status in _REDIRECTS:
        place, mark, query = location.partition("?")
        shown = f"{show(place, 120)}{mark}{'***' if mark and mask_query else show(query, 120)}"
        return f"{answer.status} redirect to {shown}"
    return f"{answer.status}{f' from {show(server, 40)}' if server and answer.status >= 400 else ''}"  # noqa: PLR2004


def hint(answer: Answer) -> str:
    """What to look at first after a status that isn't the wanted one."""
    if answer.status < 400:  # noqa: PLR2004
        return _hint_below_errors(answer)
    maker, sign = made_by(answer)
    if maker is ExitCode.BALANCER_ERROR:
        told = _HINTS.get(answer.status, "is there an incident of the load balancer's?")
        return f"{told} (guessed from {sign})"
    if answer.status < 500:  # noqa: PLR2004
        return "is this the right host and path, and the right version?"
    if maker:
        return f"a target answered this, so the application's log says why (guessed from {sign})"
    return "neither header nor page tells who made this: see the service's events, then the application's log"


def _hint_below_errors(answer: Answer) -> str:
    if answer.status == HTTPStatus.NOT_MODIFIED:
        return "leave out the headers If-None-Match and If-Modified-Since, or accept it with --status 304"
    if answer.status not in _REDIRECTS:
        return ""
    location = answer.header("location")
    if not location:
        return "a redirect without a Location header leads nowhere: see what made it"
    if _leads_back(answer.url, location):
        return (
            "it leads to what was asked for: does it wait for a cookie, or, behind a load balancer that ends TLS, "
            "for X-Forwarded-Proto?"
        )
    return "give the redirect's target to verify, or accept it with --status"


def _leads_back(asked: str, location: str) -> bool:
    try:
        place = _parts(urljoin(asked, location))
        return place == _parts(asked)
    except ValueError:
        return False


def _parts(url: str) -> tuple[object, ...]:
    """What two URLs of the same place have in common."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme), parts.path or "/", parts.query


def retry_after(answer: Answer, now: datetime | None = None) -> float:
    """Seconds that the answer asks to wait; 0 when it asks nothing, or nonsense."""
    value = (answer.header("retry-after") or "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, (parsedate_to_datetime(value) - (now or datetime.now(UTC))).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return 0.0
