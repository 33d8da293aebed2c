"""Data classes that cost a twentieth of the standard library's to define.

The standard decorator writes and compiles the methods of a class where the class is defined: some
0.4 ms each, and the import of `inspect`; with a hundred classes that is a third of the time in
which a small workflow is to be planned. Here `__init__` is compiled when the first object of a
class is made, and all classes share the other methods. What is supported is what flowc needs:
`frozen`, `slots`, `eq`, `repr`, defaults, `default_factory`, `__post_init__`, inheritance. Import
them from `flowc.dataclass`, by which type checkers take them for the standard ones.
"""

from __future__ import annotations

from _operator import attrgetter  # `operator` itself is written in Python

TYPE_CHECKING = False  # `typing` would take longer than all the rest
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_NONE: Any = object()


class Field:
    """One field: its name, its annotation and its default."""

    __slots__ = ("default", "default_factory", "init", "name", "repr", "type")

    def __init__(
        self,
        default: Any = _NONE,
        default_factory: Any = _NONE,
        *,
        repr: bool = True,
        init: bool = True,
    ) -> None:
        self.default, self.default_factory = default, default_factory
        self.repr, self.init = repr, init
        self.name, self.type = "", None


def field(
    *, default: Any = _NONE, default_factory: Any = _NONE, repr: bool = True, init: bool = True
) -> Any:
    """A field with more to say than a default. Without `init`, `__post_init__` sets it."""
    return Field(default, default_factory, repr=repr, init=init)


def dataclass(
    cls: Any = None,
    /,
    *,
    frozen: bool = False,
    slots: bool = False,
    eq: bool = True,
    repr: bool = True,
) -> Any:
    """Give a class what its annotations say. Raises ValueError for a mutable default."""
    if cls is None:
        return lambda cls: _make(cls, frozen, slots, eq, repr)
    return _make(cls, frozen, slots, eq, repr)


def fields(cls: Any) -> tuple[Field, ...]:
    """The fields of a class or an object, in order."""
    return tuple(cls.__fields__.values())


def replace(one: Any, /, **changes: Any) -> Any:
    """A copy with some fields changed. Raises TypeError for a field that is not there."""
    for name, known in one.__fields__.items():
        if known.init and name not in changes:
            changes[name] = getattr(one, name)
    return type(one)(**changes)


def _make(cls: Any, frozen: bool, slots: bool, eq: bool, repr: bool) -> Any:
    """The class with its methods; a new one if it is to have slots."""
    own = _own_fields(cls)
    known = {**getattr(cls, "__fields__", {}), **own}
    body = dict(cls.__dict__)
    for name in own:
        body.pop(name, None)
    if slots:
        cells = [name for name in own if name not in _slots_of(cls)]
        body["__slots__"] = tuple(cells)
        body.pop("__dict__", None)
        body.pop("__weakref__", None)
    else:
        for name, one in own.items():
            if one.default is not _NONE:
                setattr(cls, name, one.default)
            elif name in cls.__dict__:
                delattr(cls, name)
    methods: dict[str, Any] = {
        "__fields__": known,
        "__dataclass_fields__": _StandardFields(),
        "__match_args__": tuple(known),
        "__frozen__": frozen,
        "__init__": _first_init,
    }
    if repr:
        methods["__repr__"] = _repr
    if eq:
        methods["__eq__"] = _eq
        if "__hash__" not in body or body["__hash__"] is None:
            methods["__hash__"] = _hash if frozen else None
    if frozen:
        methods["__setattr__"] = methods["__delattr__"] = _refuse
    kept = ("__repr__", "__eq__", "__init__", "__match_args__")
    methods = {k: v for k, v in methods.items() if k not in kept or k not in cls.__dict__}
    if slots:
        made = type(cls)(cls.__name__, cls.__bases__, {**body, **methods})
        made.__qualname__ = cls.__qualname__
        return made
    for name, method in methods.items():
        setattr(cls, name, method)
    return cls


