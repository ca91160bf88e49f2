"""Whether a bill of materials (CycloneDX) names all that is installed; .ci/sbom runs this in that environment.

Standard library only: the environment has nothing of the developers'.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

PACKAGE = "profile-exporter"


def named(document: Mapping[str, Any]) -> dict[str, str]:
    """The components with their versions, by the names under which an index has them."""
    components = [document["metadata"]["component"], *document["components"]]
    return {normalized(each["name"]): each.get("version", "") for each in components}


def mistakes(document: Mapping[str, Any], installed: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with a bill of materials of an environment with these distributions and versions."""
    if document.get("bomFormat") != "CycloneDX":
        yield "it is no CycloneDX document"
        return
    found = named(document)
    if (main := normalized(document["metadata"]["component"]["name"])) != PACKAGE:
        yield f"its subject is {main}, not {PACKAGE}"
    yield from (f"{name} {version} is missing" for name, version in installed.items() if name not in found)
    for name, version in installed.items():
        if name in found and name != PACKAGE and found[name] != version:
            yield f"{name} is {version}, and not {found[name]}"
    libraries = [each for each in document["components"] if normalized(each["name"]) != PACKAGE]
    yield from (f"{each['name']} has no package URL" for each in libraries if not each.get("purl"))
    listed = {each["ref"] for each in document.get("dependencies", ())}
    yield from (f"{each['name']} has no place in the tree" for each in libraries if each["bom-ref"] not in listed)


def normalized(name: str) -> str:
    """The name as an index spells it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def main(arguments: Iterable[str]) -> int:
    """Check the file that is named, and say how many libraries it names."""
    [file] = arguments
    installed = {normalized(each.name): each.version for each in distributions()}
    if PACKAGE not in installed or len(installed) < 20:
        print(f"sbom: this is not the environment that {file} is about", file=sys.stderr)
        return 1
    wrong = list(mistakes(json.loads(Path(file).read_text(encoding="utf-8")), installed))
    for each in wrong:
        print(f"sbom: {file}: {each}", file=sys.stderr)
    print(f"sbom: {file} names {PACKAGE} and {len(installed) - 1} libraries")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
