"""`dataclass`, `field`, `fields` and `replace` as in the standard library, quick to define.

Type checkers see the standard library's; what runs is `flowc.lightclass`.
"""

TYPE_CHECKING = False  # type checkers take it for true; `typing` itself is slow to import

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
    from dataclasses import field as field
    from dataclasses import fields as fields
    from dataclasses import replace as replace
else:
    from flowc.lightclass import dataclass, field, fields, replace

__all__ = ["dataclass", "field", "fields", "replace"]
