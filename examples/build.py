"""Builds the examples' WASM programs from their C sources, the same bytes on every machine.

`build.py` writes the programs and DIGESTS; `build.py --check` builds them aside and fails when
one differs from what is committed.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent
CACHE = EXAMPLES.parent / ".cache" / "zig"
NAMES = ("folding", "raytrace", "signal")
DIGESTS = EXAMPLES / "DIGESTS"

WASM = ("-target", "wasm32-wasi", "-mcpu=lime1", "-s", "-Wl,-z,stack-size=1048576")
"""Flags of the programs that operators run; lime1 is the standard set of widely used features."""

NATIVE = ("-mcpu=baseline", "-lm")
"""Flags of the same programs for this machine's kind of processor, as distributions build."""

_COMPILER = (sys.executable, "-m", "ziglang", "cc")
_FLAGS = ("-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off", "-fno-math-errno")


def main() -> None:
    """Build, or check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with what is committed")
    if not parser.parse_args().check:
        DIGESTS.write_text(build_all(EXAMPLES))
        return
    with tempfile.TemporaryDirectory() as folder:
        digests = build_all(Path(folder))
    committed = "".join(_line(program_path(EXAMPLES, name)) for name in NAMES)
    if not digests == committed == DIGESTS.read_text():
        raise SystemExit(
            f"the programs are not what their sources give: run examples/build.py\n"
            f"built:\n{digests}committed:\n{committed}DIGESTS:\n{DIGESTS.read_text()}"
        )


def build_all(folder: Path) -> str:
    """Build every program under `folder`; return the lines of DIGESTS."""
    for name in NAMES:
        target = program_path(folder, name)
        target.parent.mkdir(exist_ok=True)
        compile_c(EXAMPLES / name / f"{name}.c", target, WASM)
    return "".join(_line(program_path(folder, name)) for name in NAMES)


def program_path(folder: Path, name: str) -> Path:
    """Return where an example's program lies under `folder`."""
    return folder / name / f"{name}.wasm"


def compile_c(source: Path, target: Path, flags: Sequence[str]) -> None:
    """Compile a C source. It is named relative to its folder, so that no path gets in."""
    environment = {
        **os.environ,
        "ZIG_GLOBAL_CACHE_DIR": str(CACHE / "global"),
        "ZIG_LOCAL_CACHE_DIR": str(CACHE / "local"),
    }
    command = [*_COMPILER, *_FLAGS, source.name, *flags, "-o", str(target)]
    subprocess.run(command, cwd=source.parent, env=environment, check=True)  # noqa: S603
    target.chmod(0o644)


def _line(path: Path) -> str:
    return f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.parent.name}/{path.name}\n"


if __name__ == "__main__":
    main()
