"""bubblewrap: namespaces of their own around the process that all jobs are forked from.

Its world is read-only Python and system libraries: no network, no other processes, no home.
"""

import shutil
import sys
from pathlib import Path

_SYSTEM = (
    *("--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin"),
    *("--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64"),
    *("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"),  # noqa: S108 - the sandbox's own
)
# --die-with-parent watches the thread that starts us: the event loop's, which outlives its pool
_ISOLATION = (
    "--unshare-all",
    "--new-session",
    "--die-with-parent",
    "--cap-drop",
    "ALL",
    "--clearenv",
)


def find() -> str | None:
    """Return bubblewrap's path, or None where it is not installed."""
    return shutil.which("bwrap")


def wrap(bwrap: str, command: list[str], visible: list[Path]) -> list[str]:
    """Return `command` to be run inside, with Python and the folders of `visible` readable."""
    folders = {*visible, Path(sys.prefix), Path(sys.base_prefix), *_linked(Path(sys.executable))}
    binds: list[str] = []
    for folder in sorted(folders):
        if not folder.is_relative_to("/usr"):
            binds += ["--ro-bind", str(folder), str(folder)]
    return [bwrap, *_SYSTEM, *binds, *_ISOLATION, "--", *command]


def _linked(path: Path) -> set[Path]:
    """Return the prefixes of every interpreter that `path`'s chain of links passes."""
    folders = set()
    while path.is_symlink():
        path = path.parent / path.readlink()
        folders.add(path.parent.parent.resolve())
    return folders
