"""What `update(...)` changes is kept aside until its job has ended well.

The name of the copy depends on the path alone: where flowc was killed, the next run finds it, and
takes back what the job had half changed.
"""

import os
from contextlib import suppress
from hashlib import blake2b

PLACE = ".flowc/kept"
_NOTHING = "nothing was there"
"""What a copy points at where there was nothing to copy: else a half-made file would be taken for
what there was, if flowc were killed."""


def keep(path: str) -> None:
    """Copy a file or directory aside. If a copy is there, a run was killed: that one is good."""
    from shutil import copy2, copytree  # few jobs update files

    aside = _aside(path)
    if os.path.lexists(aside):
        put_back(path, lasting=True)
        return
    os.makedirs(PLACE, exist_ok=True)
    unfinished = f"{aside}.part"
    _remove(unfinished)
    if not os.path.lexists(path):
        os.symlink(_NOTHING, unfinished)
    elif os.path.isdir(path):
        copytree(path, unfinished, symlinks=True)
    else:
        copy2(path, unfinished)
    os.rename(unfinished, aside)


def put_back(path: str, *, lasting: bool = False) -> bool:
    """Have the copy in place of what is there; whether there was one. `lasting`: and keep it."""
    from shutil import copy2, copytree

    aside = _aside(path)
    if not os.path.lexists(aside):
        return False
    _remove(path)
    if os.path.islink(aside):  # there was nothing
        if not lasting:
            os.unlink(aside)
    elif not lasting:
        os.rename(aside, path)
    elif os.path.isdir(aside):
        copytree(aside, path, symlinks=True)
    else:
        copy2(aside, path)
    return True


def forget(path: str) -> None:
    """The job has ended well: the copy may go."""
    with suppress(OSError):
        _remove(_aside(path))


def _aside(path: str) -> str:
    return f"{PLACE}/{blake2b(os.fsencode(path), digest_size=16).hexdigest()}"


def _remove(path: str) -> None:
    from shutil import rmtree

    if os.path.isdir(path) and not os.path.islink(path):
        rmtree(path)
    else:
        with suppress(FileNotFoundError):
            os.unlink(path)
