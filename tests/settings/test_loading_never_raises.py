"""Whatever an operator writes, loading gives settings or problems."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.settings.loading.load import Loaded, load
from exporter.settings.loading.problems import Problems
from exporter.settings.schema import configuration_schema

SCHEMA = configuration_schema()
KEYS = sorted({key for section in (SCHEMA, *SCHEMA["$defs"].values()) for key in section.get("properties", {})})
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(
        ["none", "bearer", "oauth2_password", "journal", "sqlite", "ups", "https://a.example/", "${X}", "1MiB"]
    ),
)
TREES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda below: (
        st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), below, max_size=4)
    ),
    max_leaves=20,
)
DESTINATIONS = st.fixed_dictionaries(
    {"name": st.just("a") | TREES, "endpoint": st.just("https://a.example/") | TREES},
    optional={key: TREES for key in SCHEMA["$defs"]["Destination"]["properties"] if key not in {"name", "endpoint"}},
)
CONFIGURATIONS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(SCHEMA["properties"], TREES),
        "destinations": st.lists(DESTINATIONS, max_size=3) | TREES,
    },
)
OVERRIDES = st.dictionaries(
    st.lists(st.sampled_from([*KEYS, "", "X", "0"]), min_size=1, max_size=3).map(
        lambda steps: "EXPORTER__" + "__".join(steps).upper()
    ),
    st.text(max_size=6),
    max_size=2,
)


def judged(content: bytes, environ: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "exporter.yaml"
        file.write_bytes(content)
        without_x = {name: value for name, value in environ.items() if name != "X"}
        loaded = [load(file, environ), load(file, without_x, stand_in=True)]
    for found in loaded:
        agreed(found)


def agreed(found: Loaded | Problems) -> None:
    assert isinstance(found, (Loaded, Problems))
    if isinstance(found, Problems):
        assert found.problems
        assert all(problem.reason for problem in found.problems)
        assert len(found.render().splitlines()) == len(found.problems) + 1
        assert found.render().replace("\n", "").isprintable()


@given(CONFIGURATIONS, OVERRIDES)
@settings(max_examples=150)
def test_any_tree(tree: dict[str, Any], overrides: dict[str, str]) -> None:
    judged(yaml.safe_dump(tree, allow_unicode=True).encode("utf-8", "surrogatepass"), {"X": "1", **overrides})


@given(st.text(alphabet=" \n\t-:{}[]&*!|>'\"#%@`ab${}1~<", max_size=60) | st.text(max_size=30))
def test_any_text(text: str) -> None:
    judged(text.encode("utf-8", "surrogatepass"), {})


@given(st.binary(max_size=60))
def test_any_bytes(content: bytes) -> None:
    judged(content, {})
