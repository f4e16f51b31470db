"""What a real Envoy does for groups and rules with stickiness."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import httpx
import pytest

from localaws.alb.model import Rule
from localaws.alb.parts import cluster_name
from localaws.alb.stickiness import Stickiness, read
from tests.localaws.alb.conftest import GROUP, OTHER, Alb, Echo, forward, raw
from tests.localaws.alb.url_rewrites import url
from tests.localaws.http_client import plain_client
from tests.localaws.waiting import eventually

pytestmark = pytest.mark.slow  # a real Envoy

CHROME = "Mozilla/5.0 (X11) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"


FORGED = f"{cluster_name(GROUP)} 9999999999 nonsense\n".encode().hex().upper()


def set_cookies(answer: httpx.Response) -> dict[str, str]:
    """Return the attributes of each cookie that an answer sets, without its value and date."""
    found = {}
    for line in answer.headers.get_list("set-cookie"):
        first, *attributes = line.split("; ")
        name = first.partition("=")[0]
        kept = [each for each in attributes if not each.startswith("Expires=")]
        found[name] = "; ".join(kept)
    return found


def seconds_left(answer: httpx.Response, name: str) -> float:
    """Return for how long a cookie of an answer lasts, from the answer's own Date."""
    (line,) = (
        each for each in answer.headers.get_list("set-cookie") if each.startswith(f"{name}=")
    )
    expires = line.partition("Expires=")[2].partition(";")[0]
    now = parsedate_to_datetime(answer.headers["date"])
    return (parsedate_to_datetime(expires) - now).total_seconds()


def cookie_of(answer: httpx.Response, name: str) -> str:
    """Return a cookie that an answer sets as a request sends it, whether it has expired or not."""
    for line in answer.headers.get_list("set-cookie"):
        if line.startswith(f"{name}="):
            return str(line.partition(";")[0])
    pytest.fail(f"the answer sets no cookie {name}")


async def get_as_new_client(url: str, cookie: str = "") -> httpx.Response:
    """Request a page as a client that has this cookie only."""
    # To read authorities takes longer than the request.
    async with httpx.AsyncClient(verify=False) as client:
        return await client.get(url, headers={"Cookie": cookie} if cookie else {})


async def targets_of(client: httpx.AsyncClient, url: str, count: int = 6) -> set[str]:
    return {(await client.get(url)).json()["target"] for _ in range(count)}


async def test_a_client_stays_at_its_target_until_that_fails_goes_or_the_cookie_ends(
    alb: Alb,
) -> None:
    echoes = [await alb.target() for _ in range(3)]
    await _lb_cookie(alb, echoes)
    await _app_cookie(alb, echoes)


async def _lb_cookie(alb: Alb, echoes: list[Echo]) -> None:
    alb.attributes[GROUP] = {"stickiness": Stickiness(duration=600)}
    rules = [forward((GROUP, 1))]
    await alb.apply(rules, {GROUP: echoes})
    await alb.healthy(3)
    async with plain_client() as client:
        first = await client.get(alb.url)
        assert set_cookies(first) == {"AWSALB": "Path=/", "AWSALBCORS": "Path=/; SameSite=None"}
        assert 598 <= seconds_left(first, "AWSALB") <= 601
        assert "x-localaws-target" not in first.headers
        target = first.json()["target"]
        assert await targets_of(client, alb.url) == {target}
        again = await client.get(alb.url)
        assert set_cookies(again) == set_cookies(first), "each answer sets them anew"

        # The cookie of another site's page does it too; a wrong one doesn't.
        value = client.cookies["AWSALB"]
        for cookie, expected in (
            (f"AWSALBCORS={value}", {target}),
            (f"a=b; AWSALB={value}; c=d", {target}),
            (f"XAWSALB={value}", {each.address for each in echoes}),
            ("AWSALB=nonsense", {each.address for each in echoes}),
            (f"AWSALB={FORGED}", {each.address for each in echoes}),
        ):
            found = set()
            for _ in range(6):
                answer = await get_as_new_client(alb.url, cookie)
                found.add(answer.json()["target"])
                assert "AWSALB" in set_cookies(answer)
            assert found == expected, cookie

        # A target that fails, and one that is deregistered.
        (own,) = (each for each in echoes if each.address == target)
        own.status = 500
        await alb.healthy(2)
        (next_target,) = await targets_of(client, alb.url)
        assert next_target != target
        own.status = 200
        await alb.healthy(3)
        assert await targets_of(client, alb.url) == {next_target}, "the cookie names the new one"
        rest = [each for each in echoes if each.address != next_target]
        await alb.apply(rules, {GROUP: rest})
        (last,) = await targets_of(client, alb.url)
        assert last != next_target

    alb.attributes[GROUP] = {"stickiness": Stickiness(duration=1)}
    await alb.apply(rules, {GROUP: echoes})
    await alb.healthy(3)
    # On a busy machine it may have expired before a client stores it.
    cookie = cookie_of(await get_as_new_client(alb.url), "AWSALB")

    async def ended() -> bool:
        found = {(await get_as_new_client(alb.url, cookie)).json()["target"] for _ in range(3)}
        return len(found) > 1

    await eventually(ended, "the end of a session whose client kept the cookie", time_limit=4)


