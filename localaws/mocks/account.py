"""What a program's registrations create and change in an account, or would in a preview."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localaws.account.autoname import DEFAULTS, with_name
from localaws.account.cloud import changed_by_update, changes, documents_as_text, type_of
from localaws.account.tagging import ALL_TAGS, NO_TAGGING
from localaws.catalog import Refused
from localaws.mocks.mistake import Mistake
from localaws.mocks.paths import with_old_value
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
    """A provider's settings for its resources."""

    region: str = DEFAULT_REGION
    tagging: Tagging = NO_TAGGING

    @classmethod
    def of(cls, settings: Mapping[str, Any], fallback: str = DEFAULT_REGION) -> ProviderSettings:
        """Read them from a provider's inputs."""
        return cls(settings.get("region") or fallback, provider_config.tagging(settings))


@dataclass
class Account:
    """A cloud, the resources of the run before, and the operations of this run."""

    cloud: Cloud
    before: Mapping[str, Resource] = field(default_factory=dict)
    """The resources of the run before this one, by URN."""

    operations: dict[str, str] = field(default_factory=dict)
    """`create`, `update`, `replace`, `import` or `same`, by URN."""

    made: dict[str, Resource] = field(default_factory=dict)
    """The resources that this run created, updated or imported, by URN."""

    preview: bool = False

    still_registered: set[str] = field(default_factory=set)
    """The URNs in `before` whose resources the program still has."""

    def make(
        self, resource: Registered, provider_settings: ProviderSettings, aliases: Sequence[str] = ()
    ) -> tuple[str, dict[str, Any]]:
        """Create, import or change a resource; return its id, empty if unknown, and outputs.

        Args:
            resource: The registration.
            provider_settings: Those of its provider.
            aliases: URNs under which the run before may have the resource, if not under its own.

        Raises:
            Refused: AWS would refuse it, according to the catalog.
            Mistake: It imports a resource that doesn't exist.
        """
        kind = type_of(resource.type)
        urns_before = [each for each in (resource.urn, *aliases) if each in self.before]
        urn = urns_before[0] if urns_before else resource.urn
        texts = documents_as_text(kind, resource.inputs)
        inputs = with_name(kind, urn.rpartition("::")[2], texts, {}, seed=urn.encode())
        inputs.pop(DEFAULTS)
        if urn in self.before:
            self.still_registered.add(urn)
            return self._change(kind, resource, self.before[urn], inputs, provider_settings)
        if resource.import_id:
            return self._import(kind, resource, provider_settings)
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

    def _import(
        self, kind: ResourceType, resource: Registered, provider_settings: ProviderSettings
    ) -> tuple[str, dict[str, Any]]:
        """Import an existing resource, as the `import_` option does, and update its inputs."""
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
        """Preview the update or replacement of a resource of the run before."""
        before = dict(old.inputs)
        for path in resource.ignore_changes:
            inputs = with_old_value(inputs, before, path)
        differing = changes(kind, old.inputs, inputs)
        tags = _all_tags(old, inputs, provider_settings)
        if tags and tags[ALL_TAGS] != old.outputs[ALL_TAGS]:
            differing.append(ALL_TAGS)
        replaced = bool(kind.replacing(differing, old.inputs, inputs))
        for path in resource.replace_on_changes:
            if changes(kind, with_old_value(inputs, before, path), inputs):
                replaced = True
        if replaced:
            self.operations[resource.urn] = "replace"
            return self._create(kind, resource, inputs, provider_settings)
        if differing:
            self.operations[resource.urn] = "update"
            return self._update(kind, resource.urn, old, inputs, provider_settings)
        self.operations[resource.urn] = "same"
        return old.id, old.outputs

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
            uncertain = changed_by_update(kind, old, inputs)
            tags = _all_tags(old, inputs, provider_settings)
            return old.id, {**old.outputs, **inputs, **uncertain, **tags}
        made = self.made[urn] = self.cloud.update(
            kind.token, old.id, inputs, tagging=provider_settings.tagging
        )
        return made.id, made.outputs


def _all_tags(
    old: Resource, inputs: Mapping[str, Any], provider_settings: ProviderSettings
) -> dict[str, Any]:
    """Return the property with all tags of a resource; empty if its type has no tags."""
    if ALL_TAGS not in old.outputs:
        return {}
    return {ALL_TAGS: provider_settings.tagging.all(inputs.get("tags"))}


def _check(
    kind: ResourceType, inputs: Mapping[str, Any], provider_settings: ProviderSettings
) -> None:
    refusals: tuple[Refusal, ...] = tuple(kind.check(inputs, provider_settings.region))
    if refusals:
        raise Refused(*refusals)
