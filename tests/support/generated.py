"""Workflowfiles by chance: of every construct of the grammar, written in every manner.

`workflow_text(random.Random(seed))` is the same text for the same seed. What it writes is right as
far as syntax goes; names may be unknown and values wrong, as in files of people.
"""

import random
from collections.abc import Callable


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


NAMES = words("a b sample x y_1 é rule input output temp expand config wildcards use type match")
DIRECTIVES = words(
    "input output params log benchmark threads mem_gb resources shell message priority group "
    "wildcard_constraints retries limits name profile inptu localrule default_target"
)
TOP = words(
    "configfile include envvars wildcard_constraints localrules ruleorder limits profile pathvars"
)
# fmt: off
STRINGS = (
    '"a.txt"', "'b'", '"{sample}.bam"', '"{x,[a-z]+}/{y_1}.n"', 'r"\\d+"', '"""long\n  text"""',
    "'''a\\\n b'''", '""', "'it''s'", '"{{a}}"', '"\\x41\\n"', "u'u'", '"é\\u00e9 #"', '"../up"',
    '"cp {input} {output}"', '"{wildcards.a}"', '"{threads:>3}"', '"{x,(a+)+}"', '"/abs/{a}"',
)
FORMATS = (
    'f"{a}"', "f'{a!r:>{b}} {{}}'", 'f"""{a\n}x"""', "rf'\\d{a}'", "f'{a=}'", 'f"{x[\'k\']}"',
    "f''",
)
# fmt: on
BRACKETS = (("[", "]"), ("{", "}"), ("(", ")"))
NUMBERS = words("0 1 42 1_000 0x1F 0b1 1.5 .5 1e6 2.")
BINARY = (
    *words("+ - * / // % ** | & ^ << >> == != < <= > >= in is and or"),
    "not in",
    "is not",
)
FUNCTIONS = words("expand temp str len range sorted f glob_wildcards lookup branch a.b.c")


