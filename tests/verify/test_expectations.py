"""Expectations of an answer's security headers."""

import pytest

from tests.verify.outcomes import answer
from verify.cli.parser import parse_options
from verify.judging.expectations import expectations
from verify.network.outcome import TlsSeen

TLS = TlsSeen("TLSv1.3", ("a.example",), 90.0)
SAFE = {
    "strict_transport_security": "max-age=31536000; includeSubDomains",
    "x_content_type_options": "nosniff",
    "x_frame_options": "DENY",
    "server": "nginx",
}


def unmet_by(headers: dict[str, str], tls: TlsSeen | None = TLS) -> dict[str, str]:
    """Return what an answer with these headers has instead of each unmet expectation."""
    found = answer(200, b"", tls, **headers)
    unmet: dict[str, str] = {}
    for each in expectations(parse_options(["--security-headers"])):
        if not each.holds(found):
            unmet[each.id] = each.seen(found)
    return unmet


def test_safe_headers_pass() -> None:
    assert unmet_by(SAFE) == {}
    assert unmet_by({**SAFE, "server": "awselb/2.0"}) == {}, (
        "the load balancer's name is the same everywhere"
    )


def test_an_answer_without_them_fails_each_check() -> None:
    assert unmet_by({}) == {
        "hsts": "no Strict-Transport-Security",
        "nosniff": "no X-Content-Type-Options",
        "framing": "no Content-Security-Policy or X-Frame-Options",
    }


@pytest.mark.parametrize(
    ("name", "value", "identifier"),
    [
        ("strict_transport_security", "max-age=0", "hsts"),
        ("strict_transport_security", "includeSubDomains", "hsts"),
        ("x_content_type_options", "none", "nosniff"),
        ("x_frame_options", "ALLOWALL", "framing"),
        ("server", "nginx/1.27.3", "versions"),
        ("x_powered_by", "PHP", "versions"),
    ],
)
def test_a_weak_header_fails_its_check_and_is_shown(name: str, value: str, identifier: str) -> None:
    found = unmet_by({**SAFE, name: value})
    assert list(found) == [identifier]
    assert value in found[identifier]


def test_a_framing_rule_may_be_in_the_content_security_policy() -> None:
    rest = {name: value for name, value in SAFE.items() if name != "x_frame_options"}
    policy = "default-src 'self'; frame-ancestors 'none'"
    assert unmet_by({**rest, "content_security_policy": policy}) == {}


def test_plain_http_cannot_promise_https() -> None:
    rest = {name: value for name, value in SAFE.items() if name != "strict_transport_security"}
    assert unmet_by(rest, tls=None) == {}
