"""What a real Envoy does with listener rules' transforms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from localaws.alb.model import Rule
from tests.localaws.alb.conftest import GROUP, Alb, forward, raw
from tests.localaws.alb.url_rewrites import url
from tests.localaws.catalog.regex_cases import GOOD

if TYPE_CHECKING:
    import httpx

pytestmark = pytest.mark.slow  # a real Envoy


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


async def test_a_target_gets_the_request_that_a_transform_makes(
    alb: Alb, client: httpx.AsyncClient
) -> None:
    await alb.apply(RULES, {GROUP: [await alb.target()]})
    await alb.healthy(1)

    async def seen(path: str, host: str = "a.test", **headers: str) -> tuple[str, str]:
        """Return the path and the host that the target got."""
        answer = await client.get(f"{alb.url}{path}", headers={"Host": host, **headers})
        assert answer.status_code == 200
        assert "localaws" not in answer.text
        assert "localaws" not in str(answer.headers)
        _method, target_path, _version = answer.json()["request"].split()
        return target_path, answer.json()["headers"]["host"]

    assert await seen("/dp/B09G/?ref=x", "my-shop.com") == (
        "/product.php?id=B09G?ref=x",  # the query belongs to the URL too
        "internal.shop.example",
    )
    assert await seen("/dp/") == ("/dp/", "a.test"), "nothing matches, so nothing changes"
    assert await seen("/dp/B1", "your-shop.com") == ("/product.php?id=B1", "your-shop.com")
    for path, expected in (
        ("/api/v1?x", "/v1?x"),
        ("/order?a=1&b=2", r"/order?b=2&a=1&c=\$"),
        ("/many/foo", "/many/f00"),
        ("/dpx", "/dpx"),  # of another rule
    ):
        target_path, _ = await seen(path)
        assert target_path == expected

    large = {f"X-{number}": "a" * 9000 for number in range(2)}
    target_path, _ = await seen("/api/large", **large)
    assert target_path == "/large"


async def test_a_transform_that_fails_is_answered_with_500_and_one_of_a_redirect_does_nothing(
    alb: Alb,
) -> None:
    target = await alb.target()
    await alb.apply(RULES, {GROUP: [target]})
    await alb.healthy(1)
    for path, status, part in (
        ("/api", "500", "500 Internal Server Error"),
        ("/apis", "500", "500 Internal Server Error"),
        ("/bad/x", "500", "500 Internal Server Error"),
        ("/gone", "301", "/here\r\n"),
    ):
        code, rest = await raw(
            alb, f"GET {path} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"
        )
        assert code == status
        assert part in rest
        assert "server: awselb/2.0" in rest
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
