"""Who made an answer, the load balancer or the application, and what it means.

From outside this is a guess, by the Server header or the body.
"""

import re
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

from verify.escaping import visible
from verify.exit_codes import ExitCode
from verify.network.outcome import Answer, Failure, Phase
from verify.network.proxy import WRONG_CREDENTIALS
from verify.options.masking import Mask, Show
from verify.options.target import DEFAULT_PORTS

# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html
_BALANCER_REASONS = {
    400: "the request is malformed",
    403: "a web ACL or a rule forbids it",
    404: "no listener rule matches the path",
    408: "the request did not arrive in full before the idle timeout",
    413: "the request is too large",
    414: "the URL is too long",
    460: "the client closed the connection first",
    463: "X-Forwarded-For has more than 30 addresses",
    464: "the target group takes another version of HTTP",
    500: "the load balancer failed",
    502: "a target closed the connection or sent no valid answer",
    503: "no target is registered and healthy",
    504: "a target did not answer in time",
    561: "the identity provider failed to sign a user in",
}
_ITS_OWN = {460, 463, 464, 561}
"""Statuses that only the load balancer gives, whatever else an answer shows or hides."""
_HINTS = {
    403: "is this address or request meant to be blocked by the web ACL?",
    404: "is there a listener rule for this host and path?",
    460: "raise --timeout, or see why the application takes so long",
    463: "something on the way adds an address to X-Forwarded-For with every hop: a loop?",
    464: "is the target group's protocol version HTTP2 or GRPC? verify speaks HTTP/1.1",
    502: (
        "does the container listen on the target group's port, and keep connections longer "
        "than the load balancer?"
    ),
    503: "do the service's tasks run and pass the health check? see the service's events",
    504: (
        "is the application stuck, or do security groups block the load balancer's way to "
        "the tasks?"
    ),
    561: (
        "does the listener rule's identity provider work? verify can't sign in: is there a "
        "path without it?"
    ),
}
_COMMON_HINTS = {
    401: "it asks for a credential: give one with --header @FILE, or a path that needs none",
    407: WRONG_CREDENTIALS,
    408: "does something on the way hold requests back?",
    413: "leave out what is large in the request: a value of --header, for example",
    414: "give a shorter --path",
    421: (
        "this connection is not for the name in the request: see --host, --connect-to and --resolve"
    ),
    425: "it takes no early data, which verify never sends: does something on the way?",
    429: (
        "it limits the rate: ask less often, with --interval, fewer --samples, a lower "
        "--concurrency or --rate"
    ),
    431: "leave out what is large in the request: a value of --header, for example",
}
_PAGES = (
    (
        (
            r"(?i)plain HTTP request was sent to HTTPS port|plain HTTP to an "
            r"SSL-enabled|HTTP request to an HTTPS server"
        ),
        "this is an HTTPS port: give the URL with https://, or --scheme https",
    ),
    (
        r"(?i)The SSL certificate error",
        (
            "the server refuses the client certificate of --cert: is its authority in the "
            "server's trust store?"
        ),
    ),
    (
        r"(?i)No required SSL certificate was sent",
        "the server wants a client certificate (mutual TLS): give one with --cert and --key",
    ),
)
"""What servers say with 400: nginx and the load balancer, Apache, and programs in Go such as Caddy.
"""

_START = 4096
"""Characters of a body in which a page says what it is about."""

_REDIRECTS = {301, 302, 303, 307, 308}

_PAGE = (
    r"<html>\s*<head><title>({} "
    r"[^<\n]+)</title></head>\s*<body[^>\n]*>\s*<center><h1>\1</h1></center>\s*"
    r"</body>\s*</html>\s*(?:<!--[^>]*-->\s*)*"
)
"""The load balancer's own page. nginx's is the same but for a rule and its name at the foot."""

_FAULTS = {
    Phase.RESOLVE: ExitCode.NO_NAME,
    Phase.CONNECT: ExitCode.NO_CONNECTION,
    Phase.TLS: ExitCode.NO_TLS,
}


def fault(outcome: Answer | Failure) -> ExitCode | None:
    """Return whose fault a failed request or an unwanted status is; None where that isn't known."""
    if isinstance(outcome, Failure):
        refused = outcome.final and outcome.phase is Phase.TLS
        return ExitCode.BAD_CERTIFICATE if refused else _FAULTS.get(outcome.phase)
    if outcome.status < 400:  # noqa: PLR2004 — HTTP's own boundaries, here and below
        return ExitCode.WRONG_REDIRECT if outcome.status in _REDIRECTS else None
    maker, _ = made_by(outcome)
    if outcome.status < 500 and maker is not ExitCode.BALANCER_ERROR:  # noqa: PLR2004
        return None  # an application may well refuse a request
    return maker


def made_by(error: Answer) -> tuple[ExitCode | None, str]:
    """Return who made an error, None where that is unknown, and the sign it is guessed from."""
    maker, sign = _maker_by_signs(error)
    if error.forwarded and maker is ExitCode.APPLICATION_ERROR:
        return None, ""  # a proxy that forwards requests makes such errors too
    return maker, sign


