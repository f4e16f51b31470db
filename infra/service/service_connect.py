"""Let services call each other by name, through ECS Service Connect."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pulumi_aws as aws

    from infra.service.args import ServiceConnect


def configuration(
    args: ServiceConnect,
) -> aws.ecs.ServiceServiceConnectConfigurationArgsDict:
    """Return the namespace in which a service calls others, and its own name there, if it has one.

    Without a protocol the proxy passes connections on as they are, for as long as they last.
    """
    called = args.called_container
    if called is None:
        return {"enabled": True, "namespace": args.namespace_arn}
    name, port = called.port_name, called.port
    assert name is not None
    assert port is not None, "other services call a port with a name"
    return {
        "enabled": True,
        "namespace": args.namespace_arn,
        "services": [
            {
                "port_name": name,
                "discovery_name": name,
                "client_alias": [{"dns_name": name, "port": port}],
            }
        ],
    }
