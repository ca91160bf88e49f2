"""What the catalogue answers with, as shapes."""

from __future__ import annotations

from typing import Final

from exporter.source.control.shapes import LINKS, MOMENT, TEXT, WHOLE, Shape, array, fields, map_of, named, sent, texts

#: What says where made and changed datasets are.
REFERENCES: Final = named("References", array({"type": "string", "pattern": "^@/dataSets/"}))
_SCHEMA: Final = fields({"id": TEXT}, {"contentType": TEXT})
NEW_DATASET: Final = named(
    "NewDataset",
    sent(
        {"name": {"type": "string", "pattern": "\\S"}, "schemaRef": sent({"id": TEXT}, {"contentType": TEXT})},
        {**texts("description", "state"), "tags": map_of(array(TEXT))},
    ),
)
#: All fields are there, unless ``properties`` names those that are.
DATASET: Final = named(
    "Dataset",
    fields(
        {},
        {
            **texts("name", "description", "state", "version", "createdClient", "createdUser", "updatedUser"),
            **texts("imsOrg", "sandboxId", "sandboxName"),
            "schemaRef": _SCHEMA,
            "tags": map_of(array(TEXT)),
            "classification": fields(
                {"managedBy": TEXT, "dataBehavior": {"enum": ["record", "time-series"]}},
            ),
            "created": MOMENT,
            "updated": MOMENT,
        },
    ),
)
DATASETS: Final[Shape] = map_of(DATASET)
_BATCH: Final = named(
    "Batch",
    fields(
        {
            "status": {"const": "failed"},
            "created": MOMENT,
            "updated": MOMENT,
            **texts("imsOrg", "imsOrgId", "sandboxId", "sandboxName"),
            "metrics": {
                **fields(dict.fromkeys(("inputRecordCount", "outputRecordCount", "failedRecordCount"), WHOLE)),
                "additionalProperties": WHOLE,
            },
            "errors": array(fields({**texts("code", "description"), "recordCount": WHOLE})),
            "relatedObjects": array(fields(texts("type", "id"))),
            "tags": map_of(array(TEXT)),
        }
    ),
)
BATCHES: Final[Shape] = map_of(_BATCH)
FAILED_RECORDS: Final = named(
    "FailedRecords",
    fields(
        {
            "data": array(fields({**texts("name", "length"), "_links": fields({"self": fields(texts("href"))})})),
            "_page": fields({"limit": WHOLE, "count": WHOLE}),
            "_links": LINKS,
        }
    ),
)
