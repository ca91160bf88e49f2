"""What a configuration declares for the way in, compiled: schemas, datasets, mapping sets and flows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from exporter.sections.mistakes import Mistake
from exporter.settings.tree import Settings

if TYPE_CHECKING:
    from exporter.source.processing.catalogue import Catalogue
    from exporter.source.processing.compiling import Declared, FlowIds
    from exporter.source.processing.kept import Kept


def compiled_catalogue(
    settings: Settings,
    flow_ids: FlowIds,
    declared: Declared | None = None,
    namespaces: Iterable[str] | None = None,
    kept: Kept | None = None,
) -> Catalogue | tuple[Mistake, ...]:
    """The catalogue, or all mistakes, with places that begin at the configuration's keys. May take a second.

    Args:
        settings: the configuration.
        flow_ids: as for ``compiled``.
        declared: what there is beside what the configuration declares, that included; None: that alone.
        namespaces: those that there are beside those of the configuration; None: those that are built in.
        kept: as for ``compiled``.
    """
    from exporter.source.control.namespaces import codes_of
    from exporter.source.control.objects.objects import Objects
    from exporter.source.dataprep.run import Bounds
    from exporter.source.processing.compiling import compiled
    from exporter.source.xdm.identified import IdentityRules

    identities = settings.identities
    declared = declared or declared_in(settings)
    declared_only = identities.namespaces == "declared"
    namespaces = codes_of(Objects()) if namespaces is None else namespaces
    codes = {*(each.code for each in identities.declared), *namespaces}
    if not declared_only:  # a warning is for what nobody has thought of
        codes.update(each.namespace for schema in declared.schemas for each in schema.identities)
    rules = IdentityRules(
        lowercase_ids=frozenset(each.lower() for each in identities.lowercase_ids),
        known=frozenset(each.lower() for each in codes),
        declared_only=declared_only,
    )
    bounds = Bounds(settings.max_event_bytes, settings.serve.mapping_time)
    return compiled(declared, flow_ids, rules, bounds, kept)


def declared_in(settings: Settings) -> Declared:
    """The sections of a configuration that say what records are."""
    from exporter.source.processing.compiling import Declared

    return Declared(settings.schemas, settings.datasets, settings.mappings, settings.sources)


def declared_mistakes(settings: Settings) -> Sequence[Mistake]:
    """The mistakes that only compiling finds: references that lead nowhere, schemas and mappings that are none."""
    if not (settings.schemas or settings.datasets or settings.mappings or settings.sources):
        return ()  # most configurations, which then pay nothing
    flow_ids = {
        (source.name, number): flow.id or f"{source.name}/{number}"
        for source in settings.sources
        for number, flow in enumerate(source.flows)
    }
    found = compiled_catalogue(settings, flow_ids)
    return found if isinstance(found, tuple) else ()
