"""The way in, as ``exporter check`` shows it: what is taken, where it stands, and what it becomes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from exporter.cli.shared.look.tree import Branch
from exporter.sections.printable import counted, printable

if TYPE_CHECKING:
    from exporter.settings.masking import Masking
    from exporter.settings.tree import Settings
    from exporter.source.settings.declared import SourceSettings
    from exporter.source.settings.ims import Ims

#: An inlet is a secret: as many of its digits are shown as logs have.
_INLET_DIGITS: Final = 8


def planned_way_in(settings: Settings, hiding: Masking) -> dict[str, Any]:
    """The way in as plain JSON values, by the names of its sections; empty where nothing of it is declared.

    What ``hiding`` hides is hidden.
    """
    from exporter.cli.check.section_text import as_values

    if not (settings.sources or settings.schemas or settings.mappings or settings.datasets):
        return {}
    return {
        "intake": as_values(settings.intake, hiding),
        "profiles": as_values(settings.profiles, hiding),
        "schemas": [
            {"id": each.id, "title": each.title, "behaviour": each.behaviour, "identities": len(each.identities)}
            for each in settings.schemas
        ],
        "datasets": [
            {
                "id": each.id,
                "name": each.name,
                "schema": each.schema,
                "profile": each.profile,
                "upsert": each.upsert,
                "validate": each.validate,
            }
            for each in settings.datasets
        ],
        "mappings": [
            {"id": each.id, "version": each.version, "schema": each.schema, "mappings": len(each.mappings)}
            for each in settings.mappings
        ],
        "sources": [_source(each) for each in settings.sources],
        "ims": _ims(settings.serve.gives_tokens),
    }


def _ims(given: Ims | None) -> dict[str, Any]:
    """Who gets tokens."""
    if given is None:
        return {"answers": False, "open": False, "clients": [], "lifetime": None}
    names = [each.client_id for each in given.clients]
    return {"answers": True, "open": given.open, "clients": names, "lifetime": given.lifetime}


def _source(source: SourceSettings) -> dict[str, Any]:
    return {
        "name": source.name,
        "inlet": None if source.inlet is None else source.inlet[:_INLET_DIGITS],
        "authentication": source.authentication,
        "key": source.key,
        "datasets": list(source.datasets),
        "deletes": source.deletes,
        "flows": [
            {
                "id": flow.id,
                "name": flow.name,
                "dataset": flow.dataset,
                "mapping": flow.mapping,
                "enabled": flow.enabled,
            }
            for flow in source.flows
        ],
    }


def way_in_branches(plan: dict[str, Any], settings: Settings, hiding: Masking) -> Iterator[Branch]:
    """The plan of ``planned_way_in``, where there is one, for people: a line a part, flows below their source."""
    from exporter.cli.check.section_text import as_text
    from exporter.sections.written import duration

    yield _branch("intake", as_text(settings.intake, hiding))
    yield _branch("profiles", as_text(settings.profiles, hiding))
    for schema in plan["schemas"]:
        title = f", {schema['title']}" if schema["title"] else ""
        identities = counted(schema["identities"], "identity field")
        yield _branch("schema", f"{schema['id']}{title}: {schema['behaviour']}, {identities}")
    for dataset in plan["datasets"]:
        name = f", {dataset['name']}" if dataset["name"] else ""
        words = [f"schema {dataset['schema']}", *_of_dataset(dataset)]
        yield _branch("dataset", f"{dataset['id']}{name}: {', '.join(words)}")
    for mapping in plan["mappings"]:
        of = f"{counted(mapping['mappings'], 'mapping')} to schema {mapping['schema']}"
        yield _branch("mapping set", f"{mapping['id']}, version {mapping['version']}: {of}")
    for source in plan["sources"]:
        flows = [_flow(flow) for flow in source["flows"]]
        yield _branch("source", f"{source['name']}: {', '.join(_of_source(source))}", flows)
    tokens = plan["ims"]
    lasting = f"; tokens are good for {duration(tokens['lifetime'])}" if tokens["answers"] else ""
    yield _branch("ims", f"{_of_ims(tokens)}{lasting}")


def _flow(flow: dict[str, Any]) -> Branch:
    how = "no mapping" if flow["mapping"] is None else f"mapping {flow['mapping']}"
    off = "" if flow["enabled"] else " (switched off)"
    return _branch("flow", f"{flow['name']}{off}: dataset {flow['dataset']}, {how}")


def _branch(label: str, text: str, below: Sequence[Branch] = ()) -> Branch:
    return Branch(label, printable(text), below)


def _of_ims(tokens: dict[str, Any]) -> str:
    if not tokens["answers"]:
        return "no token endpoints"
    if tokens["open"]:
        return "open: any client and secret get a token"
    names = ", ".join(tokens["clients"])
    return f"tokens for {names}" if names else "token endpoints, and no clients: nobody gets a token"


def _of_dataset(dataset: dict[str, Any]) -> Iterator[str]:
    if not dataset["profile"]:
        yield "its records reach no profile"
    if dataset["upsert"]:
        yield "records merge"
    if not dataset["validate"]:
        yield "not validated"


def _of_source(source: dict[str, Any]) -> Iterator[str]:
    yield "inlet made once and kept in state" if source["inlet"] is None else f"inlet {source['inlet']}"
    if source["authentication"]:
        yield "token demanded"
    if source["key"] is not None:
        yield f"key {source['key']}"
    if source["datasets"]:
        yield f"datasets {', '.join(source['datasets'])}"
    if source["deletes"]:
        yield "may delete"


def counts(plan: dict[str, Any]) -> Iterator[str]:
    """How much there is of each, for the result in a line: ``2 sources``, ``3 flows``, ``1 schema``."""
    if not plan:
        return
    flows = [flow for source in plan["sources"] for flow in source["flows"]]
    off = sum(not flow["enabled"] for flow in flows)
    yield counted(len(plan["sources"]), "source")
    yield counted(len(flows), "flow") + (f" ({off} switched off)" if off else "")
    yield counted(len(plan["schemas"]), "schema")
    yield counted(len(plan["mappings"]), "mapping set")
    yield counted(len(plan["datasets"]), "dataset")
