"""Small parts of messages: a list of names in a sentence, the place of a word in an item."""

from collections.abc import Iterable

from flowc.source import Span


def listing(names: Iterable[str]) -> str:
    """Names in a sentence: `a`, `b` and `c`."""
    quoted = [f"`{name}`" for name in names]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


def narrow(span: Span, text: str) -> Span:
    """The place of `text` inside `span` where it stands there just once, else all of `span`."""
    source = span.source.text
    at = source.find(text, span.start, span.end)
    if not text or at < 0 or source.find(text, at + 1, span.end) >= 0:
        return span
    return Span(span.source, at, at + len(text))
