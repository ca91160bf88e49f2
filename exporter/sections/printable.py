"""Text for people: text from elsewhere made safe to show (terminal, log, dead letter), and numbers with their nouns."""

from __future__ import annotations


def printable(text: str | bytes) -> str:
    """The same text with every character that does not print written as its escape.

    Bytes are read as UTF-8, each invalid byte as ``\\xNN``. Line breaks, terminal sequences, characters that turn
    the direction of text and lone surrogates come out as ``\\n``, ``\\x1b``, ``\\u202e``, ``\\ud800``, so the result
    is a single line, and can always be encoded. Printable text is unchanged, so a second call changes nothing.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in text
    )


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """The number with its noun: ``1 event``, ``2000 events``; ``plural`` where that is not the noun and an "s"."""
    return f"{number} {agreeing(number, noun, plural)}"


def agreeing(number: int | None, noun: str, plural: str | None = None) -> str:
    """The noun, or another word, as it stands beside ``number``; None: nobody knows how many."""
    return noun if number == 1 else plural or f"{noun}s"
