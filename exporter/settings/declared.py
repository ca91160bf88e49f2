"""What a configuration declares for the way in, compiled: schemas, datasets, mapping sets and flows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from exporter.sections.mistakes import Mistake
from exporter.settings.tree import Settings

if TYPE_CHECKING:
    from exporter.source.processing.catalogue import Catalogue
    from exporter.source.processing.compiling import FlowIds


def compiled_catalogue(settings: Settings, flow_ids: FlowIds) -> Catalogue | tuple[Mistake, ...]:
    """The catalogue, or all mistakes, with places that begin at the configuration's keys. May take a second.

    ``flow_ids`` are as for ``compiled``.
    """
    from exporter.source.dataprep.run import Bounds
    from exporter.source.processing.compiling import Declared, compiled
    from exporter.source.xdm.identified import IdentityRules

    identities = settings.identities
    declared_only = identities.namespaces == "declared"
    rules = IdentityRules(
        lowercase_ids=frozenset(each.lower() for each in identities.lowercase_ids),
        known=frozenset(each.code.lower() for each in identities.declared) if declared_only else None,
        declared_only=declared_only,
    )
    bounds = Bounds(settings.max_event_bytes, settings.serve.mapping_time)
    declared = Declared(settings.schemas, settings.datasets, settings.mappings, settings.sources)
    return compiled(declared, flow_ids, rules, bounds)


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
