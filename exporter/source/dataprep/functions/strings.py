"""The functions on text."""

from __future__ import annotations

from typing import Any

from exporter.source.dataprep.functions.signatures import Argument, Example, Function, Type
from exporter.source.dataprep.patterns import Pattern, compile_pattern
from exporter.source.dataprep.run import Failed, Run
from exporter.source.dataprep.splitting import replaced_everywhere, split_at
from exporter.source.dataprep.values import to_text

CATEGORY = "String"

_COMMA = compile_pattern(",")
_INPUT = Argument("input", Type.TEXT, "the text")
_COUNT = Argument("count", Type.INTEGER, "how many characters")


def _joined(run: Run, separator: str, texts: list[str]) -> str:
    """Raises before a text beyond the bounds is made."""
    if sum(map(len, texts)) + len(separator) * (len(texts) - 1) > run.max_bytes:
        raise run.too_large()
    return run.bounded_text(separator.join(texts))


def _concat(run: Run, *texts: Any) -> str:
    return _joined(run, "", [to_text(text) for text in texts if text is not None])


def _explode(run: Run, text: str, pattern: Pattern | None = None) -> list[str]:
    return run.bounded(split_at(run, text, pattern or _COMMA))


def _split(run: Run, text: str, separators: str) -> list[str]:
    if not separators:
        return [text] if text else []
    first = separators[0]
    if len(separators) > 1:
        text = text.translate(dict.fromkeys(map(ord, separators), first))
    return run.bounded([part for part in text.split(first) if part])


def _instr(_run: Run, text: str, part: str, start: int = 0, occurrence: int = 1) -> int:
    at = max(start, 0) - 1
    for _ in range(max(occurrence, 1)):
        at = text.find(part, at + 1)
        if at < 0:
            return -1
    return at


def _replacestr(run: Run, text: str, part: str, other: str) -> str:
    return replaced_everywhere(run, text, part, other) if part else text


def _substr(_run: Run, text: str, start: int, length: int) -> str:
    first = max(start, 0)
    return text[first : first + max(length, 0)]


