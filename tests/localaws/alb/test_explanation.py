"""The explanation of a request agrees with what Envoy does, and says why a rule doesn't match."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from localaws.alb import model
from localaws.alb.explanation import CannotExplain, Request, Rule, described, explain
from tests.examples import examples
from tests.localaws.alb.conftest import started_alb
from tests.localaws.http_client import plain_client

if TYPE_CHECKING:
    from collections.abc import Sequence

CLIENT = "127.0.0.1"
Ask = Callable[[str, str, dict[str, str]], Awaitable[str]]
"""Sends a request of a method, a path and headers, and returns the answer's text."""

CONDITIONS: list[list[dict[str, Any]]] = [
    [{"pathPattern": {"values": ["/api/v2/*", "/v?"]}}],
    [{"hostHeader": {"values": ["*.example.com"]}}, {"pathPattern": {"values": ["/a*"]}}],
    [{"httpHeader": {"httpHeaderName": "X-Team", "values": ["blue*"]}}],
    [{"queryStrings": [{"key": "who", "value": "me"}, {"value": "you?"}]}],
    [{"httpRequestMethod": {"values": ["PUT", "POST"]}}],
    [{"sourceIp": {"values": ["10.0.0.0/8"]}}],
    [{"pathPattern": {"regexValues": ["/r[0-9]+"]}}],
    [{"sourceIp": {"values": ["127.0.0.0/8"]}}, {"pathPattern": {"values": ["/both"]}}],
]
RULES = [
    Rule(f"rule-{number}", number, conditions, [{"type": "fixed-response"}])
    for number, conditions in enumerate(CONDITIONS, 1)
]
RULES.append(Rule("default", None, (), [{"type": "fixed-response"}]))

REQUESTS = st.tuples(
    st.sampled_from(["GET", "PUT", "POST"]),
    st.sampled_from(
        ["/", "/api/v2/x", "/API/v2/x", "/api/v2", "/v1", "/v12", "/a", "/abc/d", "/both", "/r12"]
    ),
    st.sampled_from(["", "?who=me", "?WHO=Me&x=1", "?x=youu", "?who=us", "?/api/v2/x"]),
    st.sampled_from(["example.com", "shop.example.com", "SHOP.Example.COM"]),
    st.sampled_from([None, "blue", "BLUEISH", "red"]),
)


def answering(rules: Sequence[Rule], request: Request) -> str:
    tried = explain(rules, request)
    assert [each.matches for each in tried[:-1]] == [False] * (len(tried) - 1)
    assert tried[-1].matches
    return tried[-1].rule.name


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def envoy_answer(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ask]:
    """What sends a request to an Envoy with `RULES`, each of which answers with its name."""
    rules = []
    for rule in RULES:
        fixed = {"contentType": "text/plain", "statusCode": "200", "messageBody": rule.name}
        action = {"type": "fixed-response", "fixedResponse": fixed}
        rules.append(model.Rule(conditions=rule.conditions, actions=[action]))
    directory = tmp_path_factory.mktemp("explanation")
    async with started_alb(directory) as alb, plain_client() as client:
        await alb.apply(rules, {})

        async def ask(method: str, path: str, headers: dict[str, str]) -> str:
            return (await client.request(method, f"{alb.url}{path}", headers=headers)).text

        yield ask


@pytest.mark.slow  # a real Envoy
@pytest.mark.asyncio(loop_scope="module")
@examples(60)
@given(drawn=REQUESTS)
async def test_envoy_answers_by_the_rule_that_the_explanation_names(
    envoy_answer: Ask, drawn: tuple[str, str, str, str, str | None]
) -> None:
    method, path, query, host, team = drawn
    named = {} if team is None else {"X-Team": team}
    request = Request.of(
        f"http://{host}{path}{query}",
        method=method,
        headers=[f"{name}: {value}" for name, value in named.items()],
        source=CLIENT,
    )
    expected = answering(RULES, request)
    assert await envoy_answer(method, path + query, {"Host": host, **named}) == expected


