"""``languages/el``: what expressions may call and use, and whether a text is one."""

from __future__ import annotations

from typing import Any

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed, found
from exporter.source.dataprep.expressions.compiling import Expression, compile_expression


def validate_expression(body: Any) -> Answer:
    """``true`` or ``false``; 400 where ``body``, parsed JSON, names no expression. Never raises."""
    given = body.get("expression") if isinstance(body, dict) else None
    # The reference's sample puts the expression one level deeper than the reference's schema does.
    text = given.get("expression") if isinstance(given, dict) else given
    if not isinstance(text, str):
        return failed(400, "1400-400", "expression should be text")
    return found(isinstance(compile_expression(text), Expression))
