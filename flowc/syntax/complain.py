"""A token that the grammar does not allow, in the user's terms."""

from dataclasses import dataclass

from flowc.diagnostic import Diagnostic
from flowc.source import Source, Span
from flowc.syntax.scan import Token


@dataclass(frozen=True, slots=True)
class Situation:
    """Where the parser has stopped: `tokens[at]` is not one of `expected`."""

    source: Source
    tokens: list[Token]
    at: int
    expected: set[str]

    @property
    def token(self) -> Token:
        return self.tokens[self.at]


def complaint(s: Situation) -> Diagnostic:
    token = s.token
    return Diagnostic(
        "syntax",
        f"unexpected `{token.text}` ({token.type}); {sorted(s.expected)}",
        Span(s.source, token.start, token.end),
    )