def _own_fields(cls: Any) -> dict[str, Field]:
    own: dict[str, Field] = {}
    for name, annotation in cls.__annotations__.items():
        if "ClassVar" in (annotation if isinstance(annotation, str) else str(annotation)[:24]):
            continue
        value = cls.__dict__.get(name, _NONE)
        one = value if isinstance(value, Field) else Field(value)
        if isinstance(one.default, list | dict | set):
            raise ValueError(f"`{name}` of {cls.__name__} needs a default_factory")
        one.name, one.type = name, annotation
        own[name] = one
    return own


def _slots_of(cls: Any) -> set[str]:
    return {name for base in cls.__mro__[1:] for name in base.__dict__.get("__slots__", ())}


def _first_init(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Stands in for `__init__` until an object is made for the first time."""
    for cls in type(self).__mro__:
        if cls.__dict__.get("__init__") is _first_init:
            init = _compile_init(cls)
            type.__setattr__(cls, "__init__", init)
            return init(self, *args, **kwargs)
    raise AssertionError("no class of this object waits for its __init__")


def _compile_init(cls: Any) -> Callable[..., None]:
    known: dict[str, Field] = cls.__fields__
    scope: dict[str, Any] = {"_NONE": _NONE, "_put": object.__setattr__}
    parameters: list[str] = []
    lines: list[str] = []
    for name, one in known.items():
        value = name
        if not one.init:
            continue
        if one.default_factory is not _NONE:
            scope[f"_make_{name}"] = one.default_factory
            parameters.append(f"{name}=_NONE")
            value = f"_make_{name}() if {name} is _NONE else {name}"
        elif one.default is not _NONE:
            scope[f"_default_{name}"] = one.default
            parameters.append(f"{name}=_default_{name}")
        else:
            parameters.append(name)
        if not cls.__frozen__:
            lines.append(f" self.{name} = {value}")
            continue
        cell: Any = getattr(cls, name, None)
        if type(cell).__name__ == "member_descriptor":  # quicker than object.__setattr__
            scope[f"_put_{name}"] = cell.__set__
            lines.append(f" _put_{name}(self, {value})")
        else:
            lines.append(f" _put(self, {name!r}, {value})")
    if hasattr(cls, "__post_init__"):
        lines.append(" self.__post_init__()")
    text = f"def __init__(self, {', '.join(parameters)}):\n" + ("\n".join(lines) or " pass")
    exec(text, scope)  # of flowc's own field names; never of anything a user wrote
    init: Callable[..., None] = scope["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    return init


def _values(one: Any) -> Any:
    cls: Any = type(one)
    if "__values__" not in cls.__dict__:
        names = tuple(cls.__fields__)
        cls.__values__ = staticmethod(attrgetter(*names) if names else lambda one: ())
    return cls.__values__(one)


def _eq(self: Any, other: object) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return self is other or _values(self) == _values(other)


def _hash(self: Any) -> int:
    return hash(_values(self))


def _repr(self: Any) -> str:
    known: dict[str, Field] = self.__fields__
    shown = ", ".join(f"{n}={getattr(self, n)!r}" for n, one in known.items() if one.repr)
    return f"{type(self).__qualname__}({shown})"


def _refuse(self: Any, name: str, *value: object) -> None:
    raise AttributeError(f"{type(self).__name__} is frozen: `{name}` cannot be changed")


class _StandardFields:
    """`__dataclass_fields__`, made when the standard library's functions ask for it."""

    def __get__(self, one: Any, owner: Any) -> dict[str, Any]:
        import dataclasses  # slow; and only its own functions come here

        made: dict[str, Any] = {}
        for name, known in owner.__fields__.items():
            standard: Any = dataclasses.field()
            if known.default is not _NONE:
                standard.default = known.default
            if known.default_factory is not _NONE:
                standard.default_factory = known.default_factory
            standard.init, standard.repr = known.init, known.repr
            standard.name, standard.type = name, known.type
            standard._field_type = dataclasses._FIELD  # type: ignore[attr-defined]
            made[name] = standard
        return made