def reasons(*conditions: dict[str, Any], url: str = "http://a.test/x", **request: Any) -> list[str]:
    rules = [Rule("r", 1, conditions, [{"type": "forward"}]), RULES[-1]]
    explained = {"method": "GET", "source": "203.0.113.1", **request}
    return list(explain(rules, Request.of(url, **explained))[0].reasons)


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ({"pathPattern": {"values": ["/y", "/z*"]}}, "path is /y or /z*: it is /x"),
        ({"pathPattern": {"regexValues": ["/y"]}}, "path is //y/: it is /x"),
        ({"hostHeader": {"values": ["b.test"]}}, "host is b.test: it is a.test"),
        ({"httpRequestMethod": {"values": ["PUT"]}}, "method is PUT: it is GET"),
        ({"sourceIp": {"values": ["10.0.0.0/8"]}}, "source is 10.0.0.0/8: it is 203.0.113.1"),
        (
            {"httpHeader": {"httpHeaderName": "X-A", "values": ["1"]}},
            "header X-A is 1: the request has no such header",
        ),
        ({"queryStrings": [{"key": "a", "value": "1"}]}, "query has a=1: there is none"),
    ],
)
def test_each_condition_that_is_not_met_is_a_reason(condition: dict[str, Any], reason: str) -> None:
    assert reasons(condition) == [reason]


def test_all_conditions_that_are_not_met_are_reasons_with_what_the_request_has() -> None:
    assert reasons(
        {"queryStrings": [{"value": "1"}]},
        {"httpHeader": {"httpHeaderName": "X-A", "values": ["1"]}},
        {"pathPattern": {"values": ["/x"]}},
        url="http://a.test/x?b=2",
        headers=["x-a: 2"],
    ) == ["query has 1: it is 'b=2'", "header X-A is 1: it is '2'"]
    assert described(()) == "every request"


def test_a_urls_path_and_query_are_taken_as_they_are() -> None:
    request = Request.of("https://A.test:8443?b=%2F", method="GET", source=CLIENT)
    assert (request.host, request.port, request.path) == ("a.test", 8443, "/?b=%2F")
    assert request.url == "https://a.test:8443/?b=%2F"
    assert Request.of("http://a.test:80/", method="GET", source=CLIENT).url == "http://a.test/"


@pytest.mark.parametrize(
    ("url", "given_options", "message"),
    [
        ("shop.example.com/api", {}, "give an absolute URL, like https://"),
        ("ftp://shop.example.com", {}, "give an absolute URL"),
        ("http:///api", {}, "give an absolute URL"),
        ("http://a.test/a b", {}, "a URL has no spaces"),
        ("http://a.test:x/", {}, "http://a.test:x/: give a port from 1 to 65535"),
        ("http://me:secret@a.test/", {}, "has no user and no password"),
        ("http://a.test/", {"method": "get"}, "--method get: give a method in capitals"),
        ("http://a.test/", {"source": "::1"}, "--source-ip ::1: give an IPv4 address"),
        (
            "http://a.test/",
            {"source": "10.1.1.256"},
            "--source-ip 10.1.1.256: give an IPv4 address",
        ),
        ("http://a.test/", {"source": "010.1.1.1"}, "--source-ip 010.1.1.1: give an IPv4 address"),
        ("http://a.test/", {"source": "10.1.1"}, "--source-ip 10.1.1: give an IPv4 address"),
        ("http://a.test/", {"headers": ["X-Team"]}, "give a name and a value"),
        ("http://a.test/", {"headers": ["Host: b"]}, "--header Host: the URL has the host"),
        ("http://a.test/", {"headers": ["A: 1", "a: 2"]}, "--header a: give each header once"),
    ],
)
def test_a_request_that_cannot_be_sent_is_refused_with_what_to_do(
    url: str, given_options: dict[str, Any], message: str
) -> None:
    options: dict[str, Any] = {"method": "GET", "source": CLIENT, **given_options}
    with pytest.raises(CannotExplain) as refusal:
        Request.of(url, **options)
    assert message in str(refusal.value)
    assert "secret" not in str(refusal.value)


def test_an_expression_that_python_cannot_evaluate_is_an_error_instead_of_a_guess() -> None:
    with pytest.raises(CannotExplain, match="isn't one that can be tried here"):
        reasons({"pathPattern": {"regexValues": [r"(?U)/a"]}})
