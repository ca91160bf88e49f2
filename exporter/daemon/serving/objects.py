"""The objects of the control plane as the serving process begins with them: declared, and made before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from uuid import uuid4

from exporter.daemon.serving.in_force import Compiled, Compiler
from exporter.daemon.serving.refusals import StoresDoNotFit
from exporter.sections.mistakes import Mistake
from exporter.settings.loading.load import Loaded
from exporter.settings.tree import Settings
from exporter.source.control import namespaces
from exporter.source.control.catalog import dataset_fields
from exporter.source.control.data_prep.declared import declared_set
from exporter.source.control.flow_service import declared as flow_service
from exporter.source.control.flow_service.destinations import ShownDestination, destination_resources
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.register import made_before, resources_of, together
from exporter.source.control.objects.resource import Kind, Resource
from exporter.source.control.schema_registry import declared as schema_registry
from exporter.source.processing.planes import Ids, ids_of, wanted
from exporter.state.kinds import State
from exporter.tasks.off_loop import off_loop


def declared_objects(loaded: Loaded, ids: Ids) -> Sequence[Resource]:
    """What a configuration declares, as objects made when its files were changed; ``ids``: of its sources and flows."""
    return _declared(loaded.settings, ids, loaded.files[0].name, _changed(loaded.files))


def _declared(settings: Settings, ids: Ids, file: str, at: int) -> Sequence[Resource]:
    return tuple(
        chain(
            namespaces.declared_resources(settings.identities.declared, file, at),
            schema_registry.declared_resources(settings.schemas, file, at),
            dataset_fields.declared_resources(settings.datasets, file, at),
            (declared_set(each, file, at) for each in settings.mappings),
            flow_service.declared_resources(settings.sources, settings.datasets, settings.mappings, ids, file, at),
            destination_resources(tuple(_destinations(settings)), settings.serve.org_id, file, at),
        )
    )


def _changed(files: Sequence[Path]) -> int:
    """When files were changed last, in epoch milliseconds; those that are gone since do not count."""
    times = [0]
    for file in files:
        with suppress(OSError):
            times.append(file.stat().st_mtime_ns // 1_000_000)
    return max(times)


def _destinations(settings: Settings) -> Iterator[ShownDestination]:
    names = {each.key: each.name for each in settings.segments}
    for each in settings.destinations:
        segments = tuple((segment.id, names.get(segment.key) or segment.id) for segment in each.segments)
        yield ShownDestination(each.name, "", each.endpoint, each.enabled, tuple(each.attributes), segments)


async def objects_of(loaded: Loaded, ids: Ids, state: State) -> tuple[Objects, str]:
    """All objects at the start, and the revision of those that were made.

    Raises:
        StateUnavailable: the state cannot be read now.
        StoresDoNotFit: an object that was made has the id of one that is declared, or is none of this version's.
    """
    revision, documents = await state.made_objects.all()
    try:
        made = await off_loop(resources_of, documents)
    except ValueError as error:
        raise StoresDoNotFit(f"the state holds objects of the control plane that cannot be read: {error}") from error
    objects = together(declared_objects(loaded, ids), made)
    if not isinstance(objects, Objects):
        raise StoresDoNotFit(unfit(objects))
    return objects, revision


async def looked_over(settings: Settings, state: State) -> int | str:
    """How many objects were made by API, or why ``exporter serve`` would not start with them. Nothing is written.

    Raises:
        StateUnavailable: the state cannot be read now.
    """
    try:
        made = await made_before(state.made_objects)
    except ValueError as error:
        return f"objects of the control plane cannot be read: {error}"
    given = dict(wanted(settings.sources))
    known = await state.made_ids.known([name for name, text in given.items() if text is None])
    # For an id that no start has settled yet any will do, so long as nothing has it.
    ids = ids_of(settings.sources, {name: text or known.get(name) or str(uuid4()) for name, text in given.items()})
    objects = together(_declared(settings, ids, "", 0), made)
    compiled = await Compiler(settings, ids).compiled(objects) if isinstance(objects, Objects) else objects
    own = sum(each.kind in (Kind.DELETED_FLOW, Kind.INTAKE) for each in made)
    return len(made) - own if isinstance(compiled, Compiled) else unfit(compiled)


def unfit(mistakes: Sequence[Mistake]) -> str:
    """Why objects that were made do not go with the configuration, and what to do, for people."""
    words = "; ".join(f"{' '.join(map(str, each.at))}: {each.reason}" for each in mistakes)
    ways = "put back what they need and give what has their ids another one, or delete them by API beforehand"
    return f"objects that were made by API do not go with the configuration: {words}: {ways}"
