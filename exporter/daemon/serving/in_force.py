"""What is in force in the serving process: the configuration and the objects made by API, compiled together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from exporter.sections.mistakes import Mistake
from exporter.settings.declared import compiled_catalogue, declared_in
from exporter.settings.tree import Settings
from exporter.source.collection.plane import Plane
from exporter.source.collection.taking import Taking
from exporter.source.control.assembling import Assembled, assembled
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.register import Install
from exporter.source.processing.catalogue import Catalogue
from exporter.source.processing.kept import Kept
from exporter.source.processing.planes import Ids, plane_of
from exporter.source.xdm.schema import Schema
from exporter.tasks.off_loop import off_loop


@dataclass(frozen=True, slots=True)
class Compiled:
    """A catalogue, and the data plane that goes with it."""

    catalogue: Catalogue
    plane: Plane


@dataclass(slots=True)
class InForce:
    """By what records are taken and applied; put in its place whole."""

    catalogue: Catalogue
    plane: Plane

    def name_of(self, flow: str) -> str:
        """The name of a flow, by its id; empty where there is no such flow any more."""
        found = self.catalogue.flows.get(flow)
        return "" if found is None else found.name

    @property
    def flow_names(self) -> list[str]:
        """The names of all flows."""
        return [flow.name for flow in self.catalogue.flows.values()]

    def source_of(self, inlet: str) -> str:
        """The name of the connection of an inlet, by its id; empty where there is no such inlet any more."""
        found = self.plane.inlets.get(inlet)
        return "" if found is None else found.source

    def schema(self, schema_id: str) -> Schema | None:
        """The schema with an id."""
        return self.catalogue.schemas.get(schema_id)


@dataclass(slots=True)
class Compiler:
    """Compiles objects with a configuration.

    Attributes:
        settings: the configuration.
        ids: of its sources and flows.
        kept: what was compiled before.
    """

    settings: Settings
    ids: Ids
    kept: Kept = field(default_factory=Kept)

    async def compiled(self, objects: Objects) -> Compiled | Sequence[Mistake]:
        """What the configuration and ``objects`` come to, or their mistakes. One call at a time."""
        return await off_loop(self._compiled, objects)

    def _compiled(self, objects: Objects) -> Compiled | Sequence[Mistake]:
        settings = self.settings
        whole = assembled(declared_in(settings), self.ids, objects, self.kept)
        if not isinstance(whole, Assembled):
            return whole
        flows = whole.ids.flows
        catalogue = compiled_catalogue(settings, flows, whole.declared, whole.namespaces, self.kept)
        if isinstance(catalogue, tuple):
            return [whole.named(each) for each in catalogue]
        declared = whole.declared
        plane = plane_of(settings.serve, declared.sources, declared.datasets, whole.ids, whole.disabled, self.kept)
        self.kept.forget()
        return Compiled(catalogue, plane)


async def prepared(
    compiler: Compiler, in_force: InForce, taking: Taking, objects: Objects
) -> Install | Sequence[Mistake]:
    """What puts ``objects`` in force in one turn of the loop, or their mistakes.

    So no record is taken by the one configuration and applied before the other is whole.
    """
    compiled = await compiler.compiled(objects)
    if not isinstance(compiled, Compiled):
        return compiled

    def install() -> None:
        in_force.catalogue, in_force.plane = compiled.catalogue, compiled.plane
        taking.plane = compiled.plane

    return install
