"""A configuration that does not go with what was made by API is refused, by a reload and at the start, and says why."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from control_api import FLOWS, Api, api_of
from harness import Place
from processes import Daemon, eventually, fetch
from serving import INLET, SCHEMA, serve, way_in

DATA_SETS = "/data/foundation/catalog/dataSets"
NAMESPACES = "/data/core/idnamespace/identities"
STATIC, CLIENT = "stat1c-tok3n-of-senders", "s3cret-of-a-client"
KEY = {"_acme__profile": "id"}


class Made:
    """A place whose way in runs, with a flow to a declared dataset and a dataset that were made by API."""

    def __init__(self, place: Place) -> None:
        way_in(place)
        place.config["datasets"].append({"id": "extra", "schema": SCHEMA})
        place.config["serve"] |= {
            "ims": {"clients": [{"client_id": "acme", "secret": CLIENT, "org": "ABCDEF0123456789@AdobeOrg"}]},
            "tokens": {"static": [{"name": "loader", "token": STATIC}]},
        }
        place.write()
        self.place = place
        self.daemon: Daemon = serve(place).ready()
        self.api = Api(place).flow_parts(dataset="extra")
        self.flow = self.api.flow("to extra", self.api.mapping_set(**KEY))
        self.by_declared = self.api.flow("by what is declared", "raw")
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
        assert self.api.post({"id": "p1"}, self.by_declared) == 200
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


def with_a_made_inlet(config: dict[str, Any], made: Made) -> None:
    config["sources"].append({"name": "other", "inlet": made.api.inlet})


def without_a_version(config: dict[str, Any], made: Made) -> None:
    config["mappings"][0]["version"] = 1


#: What a configuration is made wrong by, and what is named then.
WRONG: dict[str, tuple[Callable[[dict[str, Any], Made], None], Callable[[Made], str]]] = {
    "a dataset is gone": (without_a_dataset, lambda made: f"flows {made.flow} dataset extra: there is no dataset"),
    "a schema is gone": (
        without_its_schema,
        lambda made: f"datasets {made.dataset} schema {SCHEMA}: there is no schema",
    ),
    "a dataset is made and declared": (with_a_made_dataset, lambda made: f"dataSets {made.dataset}: is declared"),
    "a flow is made and declared": (with_a_made_flow, lambda made: f"flows {made.flow}: is declared"),
    "an inlet is made and declared": (with_a_made_inlet, lambda made: f" inlet {made.api.inlet[:8]}…: another source"),
    "a version is gone": (
        without_a_version,
        lambda made: f"flows {made.by_declared}: names version 0 of mapping set raw, which is declared with version 1",
    ),
}
WAY_ON = "put back what they need and give what has their ids another one, or delete them by API beforehand"


def secret_free(made: Made, text: str) -> None:
    """None of the secrets of the way in stands in what people and their tools read beside the API."""
    for secret in (made.api.inlet, INLET, STATIC, CLIENT):
        assert secret not in text


def no_secret(made: Made, daemon: Daemon) -> None:
    secret_free(made, daemon.log.read_text(encoding="utf-8") + daemon.out.read_text(encoding="utf-8"))


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
            status_text = fetch(f"http://127.0.0.1:{made.daemon.port}/status")[1].decode()
            secret_free(made, status_text)
            status = json.loads(status_text)["config"]
            assert (status["valid"], status["problems"]) == (False, [problem])
            made.goes_on()
        made.api.close()
        assert made.daemon.terminate() == 0
        no_secret(made, made.daemon)

        for what in ("a flow is made and declared", "a dataset is gone", "an inlet is made and declared"):
            change, named = WRONG[what]
            place.config = json.loads(good)
            change(place.config, made)
            place.write()
            refused = serve(place)
            assert refused.wait() == 78
            [line] = refused.logs("refused")
            assert named(made) in line["detail"]
            assert WAY_ON in line["detail"]
            no_secret(made, refused)
            looked_over = place.command("check", "--connect")
            assert named(made) in looked_over.stdout + looked_over.stderr, what
            secret_free(made, looked_over.stdout + looked_over.stderr)

        place.config = json.loads(good)
        place.write()
        made.daemon = serve(place).ready()
        made.goes_on()
        # The way on: once the flow is gone, so may be its dataset.
        for path in (f"flows/{made.flow}", f"flows/{made.by_declared}", f"targetConnections/{made.api.target}"):
            assert made.api.ask("DELETE", f"{FLOWS}/{path}") == (204, None)
        without_a_dataset(place.config, made)
        made.reload("reloaded")
        made.api.close()
        assert made.daemon.terminate() == 0


def test_a_namespace_that_is_declared_later_is_the_one_that_was_made(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        way_in(place)
        place.write()
        daemon = serve(place).ready()
        with api_of(place) as api:
            _, before = api.ask("POST", NAMESPACES, {"code": "MyNs", "name": "Mine", "idType": "CROSS_DEVICE"})
        assert daemon.terminate() == 0
        place.config["identities"] = {"declared": [{"code": "myns", "name": "Ours"}]}
        place.write()
        daemon = serve(place).ready()
        with api_of(place) as api:
            status, now = api.ask("GET", f"{NAMESPACES}/{before['id']}")
            assert (status, now["code"], now["name"], now["id"]) == (200, "myns", "Ours", before["id"])
            status, other = api.ask("POST", NAMESPACES, {"code": "Other", "name": "Other", "idType": "CROSS_DEVICE"})
            assert (status, other["id"]) == (201, before["id"] + 1)
        assert daemon.terminate() == 0
