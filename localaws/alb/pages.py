"""The answers that an ALB gives by itself."""

from __future__ import annotations

from http import HTTPStatus

SERVER = "awselb/2.0"

_NAMES = {503: "Service Temporarily Unavailable", 504: "Gateway Time-out"}


def page(status: int) -> str:
    """The small HTML page that comes with a status."""
    title = f"{status} {_NAMES.get(status) or HTTPStatus(status).phrase}"
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n"
        f"<body>\r\n<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    )
