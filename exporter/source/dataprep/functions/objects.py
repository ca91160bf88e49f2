"""The functions on objects, and on texts that hold the fields of one."""

from __future__ import annotations

from typing import Any

from exporter.source.dataprep.functions.signatures import Argument, Example, Function, Type
from exporter.source.dataprep.paths import Every, parse_path
from exporter.source.dataprep.patterns import MOST_CHARACTERS
from exporter.source.dataprep.run import Failed, Run
from exporter.source.dataprep.values import is_empty, size_of, to_text

CATEGORY = "Hierarchies - Objects"

_PAIRS = Argument("pairs", Type.ANY, "a name, its value, the next name, ...", repeated=True, nulls=True)
_TEXT = Argument("string", Type.TEXT, "the text, such as 'a:1,b:2'")
_VALUE_DELIMITER = Argument(
    "value_delimiter",
    Type.TEXT,
    "what stands before a value; a colon where null or empty",
    optional=True,
    nulls=True,
)
_FIELD_DELIMITER = Argument(
    "field_delimiter",
    Type.TEXT,
    "what stands between fields; a comma where null or empty",
    optional=True,
    nulls=True,
)


def pairs(run: Run, *values: Any) -> dict[str, Any]:
    """The object of names and values that take turns; a name without a value at the end has null."""
    found: dict[str, Any] = {}
    for at in range(0, len(values), 2):
        if values[at] is None:
            raise Failed("a name is null")
        found[to_text(values[at])] = values[at + 1] if at + 1 < len(values) else None
    return run.bounded(found)


def _arrays(run: Run, *values: Any) -> list[dict[str, Any]]:
    """One object for each place of the arrays, as long as the longest is."""
    columns: list[tuple[str, list[Any]]] = []
    for at in range(0, len(values) - 1, 2):
        name, array = values[at], values[at + 1]
        if name is None:
            raise Failed("a name is null")
        columns.append((to_text(name), array if isinstance(array, list) else [] if array is None else [array]))
    length = max((len(array) for _, array in columns), default=0)
    if length * (len(columns) + 1) * 2 > run.max_bytes:
        raise run.too_large()
    found = [{name: array[row] for name, array in columns if row < len(array)} for row in range(length)]
    return run.bounded(found)


def _from_text(
    run: Run, text: str, value_delimiter: str | None = None, field_delimiter: str | None = None
) -> dict[str, str]:
    found: dict[str, str] = {}
    for field in text.split(field_delimiter or ","):
        name, between, value = field.partition(value_delimiter or ":")
        if between and name.strip():
            found[name.strip()] = value.strip()
    return run.bounded(found)


def _value(
    run: Run, text: str, key: str, value_delimiter: str | None = None, field_delimiter: str | None = None
) -> str | None:
    return _from_text(run, text, value_delimiter, field_delimiter).get(key.strip())


def _contains_key(run: Run, text: str) -> bool:
    if len(text) > MOST_CHARACTERS:
        raise Failed(f"the path has more than {MOST_CHARACTERS} characters")
    path = parse_path(text)
    if isinstance(path, str):
        raise Failed(f"the path {path}")
    value: Any = run.record
    for step in path:
        if isinstance(step, str):
            if not isinstance(value, dict) or step not in value:
                return False
            value = value[step]
        else:
            place = 0 if isinstance(step, Every) else step
            if not isinstance(value, list) or place >= len(value):
                return False
            value = value[place]
    return True


_INPUT = Argument("input", Type.ANY, "the value", nulls=True)
_KEYS = (
    *("contains_key", CATEGORY, "Whether the record has this path"),
    *((Argument("path", Type.TEXT, "the path, as text"),), Type.BOOLEAN, _contains_key),
)
FUNCTIONS: tuple[Function, ...] = (
    Function(
        "size_of",
        CATEGORY,
        "Elements of an array, keys of an object, characters of text; 0 for anything else",
        (_INPUT,),
        Type.INTEGER,
        lambda _run, value: size_of(value),
        (Example("size_of([1, 2, 3, 4])", "4"),),
    ),
    Function(
        "is_empty",
        CATEGORY,
        "Whether null, 0, or nothing is in it",
        (_INPUT,),
        Type.BOOLEAN,
        lambda _run, value: is_empty(value),
        (Example("is_empty([1, null, 2, 3])", "false"),),
    ),
    Function(
        "arrays_to_object",
        CATEGORY,
        "A list of objects: of each array the element of the same place",
        (Argument("pairs", Type.ANY, "a name, its array, the next name, ...", repeated=True, nulls=True),),
        Type.ARRAY,
        _arrays,
        (
            Example(
                "arrays_to_objects('sku', explode(\"id1|id2\", '\\\\|'), 'price', [22.5,14.35])",
                '[{"sku": "id1", "price": 22.5}, {"sku": "id2", "price": 14.35}]',
            ),
        ),
        ("arrays_to_objects",),
    ),
    Function(
        "to_object",
        CATEGORY,
        "The object of names and values",
        (_PAIRS,),
        Type.OBJECT,
        pairs,
        (Example('to_object("firstName", "John", "lastName", "Doe")', '{"firstName": "John", "lastName": "Doe"}'),),
    ),
    Function(
        "str_to_object",
        CATEGORY,
        "The object whose fields a text lists; blanks around are left out",
        (_TEXT, _VALUE_DELIMITER, _FIELD_DELIMITER),
        Type.OBJECT,
        _from_text,
        (
            Example(
                'str_to_object("firstName=John,lastName=Doe,phone=123 456 7890", "=", ",")',
                '{"firstName": "John", "lastName": "Doe", "phone": "123 456 7890"}',
            ),
            Example(
                'str_to_object("firstName - John ; lastName - ; phone - 123 456 7890", "-", ";").get("firstName")',
                '"John"',
            ),
        ),
    ),
    Function(*_KEYS, (Example('contains_key("address.city")', "true"), Example("contains_key('a.b')", "false"))),
    Function("is_set", *_KEYS[1:], (Example('is_set("address.city")', "true"),)),
    Function("nullify", CATEGORY, "Null", (), Type.ANY, lambda _run: None, (Example("nullify()", "null"),)),
    Function(
        "get_keys",
        CATEGORY,
        "The names of an object's fields",
        (Argument("object", Type.OBJECT, "the object"),),
        Type.ARRAY,
        lambda _run, found: list(found),
        (Example('get_keys({"book1": "Pride and Prejudice", "book2": "1984"})', '["book1", "book2"]'),),
    ),
    Function(
        "get_values",
        CATEGORY,
        "The value of one of the fields that a text lists; null where there is none",
        (_TEXT, Argument("key", Type.TEXT, "the field's name"), _VALUE_DELIMITER, _FIELD_DELIMITER),
        Type.TEXT,
        _value,
        (
            Example(
                'get_values("firstName - John , lastName - Cena , phone - 555 420 8692", "firstName", "-", ",")',
                '"John"',
            ),
        ),
    ),
)
