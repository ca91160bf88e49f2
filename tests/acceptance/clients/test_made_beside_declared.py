"""A configuration that does not go with what was made by API is refused, by a reload and at the start, and says why."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from control_api import FLOWS, Api
from harness import Place
from processes import Daemon, eventually, fetch
from serving import SCHEMA, serve, way_in

DATA_SETS = "/data/foundation/catalog/dataSets"
KEY = {"_acme__profile": "id"}


class Made:
    """A place whose way in runs, with a flow to a declared dataset and a dataset that were made by API."""

    def __init__(self, place: Place) -> None:
        way_in(place)
        place.config["datasets"].append({"id": "extra", "schema": SCHEMA})
        place.write()
        self.place = place
        self.daemon: Daemon = serve(place).ready()
        self.api = Api(place).flow_parts(dataset="extra")
        self.flow = self.api.flow("to extra", self.api.mapping_set(**KEY))
        reference = {"id": SCHEMA, "contentType": "application/json"}
        _, answer = self.api.ask("POST", DATA_SETS, {"name": "made", "schemaRef": reference})
        self.dataset = answer[0].removeprefix("@/dataSets/")

    def reload(self, event: str) -> dict[str, Any]:
        """Have the configuration read anew; the line of the log that says how that went."""
        before = len(self.daemon.logs(event))
        self.place.write()
        self.daemon.send(signal.SIGHUP)
        return eventually(event, lambda: self.daemon.logs(event)[before:] if self.daemon.alive() else [])[0]

    def goes_on(self) -> None:
        """Records go by the flow, and what was made is shown."""
        assert self.api.post({"id": "p1"}, self.flow) == 200
        assert self.api.shown("flows", self.flow)["state"] == "enabled"
        assert self.api.ask("GET", f"{DATA_SETS}/{self.dataset}")[0] == 200


def without_a_dataset(config: dict[str, Any], made: Made) -> None:
    del config["datasets"][1]


def without_its_schema(config: dict[str, Any], made: Made) -> None:
    other = {**config["schemas"][0], "id": f"{SCHEMA}-2"}
    config["schemas"] = [other]
    for each in (*config["datasets"], *config["mappings"]):
        each["schema"] = other["id"]


def with_a_made_dataset(config: dict[str, Any], made: Made) -> None:
    config["datasets"].append({"id": made.dataset, "schema": SCHEMA})


def with_a_made_flow(config: dict[str, Any], made: Made) -> None:
    config["sources"][0]["flows"].append({"id": made.flow, "name": "mine", "dataset": "people", "mapping": "raw"})


#: What a configuration is made wrong by, and what is named then.
WRONG: dict[str, tuple[Callable[[dict[str, Any], Made], None], Callable[[Made], str]]] = {
    "a dataset is gone": (without_a_dataset, lambda made: f"flows {made.flow} dataset extra: there is no dataset"),
    "a schema is gone": (
        without_its_schema,
        lambda made: f"datasets {made.dataset} schema {SCHEMA}: there is no schema",
    ),
    "a dataset is made and declared": (with_a_made_dataset, lambda made: f"dataSets {made.dataset}: is declared"),
    "a flow is made and declared": (with_a_made_flow, lambda made: f"flows {made.flow}: is declared"),
}
WAY_ON = "put back what they need and give what has their ids another one, or delete them by API beforehand"


def test_it_is_refused_by_a_reload_and_at_the_start(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        made = Made(place)
        good = json.dumps(place.config)
        for what, (change, named) in WRONG.items():
            place.config = json.loads(good)
            change(place.config, made)
            [problem] = made.reload("reload refused")["problems"]
            assert named(made) in problem, what
            assert WAY_ON in problem
            status = json.loads(fetch(f"http://127.0.0.1:{made.daemon.port}/status")[1])["config"]
            assert (status["valid"], status["problems"]) == (False, [problem])
            made.goes_on()
        made.api.close()
        assert made.daemon.terminate() == 0

        for what in ("a flow is made and declared", "a dataset is gone"):
            change, named = WRONG[what]
            place.config = json.loads(good)
            change(place.config, made)
            place.write()
            refused = serve(place)
            assert refused.wait() == 78
            [line] = refused.logs("refused")
            assert named(made) in line["detail"]
            assert WAY_ON in line["detail"]

        place.config = json.loads(good)
        place.write()
        made.daemon = serve(place).ready()
        made.goes_on()
        # The way on: once the flow is gone, so may be its dataset.
        for path in (f"{FLOWS}/flows/{made.flow}", f"{FLOWS}/targetConnections/{made.api.target}"):
            assert made.api.ask("DELETE", path) == (204, None)
        without_a_dataset(place.config, made)
        made.reload("reloaded")
        made.api.close()
        assert made.daemon.terminate() == 0