async def _app_cookie(alb: Alb, echoes: list[Echo]) -> None:
    alb.attributes[GROUP] = {"stickiness": Stickiness(duration=600, cookie="my-session.1")}
    await alb.apply([forward((GROUP, 1))], {GROUP: echoes})
    await alb.healthy(3)
    async with plain_client() as client:
        assert set_cookies(await client.get(alb.url)) == {}
        assert len(await targets_of(client, alb.url)) == 3, "no cookie of the application yet"

        for echo in echoes:
            echo.more_headers = "Set-Cookie: my-session.1=a; Path=/\r\n"
        first = await client.get(alb.url)
        assert set_cookies(first) == {"my-session.1": "Path=/", "AWSALBAPP-0": "Path=/"}
        assert 604798 <= seconds_left(first, "AWSALBAPP-0") <= 604801
        target = first.json()["target"]
        for echo in echoes:
            echo.more_headers = ""
        assert await targets_of(client, alb.url) == {target}
        again = await client.get(alb.url, headers={"User-Agent": CHROME})
        assert set_cookies(again) == {"AWSALBAPP-0": "Path=/; SameSite=None; Secure"}, (
            "set anew as long as the client has both"
        )
        value = first.cookies["AWSALBAPP-0"]
        found = set()
        for _ in range(6):
            answer = await get_as_new_client(alb.url, f"AWSALBAPP-0={value}")
            found.add(answer.json()["target"])
            assert set_cookies(answer) == {}
        assert len(found) == 3, "both cookies are needed"


async def test_a_client_stays_at_its_group_of_a_rule_that_forwards_to_several(
    alb: Alb, client: httpx.AsyncClient
) -> None:
    web = [await alb.target(), await alb.target()]
    other = [await alb.target()]
    groups = {
        "targetGroups": [{"arn": GROUP, "weight": 1}, {"arn": OTHER, "weight": 1}],
        "stickiness": {"enabled": True, "duration": 60},
    }
    rule = Rule(
        actions=[{"type": "forward", "forward": groups}],
        conditions=[{"pathPattern": {"values": ["/both*"]}}],
        transforms=[url("^/both", "/rewritten")],
    )
    alb.attributes[GROUP] = {"stickiness": Stickiness()}
    await alb.apply([rule, forward((OTHER, 1))], {GROUP: web, OTHER: other})
    await alb.healthy(2)
    await alb.healthy(1, OTHER)
    both_groups = f"{alb.url}/both"

    cookies: dict[str, set[str]] = {}  # by target
    for _ in range(40):
        answer = await get_as_new_client(both_groups)
        target = answer.json()["target"]
        kept = "; ".join(f"{name}={value}" for name, value in answer.cookies.items())
        for _ in range(3):
            again = await get_as_new_client(both_groups, kept)
            assert again.json()["target"] == target
        cookies.setdefault(target, set()).update(set_cookies(answer))
        if len(cookies) == 3:
            break
    of_group, of_target = {"AWSALBTG", "AWSALBTGCORS"}, {"AWSALB", "AWSALBCORS"}
    assert cookies == {
        web[0].address: of_group | of_target,
        web[1].address: of_group | of_target,
        other[0].address: of_group,
    }
    answer = await client.get(both_groups)
    assert answer.json()["request"] == "GET /rewritten HTTP/1.1"
    assert 58 <= seconds_left(answer, "AWSALBTG") <= 61
    assert set_cookies(answer)["AWSALBTGCORS"] == "Path=/; SameSite=None"
    elsewhere = await client.get(f"{alb.url}/")
    assert elsewhere.json()["target"] == other[0].address
    assert set_cookies(elsewhere) == {}, "other rules' clients get no cookie"

    lines = [f"X-{number}: {'a' * 9000}" for number in range(2)]
    head = "\r\n".join(["GET /both HTTP/1.1", "Host: a", "Connection: close", *lines])
    _, large = await raw(alb, f"{head}\r\n\r\n")
    assert "set-cookie: AWSALBTG=" in large, "so do clients that send many headers"


def test_a_groups_stickiness_is_read_from_its_attributes() -> None:
    assert read({}) is None
    assert read({"stickiness": {"type": "lb_cookie", "enabled": False}}) is None
    assert read({"stickiness": {"type": "lb_cookie", "cookieName": "unused"}}) == Stickiness(
        duration=86400
    )
    app = {"type": "app_cookie", "cookieName": "session", "cookieDuration": 5.0, "enabled": True}
    assert read({"stickiness": app}) == Stickiness(duration=5, cookie="session")
