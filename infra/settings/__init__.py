"""Every choice that a stack can make, read once, checked, frozen.

Each topic has its keys in a module of its own. The defaults live in Pulumi.yaml, so `pulumi config`
shows what will be deployed.
"""

from __future__ import annotations

import difflib
import inspect
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Self, get_type_hints

import pulumi
from pulumi.runtime import config

from infra.aws.statements import Statements
from infra.errors import Problem, SettingsError
from infra.settings.kinds import Kind, Map
from infra.settings.service import container, secrets
from infra.settings.service import deployment as deployments
from infra.settings.service import health as load_balancing
from infra.settings.stack import edge, https, network, operation

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from infra.aws.environment import AwsEnvironment

_TOPICS: Final = (container, secrets, deployments, load_balancing, https, edge, operation, network)

_UNTYPED: Final = (Map, Statements)
"""Kinds that Pulumi's schema has no type for, so that a key may be absent."""

_PROVIDERS: Final = ("aws", "awsx", "pulumi")
"""Namespaces of configuration that aren't a project's."""

_RELATIONS: Final[tuple[Callable[..., Iterator[Problem]], ...]] = tuple(
    relation for topic in _TOPICS for relation in getattr(topic, "RELATIONS", ())
)
"""What values must be to each other; the parameters of each name the settings it looks at.

One with a parameter `place` waits until the program knows where it deploys to.
"""


@dataclass(frozen=True, kw_only=True)
class Settings(
    container.ContainerSettings,
    secrets.SecretsSettings,
    deployments.DeploymentSettings,
    load_balancing.LoadBalancingSettings,
    https.HttpsSettings,
    edge.EdgeSettings,
    operation.OperationSettings,
    network.NetworkSettings,
):
    """What a stack deploys; docs/config.md says what each key means and what a change does."""

    project: str
    stack: str

    @classmethod
    def load(cls) -> Self:
        """Read the selected stack's configuration.

        Raises:
            SettingsError: Something in it can't be deployed; it names every such key, its value and
                what is allowed.
        """
        namespace = f"{pulumi.get_project()}:"
        stored = {**config.get_config_env(), **config.CONFIG.get()}
        secret = {key for key in stored if config.is_config_secret(key)} | {
            *config.get_config_secret_keys_env()
        }
        return cls.of(
            {
                key.removeprefix(namespace): str(text)
                for key, text in stored.items()
                if key.startswith(namespace)
            },
            project=pulumi.get_project(),
            stack=pulumi.get_stack(),
            secret={key.removeprefix(namespace) for key in secret},
            foreign=[key for key in stored if not key.startswith(namespace)],
        )

    @classmethod
    def of(
        cls,
        texts: Mapping[str, str],
        *,
        project: str,
        stack: str,
        secret: Collection[str] = (),
        foreign: Collection[str] = (),
    ) -> Self:
        """Settings from configuration as Pulumi hands it over: text by camelCase key.

        `foreign` are the full names of the keys in other namespaces than the project's.

        Raises:
            SettingsError: As `load`.
        """
        values: dict[str, Any] = {}
        problems = [*_unknown(texts), *_misnamed(stack), *_left_behind(foreign, project)]
        for name, kind in kinds().items():
            key = camel(name)
            text = texts.get(key, kind.absent if isinstance(kind, _UNTYPED) else None)
            if key in secret:
                problems.append(
                    Problem(
                        key,
                        "an encrypted value",
                        "plain text; name secrets of the task in `secrets`",
                    )
                )
            elif text is None:
                problems.append(Problem(key, "not set", kind.allowed))
            else:
                try:
                    values[name] = kind.read(text)
                except ValueError:
                    shown = kind.misplaced(text) if isinstance(kind, _UNTYPED) else text or "empty"
                    problems.append(Problem(key, shown, kind.allowed))
        problems.extend(_disagreements(values))
        if problems:
            raise SettingsError(problems)
        return cls(project=project, stack=stack, **values)

    def problems_in(self, place: AwsEnvironment) -> list[Problem]:
        """Return what can't be deployed to this account and region, by the settings alone."""
        return [*_disagreements({**vars(self), "place": place})]


@cache
def kinds() -> dict[str, Kind]:
    """What each setting may be, by field name, topic by topic."""
    hints = (get_type_hints(topic, include_extras=True) for topic in Settings.__bases__)
    return {name: hint.__metadata__[0] for each in hints for name, hint in each.items()}


def camel(name: str) -> str:
    """The configuration key of a field."""
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def _disagreements(values: Mapping[str, Any]) -> Iterator[Problem]:
    """What the relations say of these values; one that asks for more is left out."""
    for relation in _RELATIONS:
        names = inspect.signature(relation).parameters
        if values.keys() >= names.keys():
            yield from relation(**{name: values[name] for name in names})


def _unknown(texts: Mapping[str, str]) -> Iterator[Problem]:
    known = [camel(name) for name in kinds()]
    for key in sorted(texts.keys() - set(known)):
        close = difflib.get_close_matches(key, known, n=1)
        yield Problem(key, "an unknown key", f"perhaps {close[0]}" if close else ", ".join(known))


def _left_behind(foreign: Collection[str], project: str) -> Iterator[Problem]:
    """Refuse our keys in another project's namespace, as after a change of the name in Pulumi.yaml.

    Pulumi ignores them there, so the stack would get the defaults: no protection and a public
    network in place of prod's.
    """
    known = {camel(name) for name in kinds()}
    for key in sorted(foreign):
        namespace, _, name = key.partition(":")
        if name in known and namespace not in _PROVIDERS:
            yield Problem(
                key,
                f"a key of another project, {namespace}",
                f"{project}:{name}, as this project is {project}",
            )


def _misnamed(stack: str) -> Iterator[Problem]:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", stack):
        yield Problem(
            "stack",
            stack,
            (
                "a stack name of at most 100 letters, digits, - and _, as it becomes part of "
                "ECS's names"
            ),
        )
