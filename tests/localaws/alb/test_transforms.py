"""What a real Envoy does with listener rules' transforms."""

from __future__ import annotations

from typing import Any

import pytest

from localaws.alb.model import Rule
from tests.localaws.alb.conftest import GROUP, Alb, forward, raw
from tests.localaws.catalog.test_regexes import GOOD


def url(regex: str, replace: str) -> dict[str, Any]:
    return {
        "type": "url-rewrite",
        "urlRewriteConfig": {"rewrite": {"regex": regex, "replace": replace}},
    }


def host(regex: str, replace: str) -> dict[str, Any]:
    return {
        "type": "host-header-rewrite",
        "hostHeaderRewriteConfig": {"rewrite": {"regex": regex, "replace": replace}},
    }


def rule(path: str, *transforms: dict[str, Any], **action: Any) -> Rule:
    return Rule(
        conditions=[{"pathPattern": {"values": [path]}}],
        actions=[action or {"type": "forward", "targetGroupArn": GROUP}],
        transforms=transforms,
    )


RULES = [
    rule(
        "/dp/*",
        url("^/dp/([A-Za-z0-9]+)/?", "/product.php?id=$1"),
        host("^my-(.+).com$", "internal.$1.example"),
    ),
    rule("/api*", url("^/api", "")),
    rule("/order", url(r"a=(\d+)&b=(\d+)", r"b=$2&a=$1&c=\$")),
    rule("/many/*", url("o", "0")),
    rule("/bad/*", host("^.*$", "not a host")),
    rule(
        "/gone",
        url("^/gone", ""),
        type="redirect",
        redirect={"statusCode": "HTTP_301", "path": "/here"},
    ),
    forward((GROUP, 1)),
]


async def test_a_target_gets_the_request_that_a_transform_makes(alb: Alb) -> None:
    target = await alb.target()
    await alb.apply(RULES, {GROUP: [target]})
    await alb.healthy(1)

    async def asked(path: str, host: str = "a.test", *headers: str) -> tuple[str, str, str]:
        lines = (
            f"GET {path} HTTP/1.1",
            f"Host: {host}",
            "Connection: close",
            *headers,
            "",
            "",
        )
        status, rest = await raw(alb, "\r\n".join(lines))
        found = f'"host": "{host}"' in rest
        return status.split()[1], (target.requests or [""])[-1], host if found else rest

    status, line, seen = await asked("/dp/B09G/?ref=x", "my-shop.com")
    assert (status, line) == ("200", "GET /product.php?id=B09G?ref=x HTTP/1.1"), (
        "the query is the URL's too"
    )
    assert '"host": "internal.shop.example"' in seen
    assert "localaws" not in seen

    assert await asked("/dp/") == ("200", "GET /dp/ HTTP/1.1", "a.test"), (
        "without a match all stays as it is"
    )
    assert await asked("/dp/B1", "your-shop.com") == (
        "200",
        "GET /product.php?id=B1 HTTP/1.1",
        "your-shop.com",
    )
    assert (await asked("/api/v1?x"))[1] == "GET /v1?x HTTP/1.1"
    assert (await asked("/order?a=1&b=2"))[1] == r"GET /order?b=2&a=1&c=\$ HTTP/1.1"
    assert (await asked("/many/foo"))[1] == "GET /many/f00 HTTP/1.1"

    large = [f"X-{number}: {'a' * 9000}" for number in range(2)]
    assert (await asked("/api/large", "a.test", *large))[1] == "GET /large HTTP/1.1"
    assert (await asked("/dpx"))[1] == "GET /dpx HTTP/1.1", "other rules' requests stay as they are"


@pytest.mark.slow  # a real Envoy
async def test_a_transform_that_fails_is_answered_with_500_and_one_of_a_redirect_does_nothing(
    alb: Alb,
) -> None:
    await alb.apply(RULES, {GROUP: [target := await alb.target()]})
    await alb.healthy(1)
    for path, status, part in (
        ("/api", "500", "500 Internal Server Error"),
        ("/apis", "500", "500 Internal Server Error"),
        ("/bad/x", "500", "500 Internal Server Error"),
        ("/gone", "301", "/here\r\n"),
    ):
        found, rest = await raw(
            alb, f"GET {path} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"
        )
        assert (found.split()[1], part in rest, "server: awselb/2.0" in rest) == (
            status,
            True,
            True,
        )
    assert target.requests == []


async def test_envoy_takes_every_expression_that_the_catalog_takes(alb: Alb) -> None:
    rules = [rule("/a", url(regex, "/$1" if groups else "/")) for regex, groups in GOOD.items()]
    await alb.apply([*rules, forward((GROUP, 1))], {GROUP: []})


async def test_a_rule_may_have_expressions_and_patterns_as_long_as_aws_takes_them(alb: Alb) -> None:
    patterns = {"values": [f"/{number}{'a' * 126}" for number in range(5)]}
    to_target = [{"type": "forward", "targetGroupArn": GROUP}]
    long = Rule(
        conditions=[{"pathPattern": patterns}],
        actions=to_target,
        transforms=[url(f"^/{'a' * 1022}", f"/{'b' * 1023}")],
    )
    await alb.apply([long, forward((GROUP, 1))], {GROUP: []})
