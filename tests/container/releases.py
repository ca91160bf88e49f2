"""The objects of a release that Helm renders of the chart."""

from __future__ import annotations

from pathlib import Path

import yaml
from manifests import Tree
from rendered import template


def documents(program: Path, *options: str, release: str = "exporter") -> list[Tree]:
    """All objects. Raises AssertionError with what Helm says where it refuses."""
    return list(yaml.safe_load_all(template(program, *options, release=release)))


def of_kind(found: list[Tree], kind: str) -> Tree:
    """The only one of that kind."""
    [only] = [each for each in found if each["kind"] == kind]
    return only


def workload(found: list[Tree]) -> Tree:
    """The specification of the one object that has pods."""
    [only] = [each["spec"] for each in found if each["kind"] in ("StatefulSet", "Deployment")]
    assert isinstance(only, dict)
    return only


def containers(found: list[Tree]) -> list[Tree]:
    """Those of the pods."""
    listed: list[Tree] = workload(found)["template"]["spec"]["containers"]
    return listed
