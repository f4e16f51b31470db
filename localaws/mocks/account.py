"""What registrations do to an account, or would do in a preview."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localaws.account.autoname import DEFAULTS, with_name
from localaws.account.cloud import changes, documents_as_text, type_of
from localaws.account.tagging import ALL_TAGS, NO_TAGGING
from localaws.catalog import Refused
from localaws.mocks.mistake import Mistake
from localaws.mocks.paths import kept
from localaws.protocol import provider_config

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from localaws.account.cloud import Cloud
    from localaws.account.tagging import Tagging
    from localaws.catalog import Refusal, Resource, ResourceType
    from localaws.mocks.recording import Registered

DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True)
class ProviderSettings:
    """What a provider decides for its resources."""

    region: str = DEFAULT_REGION
    tagging: Tagging = NO_TAGGING

    @classmethod
    def of(cls, settings: Mapping[str, Any], fallback: str = DEFAULT_REGION) -> ProviderSettings:
        """From a provider's inputs."""
        return cls(settings.get("region") or fallback, provider_config.tagging(settings))


@dataclass
class Account:
    """A cloud, what is known of it from a run before, and what this run does to it."""

    cloud: Cloud
    before: Mapping[str, Resource] = field(default_factory=dict)
    """What the run before this one left, by URN."""

    operations: dict[str, str] = field(default_factory=dict)
    """`create`, `update`, `replace`, `import` or `same`, by URN."""

    made: dict[str, Resource] = field(default_factory=dict)
    """What this run made or took over, by URN."""

    preview: bool = False

    met: set[str] = field(default_factory=set)
    """Which of those from before the program still has, by the URN of then."""

    def make(
        self, resource: Registered, provider_settings: ProviderSettings, former: Sequence[str] = ()
    ) -> tuple[str, dict[str, Any]]:
        """Create, adopt or change a resource; return its id, empty if unknown, and outputs.

        Where the run before hasn't got it, it is the first of its `former` URNs that it has.

        Raises:
            Refused: The catalog says that AWS would refuse it.
            Mistake: It imports what doesn't exist.
        """
        kind = type_of(resource.type)
        urn = next((each for each in (resource.urn, *former) if each in self.before), resource.urn)
        inputs = with_name(
            kind,
            urn.rpartition("::")[2],
            documents_as_text(kind, resource.inputs),
            {},
            seed=urn.encode(),
        )
        inputs.pop(DEFAULTS)
        if urn in self.before:
            self.met.add(urn)
            return self._change(kind, resource, self.before[urn], inputs, provider_settings)
        if resource.import_id:
            return self._adopt(kind, resource, provider_settings)
        self.operations[resource.urn] = "create"
        return self._create(kind, resource, inputs, provider_settings)

    def _create(
        self,
        kind: ResourceType,
        resource: Registered,
        inputs: Mapping[str, Any],
        provider_settings: ProviderSettings,
    ) -> tuple[str, dict[str, Any]]:
        if self.preview:
            _check(kind, inputs, provider_settings)
            shown = self.cloud.preview(
                kind.token,
                inputs,
                region=provider_settings.region,
                tagging=provider_settings.tagging,
            )
            return "", shown
        made = self.made[resource.urn] = self.cloud.create(
            kind.token,
            resource.urn,
            inputs,
            region=provider_settings.region,
            tagging=provider_settings.tagging,
        )
        return made.id, made.outputs

    def _adopt(
        self, kind: ResourceType, resource: Registered, provider_settings: ProviderSettings
    ) -> tuple[str, dict[str, Any]]:
        """Import an existing resource, as the `import_` option does, with the program's inputs."""
        found = self.cloud.find(kind.token, resource.import_id)
        if found is None:
            raise Mistake(
                f"{kind.token} '{resource.name}'",
                f"it imports {resource.import_id}, which doesn't exist",
            )
        self.operations[resource.urn] = "import"
        return self._update(
            kind, resource.urn, found, documents_as_text(kind, resource.inputs), provider_settings
        )

    def _change(
        self,
        kind: ResourceType,
        resource: Registered,
        old: Resource,
        inputs: dict[str, Any],
        provider_settings: ProviderSettings,
    ) -> tuple[str, dict[str, Any]]:
        """Update or replace a known resource; only in a preview, as nothing is deleted here."""
        before = dict(old.inputs)
        for path in resource.ignore_changes:
            inputs = kept(inputs, before, path)
        differing = changes(kind, old.inputs, inputs)
        if any(
            old.outputs[name] != tags
            for name, tags in _all_tags(old, inputs, provider_settings).items()
        ):
            differing = [*differing, ALL_TAGS]
        replacing = [
            *kind.replacing(differing, old.inputs, inputs),
            *(
                path
                for path in resource.replace_on_changes
                if changes(kind, kept(inputs, before, path), inputs)
            ),
        ]
        self.operations[resource.urn] = (
            "replace" if replacing else "update" if differing else "same"
        )
        if replacing:
            return self._create(kind, resource, inputs, provider_settings)
        return (
            self._update(kind, resource.urn, old, inputs, provider_settings)
            if differing
            else (old.id, old.outputs)
        )

    def _update(
        self,
        kind: ResourceType,
        urn: str,
        old: Resource,
        inputs: Mapping[str, Any],
        provider_settings: ProviderSettings,
    ) -> tuple[str, dict[str, Any]]:
        if self.preview:
            _check(kind, inputs, provider_settings)
            return old.id, {**old.outputs, **inputs, **_all_tags(old, inputs, provider_settings)}
        made = self.made[urn] = self.cloud.update(
            kind.token, old.id, inputs, tagging=provider_settings.tagging
        )
        return made.id, made.outputs


def _all_tags(
    old: Resource, inputs: Mapping[str, Any], provider_settings: ProviderSettings
) -> dict[str, Any]:
    """Return the property with all tags of a resource; empty if its type has none."""
    return (
        {ALL_TAGS: provider_settings.tagging.all(inputs.get("tags"))}
        if ALL_TAGS in old.outputs
        else {}
    )


def _check(
    kind: ResourceType, inputs: Mapping[str, Any], provider_settings: ProviderSettings
) -> None:
    refusals: tuple[Refusal, ...] = tuple(kind.check(inputs, provider_settings.region))
    if refusals:
        raise Refused(*refusals)
