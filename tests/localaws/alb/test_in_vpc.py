"""A load balancer in a VPC: logins, checks of gRPC and stickiness cross its security groups."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from localaws.alb.certificate_files import authority_file
from localaws.daemon.data_plane import data_plane
from localaws.daemon.runtime_choice import Choice, Runtime
from localaws.machine import isolation
from localaws.machine.addresses import Addresses
from localaws.machine.isolation import Isolation
from localaws.machine.programs import find
from localaws.machine.stream_server import StreamServer
from tests.localaws.alb.conftest import Echo, https_url, server_context
from tests.localaws.alb.http_2_server import serve_http_2
from tests.localaws.alb.identity_provider import USER, IdentityProvider, Seen
from tests.localaws.vpc.records import ANYWHERE, Records
from tests.localaws.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from localaws.daemon.data_plane import DataPlane
    from localaws.machine.addresses import ListenAddress

pytestmark = [
    pytest.mark.slow,  # real namespaces and a real Envoy
    pytest.mark.skipif(find("nft") is None, reason="needs nft, which set-up gets"),
]

CHECK = {"interval": 5, "timeout": 2, "healthyThreshold": 2, "unhealthyThreshold": 2}
TARGETS = ("10.0.0.50", "10.0.1.50")
GRPC_TARGET, PROVIDER = "10.0.0.60", "10.0.1.70"


class Shop(Records):
    """Two sticky targets behind a login, a target of gRPC, and a provider in the same VPC."""

    def __init__(self) -> None:
        super().__init__()
        vpc = self.vpc()
        gateway, table = self.internet_gateway(vpc), self.table(vpc)
        self.route(table, "0.0.0.0/0", gatewayId=gateway.id)
        self.subnets = [
            self.subnet(vpc, f"10.0.{number}.0/24", table, zone=zone)
            for number, zone in enumerate("ab")
        ]
        self.edge, self.inside = self.group(vpc, "edge"), self.group(vpc, "inside")
        self.ingress(self.edge, fromPort=443, toPort=443, **ANYWHERE)
        for port in (80, 443):
            inside = {"referencedSecurityGroupId": self.inside.id}
            self.egress(self.edge, fromPort=port, toPort=port, **inside)
            outside = {"referencedSecurityGroupId": self.edge.id}
            self.ingress(self.inside, fromPort=port, toPort=port, **outside)
        self.balancer = self.make(
            "aws:lb/loadBalancer:LoadBalancer",
            name="shop",
            subnets=[each.id for each in self.subnets],
            securityGroups=[self.edge.id],
        )
        zone = self.make("aws:route53/zone:Zone", name="shop.test", vpcs=[{"vpcId": vpc.id}])
        self.make(
            "aws:route53/record:Record",
            zoneId=zone.id,
            name="login.shop.test",
            type="A",
            ttl=60,
            records=[PROVIDER],
        )
        common = {"port": 80, "protocol": "HTTP", "targetType": "ip", "vpcId": vpc.id}
        self.web = self.make(
            "aws:lb/targetGroup:TargetGroup",
            name="web",
            **common,
            healthCheck=CHECK,
            stickiness={"type": "lb_cookie"},
        )
        self.calls = self.make(
            "aws:lb/targetGroup:TargetGroup",
            name="calls",
            **common,
            protocolVersion="GRPC",
            healthCheck={**CHECK, "matcher": "0-99", "path": "/AWS.ALB/healthcheck"},
        )
        for group, targets in ((self.web, TARGETS), (self.calls, [GRPC_TARGET])):
            for target in targets:
                self.make(
                    "aws:lb/targetGroupAttachment:TargetGroupAttachment",
                    targetGroupArn=group.id,
                    targetId=target,
                )

    def listen(self, config: dict[str, Any]) -> None:
        login = {"type": "authenticate-oidc", "authenticateOidc": config}
        listener = self.make(
            "aws:lb/listener:Listener",
            loadBalancerArn=self.balancer.id,
            port=443,
            protocol="HTTPS",
            certificateArn="arn:aws:acm:eu-west-1:123456789012:certificate/beforehand",
            defaultActions=[login, {"type": "forward", "targetGroupArn": self.web.id}],
        )
        self.make(
            "aws:lb/listenerRule:ListenerRule",
            listenerArn=listener.id,
            priority=1,
            conditions=[{"pathPattern": {"values": ["/calls.*"]}}],
            actions=[{"type": "forward", "targetGroupArn": self.calls.id}],
        )


async def test_a_load_balancer_in_a_vpc_logs_users_in_by_its_names_and_checks_grpc(
    tmp_path: Path,
) -> None:
    found = isolation.find()
    assert found.isolation is not Isolation.NONE, f"no containers here: {dict(found.why_not)}"
    shop = Shop()
    addresses = Addresses(tmp_path)
    plane = data_plane(
        shop.cloud,
        tmp_path,
        parameters=lambda _: None,
        addresses=addresses,
        speed=10,
        choice=Choice(Runtime.CONTAINER, found.isolation),
    )
    await plane.start()
    try:
        await plane.settle_network(timeout=30)
        served = await asyncio.to_thread(server_context, tmp_path, "login.shop.test")

        async def listening(address: str, port: int) -> socket.socket:
            assert plane.attachments is not None
            subnet = shop.subnets[int(address.split(".")[2])]
            interface = await plane.attachments.attach(
                f"eni-{address}", subnet=subnet.id, address=address, groups=[shop.inside.id]
            )
            launcher: Any = plane.attachments._network._launcher
            opened: socket.socket = await launcher.open_socket(
                interface.id,
                family=socket.AF_INET,
                type=socket.SOCK_STREAM,
                bind=(address, port),
                listen=64,
            )
            return opened

        servers = []
        targets = {address: Echo(address).serve for address in TARGETS}
        for address, handler in {**targets, GRPC_TARGET: serve_http_2}.items():
            server = StreamServer(handler)
            await server.listen(sock=await listening(address, 80))
            servers.append(server)
        opened = await listening(PROVIDER, 443)
        provider = IdentityProvider(served, listening=opened, host="login.shop.test")
        with provider:
            shop.listen(provider.config("shop"))
            await _visit(addresses.load_balancer(shop.balancer.id), tmp_path, plane, provider)
        for server in servers:
            await server.close()
    finally:
        await plane.close()


async def _visit(
    where: ListenAddress, directory: Path, plane: DataPlane, provider: IdentityProvider
) -> None:
    async def healthy() -> bool:
        states = [each["state"] for each in plane.load_balancers.attached()]
        return states == ["healthy"] * 3

    await eventually(healthy, "healthy targets", time_limit=20)
    url = https_url(where)
    trusted = ssl.create_default_context(cafile=authority_file(directory))
    async with httpx.AsyncClient(verify=trusted) as client:
        first = await client.get(f"{url}/cart")
        assert first.headers["location"].startswith("https://login.shop.test/authorize?")
        # This machine's clients can't reach the provider, which would send them back with a code.
        (state,) = parse_qs(urlsplit(first.headers["location"]).query)["state"]
        provider.codes["one"] = Seen("shop", f"{url}/oauth2/idpresponse")
        back = {"code": "one", "state": state}
        done = await client.get(f"{url}/oauth2/idpresponse", params=back)
        assert (done.status_code, done.headers["location"]) == (302, f"{url}/cart")
        targets = set()
        for _ in range(6):
            answer = await client.get(f"{url}/cart")
            assert answer.json()["headers"]["x-amzn-oidc-identity"] == USER["sub"]
            targets.add(answer.json()["target"])
        assert len(targets) == 1, "it stays at its target"
