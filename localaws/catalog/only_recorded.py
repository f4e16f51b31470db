"""The reasons why resources of some types are only recorded, for `ResourceType.only_recorded`.

AWS's rules for them are enforced and lookups find them. They have no other effect, or only with
containers in VPCs.
"""

NO_CHECK = "no endpoint is checked, and no query is answered"
NO_NAME = (
    "only tasks that are containers are registered, and only containers get answers, from their "
    "VPC's resolver"
)
NO_PICTURE = "dashboards are checked, and never drawn"
DEFAULT_NETWORK = "the default VPC and its subnets stay as AWS makes them, with `forceDestroy` too"
NO_FILE = "nothing writes into buckets or reads them"
NO_FILE_SYSTEM = "no file system is mounted; a task definition's run mentions its volumes"
NO_FILTER = "web ACLs block no request and log none"
NO_PACKET = (
    "it filters and routes only packets of containers: processes are on this machine's loopback "
    "interface"
)
NO_PERMISSION = "permissions allow and deny nothing"
NO_ENCRYPTION = "keys encrypt nothing"
NO_QUERY = "only containers get answers, from their VPC's resolver"