def _padding(run: Run, text: str, count: int, padding: str) -> str:
    missing = count - len(text)
    if count > run.max_bytes:
        raise run.too_large()
    padding = padding or " "
    return (padding * (missing // len(padding) + 1))[:missing] if missing > 0 else ""


def _lpad(run: Run, text: str | None, count: int, padding: str | None) -> str:
    return run.bounded_text(_padding(run, text or "", count, padding or "") + (text or ""))


def _rpad(run: Run, text: str | None, count: int, padding: str | None) -> str:
    return run.bounded_text((text or "") + _padding(run, text or "", count, padding or ""))


def _join(run: Run, separator: str, *objects: Any) -> str:
    values = objects[0] if len(objects) == 1 and isinstance(objects[0], list) else objects
    return _joined(run, separator, [to_text(value) for value in values if value is not None])


def _right(_run: Run, text: str, count: int) -> str:
    return text[max(len(text) - count, 0) :] if count > 0 else ""


def _equals(_run: Run, text: Any, other: Any) -> bool:
    if isinstance(text, list | dict) or isinstance(other, list | dict):
        raise Failed("only texts are compared")
    return bool(text == other)


_PADDED = (
    Argument("input", Type.TEXT, "the text", nulls=True),
    Argument("count", Type.INTEGER, "the length of the result"),
    Argument("padding", Type.TEXT, "what is put before or behind; a blank where null or empty", nulls=True),
)
FUNCTIONS: tuple[Function, ...] = (
    Function(
        "concat",
        CATEGORY,
        "One text behind the other; nulls are left out",
        (Argument("strings", Type.ANY, "the texts", repeated=True, nulls=True),),
        Type.TEXT,
        _concat,
        (Example('concat("Hi, ", "there", "!")', '"Hi, there!"'),),
    ),
    Function(
        "explode",
        CATEGORY,
        "The parts of a text between matches of a regular expression; no empty ones at the end",
        (_INPUT, Argument("regex", Type.PATTERN, "where to split; a comma where missing", optional=True)),
        Type.ARRAY,
        _explode,
        (
            Example("explode('a,b,,c,,')", '["a", "b", "", "c"]'),
            Example("explode(\"id1|id2\", '\\\\|')", '["id1", "id2"]'),
            Example('explode("Hi, there!", " ")', '["Hi,", "there!"]'),
        ),
    ),
    Function(
        "split",
        CATEGORY,
        "The parts of a text between any of the separators; no empty ones",
        (_INPUT, Argument("separators", Type.TEXT, "characters, each of which separates")),
        Type.ARRAY,
        _split,
        (
            Example('split("Hello world", " ")', '["Hello", "world"]'),
            Example("split('a,b;;c', ',;')", '["a", "b", "c"]'),
        ),
    ),
    Function(
        "instr",
        CATEGORY,
        "Where a text stands in another, counted from 0; -1 if nowhere",
        (
            *(_INPUT, Argument("substring", Type.TEXT, "what to look for")),
            Argument("start", Type.INTEGER, "from which character on", optional=True),
            Argument("occurrence", Type.INTEGER, "which of several, counted from 1", optional=True),
        ),
        Type.INTEGER,
        _instr,
        (Example('instr("adobe.com", "com")', "6"), Example("instr('a-b-c', '-', 0, 2)", "3")),
    ),
    Function(
        "replacestr",
        CATEGORY,
        "A text with another wherever a third stands",
        (
            *(_INPUT, Argument("find", Type.TEXT, "what is replaced, literally")),
            Argument("replace", Type.TEXT, "what is put there"),
        ),
        Type.TEXT,
        _replacestr,
        (Example('replacestr("This is a string re test", "re", "replace")', '"This is a string replace test"'),),
    ),
    Function(
        "substr",
        CATEGORY,
        "Some characters of a text",
        (
            *(_INPUT, Argument("start", Type.INTEGER, "the first, counted from 0")),
            Argument("length", Type.INTEGER, "how many"),
        ),
        Type.TEXT,
        _substr,
        (Example('substr("This is a substring test", 7, 8)', '" a subst"'),),
    ),
    Function(
        "lower",
        CATEGORY,
        "The text in lower case",
        (_INPUT,),
        Type.TEXT,
        lambda run, text: run.bounded_text(text.lower()),
        (Example('lower("HeLLo")', '"hello"'), Example('lcase("HeLLo")', '"hello"')),
        ("lcase",),
    ),
    Function(
        "upper",
        CATEGORY,
        "The text in upper case",
        (_INPUT,),
        Type.TEXT,
        lambda run, text: run.bounded_text(text.upper()),
        (Example('upper("HeLLo")', '"HELLO"'), Example('ucase("HeLLo")', '"HELLO"')),
        ("ucase",),
    ),
    Function(
        "trim",
        CATEGORY,
        "The text without blanks around",
        (_INPUT,),
        Type.TEXT,
        lambda _run, text: text.strip(),
        (Example('trim(" hello ")', '"hello"'),),
    ),
    Function(
        "ltrim",
        CATEGORY,
        "The text without blanks before",
        (_INPUT,),
        Type.TEXT,
        lambda _run, text: text.lstrip(),
        (Example('ltrim(" hello")', '"hello"'),),
    ),
    Function(
        "rtrim",
        CATEGORY,
        "The text without blanks behind",
        (_INPUT,),
        Type.TEXT,
        lambda _run, text: text.rstrip(),
        (Example('rtrim("hello ")', '"hello"'),),
    ),
    Function(
        "lpad",
        CATEGORY,
        "The text, filled up on the left",
        _PADDED,
        Type.TEXT,
        _lpad,
        (Example('lpad("bat", 8, "yz")', '"yzyzybat"'), Example("lpad('7', 3, '')", '"  7"')),
    ),
    Function(
        "rpad",
        CATEGORY,
        "The text, filled up on the right",
        _PADDED,
        Type.TEXT,
        _rpad,
        (Example('rpad("bat", 8, "yz")', '"batyzyzy"'),),
    ),
    Function(
        "left",
        CATEGORY,
        "The first characters",
        (_INPUT, _COUNT),
        Type.TEXT,
        lambda _run, text, count: text[: max(count, 0)],
        (Example('left("abcde", 2)', '"ab"'),),
    ),
    Function(
        "right",
        CATEGORY,
        "The last characters",
        (_INPUT, _COUNT),
        Type.TEXT,
        _right,
        (Example('right("abcde", 2)', '"de"'),),
    ),
    Function(
        "join",
        CATEGORY,
        "All elements as one text, with a separator between; nulls are left out",
        (
            Argument("separator", Type.TEXT, "what stands between"),
            Argument("objects", Type.ANY, "an array, or the elements", repeated=True, nulls=True),
        ),
        Type.TEXT,
        _join,
        (Example('join(" ", to_array(true, "Hello", "world"))', '"Hello world"'),),
    ),
    Function(
        "equals",
        CATEGORY,
        "Whether two texts are equal; also written `text.equals(other)`",
        (Argument("text", Type.ANY, "the one", nulls=True), Argument("other", Type.ANY, "the other", nulls=True)),
        Type.BOOLEAN,
        _equals,
        (Example('"string1".equals("STRING1")', "false"), Example("equals('a', 'a')", "true")),
    ),
)
