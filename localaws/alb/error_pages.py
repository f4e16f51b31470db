"""The answers that an ALB gives by itself."""

from __future__ import annotations

from http import HTTPStatus

SERVER = "awselb/2.0"

_NAMES = {
    401: "Authorization Required",
    408: "Request Time-out",
    414: "Request-URI Too Large",
    463: "",
    464: "",
    561: "",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
}


def page(status: int) -> str:
    """Return the small HTML page that comes with a status."""
    name = _NAMES[status] if status in _NAMES else HTTPStatus(status).phrase
    title = f"{status} {name}".rstrip()
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n"
        f"<body>\r\n<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    )
