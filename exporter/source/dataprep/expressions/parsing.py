"""Text of an expression to its tree, or why there is none; names what the language leaves out on purpose."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, TypeAlias

from lark import Lark, Token, Tree
from lark.exceptions import LarkError, UnexpectedInput, UnexpectedToken

#: A calculated field is no longer, by the documentation.
MOST_CHARACTERS = 4096

Node: TypeAlias = "Tree[Token]"

#: Words of JEXL's statements, by what they begin.
STATEMENTS = {
    "var": "variables (var)",
    "let": "variables (let)",
    "const": "variables (const)",
    "if": "statements (if)",
    "else": "statements (else)",
    "for": "loops (for)",
    "while": "loops (while)",
    "do": "loops (do)",
    "break": "loops (break)",
    "continue": "loops (continue)",
    "return": "statements (return)",
    "new": "new",
    "function": "functions with a name",
    "instanceof": "instanceof",
    "try": "statements (try)",
    "throw": "throw",
}
#: Names that have to stand in ``${...}``.
RESERVED = frozenset(
    {
        *("new", "mod", "or", "break", "var", "lt", "for", "false", "while", "eq", "gt", "div", "not", "null"),
        *("continue", "else", "and", "ne", "true", "le", "if", "ge", "return"),
    }
)

#: What stands for itself in a text and is no part of an expression; strings and comments go first, to be passed over.
_MARK = re.compile(
    r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\$\{[^}]*\}|\#\#[^\n]*|//[^\n]*|/\*.*?\*/
    |(?P<pragma>\#pragma\b)|(?P<template>`)|(?P<range>\.\.)|(?P<operator>===?|!==?|[<>]=|=[~^$])
    |(?P<assignment>(?<![=!<>])=(?![=~^$]))|(?P<statement>;)
    |(?<![\w$.])(?P<namespace>[^\W\d][\w$]*:[^\W\d][\w$]*\()|(?<![\w$.])(?P<word>[^\W\d][\w$]*)""",
    re.DOTALL | re.VERBOSE,
)
_LEFT_OUT = {
    "pragma": "pragmas",
    "template": "templates (`...`)",
    "range": "ranges (1..3)",
    "assignment": "assignments (=)",
    "statement": "statements (;)",
    "namespace": "namespaces (a:b())",
}


@cache
def _parser() -> Lark:
    """The parser of the grammar beside this file; made once, when the first expression is compiled."""
    return Lark.open("expression.lark", rel_to=__file__, parser="lalr", maybe_placeholders=True)


def parse_expression(text: str) -> Node | str:
    """The tree of ``text``, or in a few words why it is no expression. Never raises."""
    if len(text) > MOST_CHARACTERS:
        return f"an expression has at most {MOST_CHARACTERS} characters"
    if not text.strip():
        return "the expression is empty"
    try:
        parsed: Any = _parser().parse(text)
    except UnexpectedInput as error:
        return _left_out(text) or _place(text, error)
    except LarkError as error:
        return _left_out(text) or f"is no expression: {error}"
    return parsed if isinstance(parsed, Tree) else Tree("value", [parsed])


def _left_out(text: str) -> str | None:
    """What of JEXL in ``text`` the language leaves out, None if it is something else that does not parse."""
    for mark in _MARK.finditer(text):
        kind = mark.lastgroup
        if kind in _LEFT_OUT:
            return f"not supported: {_LEFT_OUT[kind]}"
        if kind == "word" and mark[0] in STATEMENTS:
            return f"not supported: {STATEMENTS[mark[0]]}"
    return None


def _place(text: str, error: UnexpectedInput) -> str:
    at = error.pos_in_stream
    ended = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    if ended or not isinstance(at, int) or at < 0 or at >= len(text.rstrip()):
        return "the expression ends too early"
    rest = text[at : at + 12]
    return f"is no expression from character {at + 1} on: {rest!r}"
