"""The objects of the control plane as the serving process begins with them: declared, and made before."""

from __future__ import annotations

from collections.abc import Sequence

from exporter.daemon.serving.refusals import StoresDoNotFit
from exporter.sections.mistakes import Mistake
from exporter.settings.loading.load import Loaded
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.register import made_before, together
from exporter.source.control.objects.resource import Resource
from exporter.source.processing.planes import Ids
from exporter.state.kinds import State


def declared_objects(loaded: Loaded, ids: Ids) -> Sequence[Resource]:
    """What a configuration declares, as objects; ``ids`` are those of its sources and flows."""
    return ()


async def objects_of(loaded: Loaded, ids: Ids, state: State) -> Objects:
    """All objects at the start.

    Raises:
        StateUnavailable: the state cannot be read now.
        StoresDoNotFit: an object that was made has the id of one that is declared, or is none of this version's.
    """
    try:
        made = await made_before(state.made_objects)
    except ValueError as error:
        raise StoresDoNotFit(f"the state holds objects of the control plane that cannot be read: {error}") from error
    objects = together(declared_objects(loaded, ids), made)
    if not isinstance(objects, Objects):
        raise StoresDoNotFit(unfit(objects))
    return objects


def unfit(mistakes: Sequence[Mistake]) -> str:
    """Why objects that were made do not go with the configuration, for people."""
    words = "; ".join(f"{' '.join(map(str, each.at))} {each.reason}" for each in mistakes)
    return f"objects that were made by API do not go with the configuration: {words}"
