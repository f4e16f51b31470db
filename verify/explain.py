"""Whose answer it is, and what it means. From outside this is a heuristic: the Server header tells."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from verify.escaping import visible
from verify.outcome import Answer

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


def describe(answer: Answer, *, mask_query: bool = False) -> str:
    """A status in words: who made it, why, and where a redirect points."""
    server = answer.header("server") or ""
    if answer.status >= 400 and server.startswith("awselb/"):  # noqa: PLR2004 — HTTP's own boundary
        reason = _LOAD_BALANCER_SAYS.get(answer.status, "")
        return f"{answer.status} from the load balancer{reason and f': {reason}'}"
    location = answer.header("location")
    if location is not None and 300 <= answer.status < 400:  # noqa: PLR2004
        place, mark, query = location.partition("?")
        return f"{answer.status} redirect to {visible(place)}{mark}{'***' if mark and mask_query else visible(query)}"
    return f"{answer.status}{f' from {visible(server, 40)}' if server and answer.status >= 400 else ''}"  # noqa: PLR2004


def hint(answer: Answer) -> str:
    """What to look at first after a status that isn't the wanted one."""
    if 300 <= answer.status < 400:  # noqa: PLR2004
        return "give the redirect's target to verify, or accept it with --status"
    if (answer.header("server") or "").startswith("awselb/"):
        told = _HINTS.get(answer.status, "is there an incident of the load balancer's?")
        return f"{told} (guessed from the Server header)"
    if answer.status >= 500:  # noqa: PLR2004
        return "a target answered this, so the application's log says why (guessed from the Server header)"
    return "is this the right host and path, and the right version?" if answer.status >= 400 else ""  # noqa: PLR2004


def retry_after(answer: Answer, now: datetime | None = None) -> float:
    """Seconds that the answer asks to wait; 0 when it asks nothing, or nonsense."""
    value = (answer.header("retry-after") or "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, (parsedate_to_datetime(value) - (now or datetime.now(UTC))).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return 0.0