def _maker_by_signs(error: Answer) -> tuple[ExitCode | None, str]:
    """Guess the maker from the Server header, else from the status, else from the page."""
    server = error.header("server")
    if server:
        return _maker(by_balancer=server.startswith("awselb/")), "the Server header"
    if error.status in _ITS_OWN:
        return ExitCode.BALANCER_ERROR, "the status"
    # A listener may hide the header on every answer. The load balancer's own errors still have its
    # page, except in answers to HEAD.
    if error.body and not error.truncated:
        # A longer body can't be its page, and needn't be decoded.
        is_short = len(error.body) <= _START
        is_page = is_short and re.fullmatch(_PAGE.format(error.status), error.text) is not None
        return _maker(by_balancer=is_page), "the page"
    return None, ""


def _maker(*, by_balancer: bool) -> ExitCode:
    return ExitCode.BALANCER_ERROR if by_balancer else ExitCode.APPLICATION_ERROR


def describe(answer: Answer, show: Show = visible, *, mask_query: bool = False) -> str:
    """Describe a status: who made it, why, and where a redirect points."""
    server = answer.header("server") or ""
    if answer.status >= 400 and made_by(answer)[0] is ExitCode.BALANCER_ERROR:  # noqa: PLR2004
        text = f"{answer.status} from the load balancer"
        reason = _BALANCER_REASONS.get(answer.status)
        return f"{text}: {reason}" if reason else text
    location = answer.header("location")
    if location is not None and answer.status in _REDIRECTS:
        return f"{answer.status} redirect to {shown_url(location, show, mask_query=mask_query)}"
    if server and answer.status >= 400:  # noqa: PLR2004
        return f"{answer.status} from {show(server, 40)}"
    return str(answer.status)


def shown_url(text: str, show: Show, *, mask_query: bool) -> str:
    """Return a URL of an answer, safe to show."""
    url, mark, query = text.partition("?")
    shown = "***" if mark and mask_query else show(query, 120)
    return f"{show(url, 120)}{mark}{shown}"


def excerpt(answer: Answer, mask: Mask) -> str:
    """Return the title or first line of an error's body, safe to show.

    Empty where it has no more than the status.
    """
    text = mask.masked(answer.beginning(_START))[:_START]
    if answer.encoding or answer.status in _REDIRECTS:
        return ""
    if re.fullmatch(_PAGE.format(answer.status), text):
        return ""
    title = re.search(r"(?i)<title[^<>]*>([^<]*)", text)
    lines = [title[1]] if title else text.splitlines()
    phrase = HTTPStatus(answer.status).phrase if answer.status in set(HTTPStatus) else ""
    for line in lines:
        words = " ".join(re.sub(r"<[^<>]*>", " ", line).split())
        if words not in ("", phrase, f"{answer.status} {phrase}"):
            return visible(words, 80)
    return ""


def hint(answer: Answer) -> str:
    """Suggest what to look at first after a status that isn't the wanted one."""
    if answer.status < 400:  # noqa: PLR2004
        return _hint_below_errors(answer)
    if answer.status == HTTPStatus.BAD_REQUEST:
        start = answer.beginning(_START)
        for words, advice in _PAGES:
            if re.search(words, start):
                return advice
    wait, advice = retry_after(answer), _error_hint(answer)
    return f"it asks to wait {wait:.0f} s; {advice}" if wait else advice


def _error_hint(answer: Answer) -> str:
    maker, sign = made_by(answer)
    common = _COMMON_HINTS.get(answer.status, "")
    if maker is ExitCode.BALANCER_ERROR:
        advice = (
            _HINTS.get(answer.status) or common or "is there an incident of the load balancer's?"
        )
        return f"{advice} (guessed from {sign})"
    if answer.status < 500:  # noqa: PLR2004
        return common or "is this the right host and path, and the right version?"
    if maker:
        return f"a target answered this, so the application's log says why (guessed from {sign})"
    if answer.forwarded:
        return "the proxy or the application made this: see the proxy's log, or ask without --proxy"
    return (
        "neither header nor page tells who made this: see the service's events, then the "
        "application's log"
    )


def _hint_below_errors(answer: Answer) -> str:
    if answer.status == HTTPStatus.NOT_MODIFIED:
        return (
            "leave out the headers If-None-Match and If-Modified-Since, or accept it with "
            "--status 304"
        )
    if answer.status not in _REDIRECTS:
        return ""
    location = answer.header("location")
    if not location:
        return "a redirect without a Location header has no target: see what made it"
    if _points_back(answer.url, location):
        return (
            "it points back to the requested URL: does it wait for a cookie, or, behind a load "
            "balancer that ends TLS, for X-Forwarded-Proto?"
        )
    return "give the redirect's target to verify, or accept it with --status"


def _points_back(requested: str, location: str) -> bool:
    try:
        return _parts(urljoin(requested, location)) == _parts(requested)
    except ValueError:
        return False


def _parts(url: str) -> tuple[object, ...]:
    """Return the parts of a URL by which two URLs are compared."""
    parts = urlsplit(url)
    return (
        parts.scheme,
        parts.hostname,
        parts.port or DEFAULT_PORTS.get(parts.scheme),
        parts.path or "/",
        parts.query,
    )


def retry_after(answer: Answer, now: datetime | None = None) -> float:
    """Return the seconds of the Retry-After header; 0 without one, or where it is invalid."""
    value = (answer.header("retry-after") or "").strip()
    if not value:
        return 0.0
    if value.isascii() and value.isdigit():
        return float(value[:9])
    # Costs 6 ms, and few answers have a date there
    from email.utils import parsedate_to_datetime  # noqa: PLC0415

    try:
        wait = parsedate_to_datetime(value) - (now or datetime.now(UTC))
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return max(0.0, wait.total_seconds())
