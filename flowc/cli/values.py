"""Values of options: from the word on the command line to what it means, or a complaint."""

from argparse import ArgumentTypeError
from typing import TYPE_CHECKING

from flowc.units import GIB, parse_bytes, parse_seconds

if TYPE_CHECKING:  # for --batch alone
    from flowc.plan.options import Batch


def core_count(text: str) -> int | str:
    """A positive number, or `all`."""
    if text == "all":
        return text
    return positive(text)


def positive(text: str) -> int:
    return _whole(text, 1, "a number of 1 or more")


def natural(text: str) -> int:
    return _whole(text, 0, "a number of 0 or more")


def _whole(text: str, least: int, wanted: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise ArgumentTypeError(f"`{text}` is not {wanted}")
    return number


def memory(text: str) -> int:
    """Bytes. A bare number means GB."""
    try:
        size = round(float(text) * GIB)
    except (ValueError, OverflowError):
        try:
            size = parse_bytes(text)
        except (ValueError, OverflowError) as fault:
            raise ArgumentTypeError(str(fault)) from None
    if size <= 0:
        raise ArgumentTypeError(f"`{text}` is not an amount of memory")
    return size


def seconds(text: str) -> float:
    """A bare number means seconds."""
    try:
        wait_s = float(text)
    except ValueError:
        try:
            wait_s = parse_seconds(text)
        except ValueError as fault:
            raise ArgumentTypeError(str(fault)) from None
    if not 0 <= wait_s < 1e9:
        raise ArgumentTypeError(f"`{text}` is not a time to wait")
    return wait_s


def fraction(text: str) -> float:
    """A share, such as 0.25."""
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share < 1e6:
        raise ArgumentTypeError(f"`{text}` is not a share, such as 0.25")
    return share


def pair(text: str) -> tuple[str, str]:
    """`NAME=VALUE`."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise ArgumentTypeError(f"`{text}` is not of the form NAME=VALUE")
    return name.strip(), value.strip()


def count_pair(text: str) -> tuple[str, int]:
    """`NAME=N`."""
    name, value = pair(text)
    return name, natural(value)


def thread_pair(text: str) -> tuple[str, int]:
    """`RULE=N`, at least 1."""
    name, value = pair(text)
    return name, positive(value)


def batch(text: str) -> "Batch":
    """`RULE=I/N`."""
    from flowc.plan.options import Batch  # only where it is used

    rule, value = pair(text)
    number, slash, count = value.partition("/")
    if not (slash and number.isdecimal() and count.isdecimal()):
        raise ArgumentTypeError(f"`{text}` is not of the form RULE=I/N")
    if not 1 <= int(number) <= int(count):
        raise ArgumentTypeError(f"there is no part {number} of {count}")
    return Batch(rule, int(number), int(count))


def figure(text: str) -> int | float | str:
    """A number where it is one, else text such as `2 GB`."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def resource_pair(text: str) -> tuple[str, int | float | str]:
    """`NAME=VALUE`."""
    name, value = pair(text)
    return name, figure(value)


def rule_resource(text: str) -> tuple[str, str, int | float | str]:
    """`RULE:NAME=VALUE`."""
    left, value = pair(text)
    rule, colon, name = left.partition(":")
    if not colon or not rule or not name:
        raise ArgumentTypeError(f"`{text}` is not of the form RULE:NAME=VALUE")
    return rule, name, figure(value)