class Writer:
    """Writes one file, deciding by `chance`."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.brackets = 0
        self.left = 120  # how many nodes may still be made

    def pick(self, options: list[str] | tuple[str, ...]) -> str:
        return self.chance.choice(options)

    def odds(self, one_in: int) -> bool:
        return self.chance.randrange(one_in) == 0

    def blank(self) -> str:
        """Between two words: nothing much; inside of brackets also new lines and comments."""
        if self.brackets and self.odds(12):
            comment = self.pick(("", "", "  # why", "# x"))
            return f"{comment}\n{' ' * self.chance.randrange(12)}"
        if self.odds(200):
            return " \\\n   "
        return self.pick((" ", " ", " ", "  "))

    def gap(self) -> str:
        return "" if self.odds(2) else self.blank()

    # --- expressions -----------------------------------------------------------------------------

    def expression(self, depth: int = 0) -> str:
        self.left -= 1
        if depth > 4 or self.left < 0 or self.odds(3):
            return self.atom()
        made: list[Callable[[int], str]] = [
            self.binary, self.binary, self.unary, self.ternary, self.call, self.call, self.call,
            self.listing, self.listing, self.tupled, self.dictionary, self.comprehension,
            self.function, self.subscript, self.attribute, self.parentheses, self.strings,
        ]  # fmt: skip
        return self.chance.choice(made)(depth + 1)

    def atom(self) -> str:
        kinds = (NAMES, NAMES, STRINGS, STRINGS, STRINGS, NUMBERS, FORMATS, ("True", "None"))
        return self.pick(tuple(self.chance.choice(kinds)))

    def inside(self, opening: str, close: str, parts: list[str], comma: bool = True) -> str:
        """Brackets around parts that are joined by commas."""
        self.brackets += 1
        text = f"{self.gap()},{self.gap()}".join(parts)
        if parts and comma and self.odds(4):
            text += f"{self.gap()},"
        text = f"{opening}{self.gap()}{text}{self.gap()}{close}"
        self.brackets -= 1
        return text

    def several(self, make: Callable[[int], str], depth: int, least: int = 0) -> list[str]:
        self.brackets += 1
        made = [make(depth) for _ in range(self.chance.randrange(least, 4))]
        self.brackets -= 1
        return made

    def operand(self, depth: int) -> str:
        self.left -= 1
        kind = self.chance.randrange(5)
        if kind > 1 or self.left < 0 or depth > 5:
            return self.atom()
        return self.call(depth + 1) if kind else self.parentheses(depth + 1)

    def binary(self, depth: int) -> str:
        text = self.operand(depth)
        for _ in range(self.chance.randrange(1, 4)):
            sign = self.pick(BINARY)
            text += f"{self.blank()}{sign}{self.blank()}{self.operand(depth)}"
        return text

    def unary(self, depth: int) -> str:
        sign = self.pick(("-", "+", "~", "not "))
        text = f"{sign}{self.operand(depth)}"
        return f"({text})" if sign == "not " else text

    def ternary(self, depth: int) -> str:
        then, test, other = (self.operand(depth) for _ in range(3))
        return f"{then}{self.blank()}if{self.blank()}{test} else {other}"

    def argument(self, depth: int) -> str:
        return self.expression(depth)

    def call(self, depth: int) -> str:
        parts = self.several(self.argument, depth)
        if self.odds(5):
            parts.append(f"*{self.operand(depth)}")
        names = self.chance.sample(NAMES, self.chance.randrange(3))
        parts += [f"{name}{self.gap()}={self.gap()}{self.operand(depth)}" for name in names]
        if self.odds(8):
            parts.append(f"**{self.pick(NAMES)}")
        return self.pick(FUNCTIONS) + self.inside("(", ")", parts)

    def listing(self, depth: int) -> str:
        opening, close = self.chance.choice(BRACKETS)
        parts = self.several(self.expression, depth, 2)
        return self.inside(opening, close, parts)

    def tupled(self, depth: int) -> str:
        return self.pick(("()", "(a,)", "[]", "{}", f"({self.operand(depth)},)"))

    def dictionary(self, depth: int) -> str:
        parts = [
            f"{self.operand(depth)}{self.gap()}:{self.gap()}{self.expression(depth)}"
            for _ in range(self.chance.randrange(1, 4))
        ]
        if self.odds(6):
            parts.append(f"**{self.pick(NAMES)}")
        return self.inside("{", "}", parts)

    def comprehension(self, depth: int) -> str:
        target = self.pick(("x", "a, b", "(x, y)", "a[0]"))
        key = f"{self.operand(depth)}: " if self.odds(4) else ""
        opening, close = ("{", "}") if key else self.chance.choice(BRACKETS)
        self.brackets += 1
        text = f"{key}{self.operand(depth)}{self.blank()}for {target} in {self.operand(depth)}"
        for _ in range(self.chance.randrange(2)):
            text += f"{self.blank()}if{self.blank()}{self.operand(depth)}"
        if self.odds(5):
            text += f"{self.blank()}for y in {self.operand(depth)}"
        self.brackets -= 1
        return f"{opening}{text}{close}"

    def function(self, depth: int) -> str:
        head = self.pick(("lambda", "lambda wildcards", "lambda w, input", "lambda x=1, *a, **k"))
        text = f"{head}: {self.operand(depth)}"
        return text if self.odds(2) else f"({text})"

    def subscript(self, depth: int) -> str:
        bound = self.pick((self.operand(depth), "", "-1"))
        index = self.pick(
            (self.operand(depth), f"{bound}:", f":{bound}", f"{bound}::2", "a,", "1:2, :")
        )
        return f"{self.pick(NAMES)}[{index}]"

    def attribute(self, depth: int) -> str:
        return f"{self.operand(depth)}.{self.pick(NAMES)}" if self.odds(2) else "rules.a.output"

    def parentheses(self, depth: int) -> str:
        if self.left < 0:
            return self.atom()
        self.brackets += 1
        text = f"({self.gap()}{self.expression(depth + 1)}{self.gap()})"
        self.brackets -= 1
        return text

    def strings(self, _: int) -> str:
        parts = [self.pick(STRINGS + FORMATS) for _ in range(self.chance.randrange(1, 4))]
        return self.blank().join(parts)

    # --- statements ------------------------------------------------------------------------------

    def comment(self, indent: str) -> str:
        if self.odds(6):
            return f"{self.pick((indent, '', indent + '  '))}#{self.pick(('', ' note', '!x'))}\n"
        return "\n" * self.chance.randrange(4) if self.odds(4) else ""

    def end(self) -> str:
        return "  # c\n" if self.odds(8) else "\n"

    def statement(self, indent: str, depth: int, in_def: bool = False) -> str:
        if depth < 3 and self.odds(4):
            return self.compound(indent, depth, in_def)
        if not in_def and self.odds(2):
            make = self.chance.choice((self.rule, self.rule, self.top, self.use))
            return make(indent, depth)
        return f"{self.comment(indent)}{indent}{self.simple(in_def)}{self.end()}"

    def simple(self, in_def: bool = False) -> str:
        kind = self.chance.randrange(8 if in_def else 6)
        if kind == 0:
            return self.pick(('"""Doc."""', "pass", "x = 1; y = 2", "import os", "x = y = 1"))
        if kind == 1:
            return f"f{self.inside('(', ')', self.several(self.expression, 1))}"
        if kind == 2:
            targets = self.pick(("a, b", "a, *b", "*a, (b, c)"))
            return f"{targets} = {self.expression()}, {self.expression()}"
        if kind == 3:
            before = self.pick(("x += ", "raise ", "assert ", "assert x, "))
            return f"{before}{self.expression()}"
        if kind < 6:
            target = self.pick(("x", "y_1", "é", "a[0]", "b.c"))
            return f"{target} = {self.expression()}"
        return "return" if kind == 6 else f"return {self.expression()}"

    def suite(self, indent: str, depth: int, in_def: bool) -> str:
        if self.odds(5):
            return f" {self.pick(('x = 1', 'pass', 'x; y', 'a = f(1)'))}{self.end()}"
        inner = indent + self.pick(("    ", "  ", "\t", " "))
        body = "".join(
            self.statement(inner, depth + 1, in_def) for _ in range(self.chance.randrange(1, 3))
        )
        return f"{self.end()}{body}"

    def compound(self, indent: str, depth: int, in_def: bool) -> str:
        kind = self.pick(("if", "for", "def", "refused"))
        if kind == "if":
            text = f"{indent}if {self.expression()}:{self.suite(indent, depth, in_def)}"
            if self.odds(3):
                text += f"{indent}elif {self.expression()}:{self.suite(indent, depth, in_def)}"
            if self.odds(3):
                text += f"{self.comment(indent)}{indent}else:{self.suite(indent, depth, in_def)}"
        elif kind == "for":
            target = self.pick(("x", "a, b", "(a, b)"))
            text = (
                f"{indent}for {target} in {self.expression()}:{self.suite(indent, depth, in_def)}"
            )
        elif kind == "def":
            head = self.pick(("f()", "g(x, y=1)", "h(a: int = 2, *b, **c) -> str", "k(a,\n  b,)"))
            text = f"{indent}def {head}:{self.suite(indent, depth, True)}"
        else:
            text = f"{indent}while x:\n{indent}  y = '''\nz'''\n{indent}  z\n"
        return self.comment(indent) + text

    # --- rules -----------------------------------------------------------------------------------

    def top(self, indent: str, _: int) -> str:
        name = self.pick(TOP)
        if name in ("localrules", "ruleorder"):
            value = (", " if name == "localrules" else " > ").join(self.chance.sample(NAMES, 3))
            return f"{self.comment(indent)}{indent}{name}: {value}{self.end()}"
        return self.directive(indent, name)

    def directive(self, indent: str, name: str | None = None) -> str:
        name = name or self.pick(DIRECTIVES)
        parts = [self.expression() for _ in range(self.chance.randrange(3))]
        labels = self.chance.sample(NAMES, self.chance.randrange(3))
        parts += [f"{label} {self.pick(('=', '= '))}{self.expression()}" for label in labels]
        inner = indent + self.pick(("    ", "  ", " ", "\t"))
        if self.odds(2) or not parts:
            text = " " + ", ".join(parts)
        else:
            comments = [self.comment(inner) for _ in parts]
            text = self.pick(("", "  # items")) + "\n"
            ends = [",  # c\n" if self.odds(9) else ",\n" for _ in parts]
            ends[-1] = self.pick(("", ",", ",  # last"))
            rows = zip(comments, parts, ends, strict=True)
            text += "".join(f"{comment}{inner}{part}{end}" for comment, part, end in rows)
        return f"{self.comment(indent)}{indent}{name}:{text}{self.end()}"

    def code(self, indent: str) -> str:
        inner = indent + self.pick(("    ", "  ", "\t"))
        lines = (
            f"{inner}import os", f"{inner}if x:\n{inner}    y = 1", f"{inner}z = '''\n  a\n'''",
            f"{inner}# note", f"\n{inner}print(f'{{x}}')",
        )  # fmt: skip
        text = "\n".join(self.chance.sample(lines, self.chance.randrange(1, 4)))
        return f"{indent}run:\n{text}\n{inner}pass\n"

    def rule(self, indent: str, _: int) -> str:
        kind = self.pick(("rule", "rule", "rule", "checkpoint", "module"))
        name = f" {self.pick(NAMES)}{self.chance.randrange(9)}"
        head = f"{self.comment(indent)}{indent}{kind}{name}:"
        if self.odds(8):
            return f"{head} input: {self.strings(0)}{self.end()}"
        inner = indent + self.pick(("    ", "  ", "\t", " "))
        body = "".join(self.directive(inner) for _ in range(self.chance.randrange(1, 5)))
        if self.odds(4):
            body = f'{inner}"""What it is."""\n{body}'
        if self.odds(5):
            body += self.code(inner)
        if self.odds(6):
            body += f"{inner}# last\n"
        return f"{head}{self.end()}{body}"

    def use(self, indent: str, _: int) -> str:
        which = self.pick(("a", "*", "a, b"))
        text = f"{indent}use  rule {which} from m exclude  c as {self.pick(('m_*', '*_x'))}"
        if self.odds(2):
            return f"{text} with:\n{self.directive(indent + '  ')}"
        return text + self.end()


def workflow_text(chance: random.Random, statements: int = 4) -> str:
    """One file of about as many statements."""
    writer = Writer(chance)
    made = []
    for _ in range(chance.randrange(1, statements + 1)):
        writer.left = 60
        made.append(writer.statement("", 0))
    return "".join(made) + writer.comment("")
