"""What the sandbox costs, and that it changes nothing: see docs/benchmarks.md.

Each example runs in the worker's sandboxed child and as the same C built natively with -O2; the
ratio is of processor time, the best of alternating runs, which a busy machine disturbs least.
nbody.c, plain double precision, has no target: it shows the price of canonical NaNs, which the
examples avoid by counting in integers where most time goes. The same tasks then run in processes
that differ in all that must not matter: Python, ulimits, inodes, free memory, folder, environment.

    python bench/wasm.py               measures, writes results/wasm.json
    python bench/wasm.py --records F   prints the records of the programs in folder F
"""

import argparse
import asyncio
import importlib.metadata
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from examples.build import EXAMPLES, NATIVE, WASM, compile_c  # noqa: E402
from worker.executors.base import TaskRun  # noqa: E402
from worker.executors.wasm import WasmExecutor, open_executor  # noqa: E402
from worker.protocol.manifest import Limits  # noqa: E402
from worker.protocol.record import ExitClass  # noqa: E402

RESULT = ROOT / "bench" / "results" / "wasm.json"
TARGETS = {"folding": 1.3, "raytrace": 2.7, "signal": 2.7}
OVERHEAD_TARGET_MS = 15.0
RUNS = 9
OVERHEAD_RUNS = 60
RECORD_RUNS = 10
LIMITS = Limits(fuel=10**12, memory_bytes=64 << 20, output_bytes=1 << 20)
EMPTY = bytes.fromhex(
    "0061736d010000000104016000000302010005030100010713020"
    "66d656d6f72790200065f737461727400000a040102000b"
)
"""A module with a memory and a `_start` that does nothing."""


@dataclass(frozen=True)
class Case:
    """One task of a C program; {in} in an argument is the folder of the inputs."""

    source: Path
    args: tuple[str, ...]
    files: dict[str, Path]


CASES = {
    "folding": Case(
        EXAMPLES / "folding" / "folding.c",
        ("PPPHHPPHHPPPPPHHHHHHHPPHHPPPPHHPPHPP", "1", "5000000"),
        {},
    ),
    "raytrace": Case(
        EXAMPLES / "raytrace" / "raytrace.c",
        ("3", "2", "2", "720", "480"),
        {"scene.txt": EXAMPLES / "raytrace" / "scene.txt"},
    ),
    "signal": Case(
        EXAMPLES / "signal" / "signal.c",
        ("{in}/samples.bin", "-80", "80", "961"),
        {"samples.bin": EXAMPLES / "signal" / "data" / "recording-1.bin"},
    ),
    "nbody": Case(ROOT / "bench" / "nbody.c", ("1000000",), {}),
}


def task_of(name: str, programs: Path, scratch: Path) -> TaskRun:
    """Return a case as a task of its program in the folder `programs`."""
    case = CASES[name]
    args = tuple(argument.replace("{in}", "/in") for argument in case.args)
    program = programs / f"{name}.wasm"
    return TaskRun(program, LIMITS, bytes(32), scratch, 600.0, args, {}, case.files)


def build_programs(folder: Path) -> None:
    """Compile every case to WASM, as the examples' committed programs are."""
    for name, case in CASES.items():
        compile_c(case.source, folder / f"{name}.wasm", WASM)


def build_native(name: str, folder: Path) -> list[str]:
    """Return the command line of a case's native twin, whose root is the new `folder`."""
    (folder / "in").mkdir(parents=True)
    (folder / "out").mkdir()
    for guest, host in CASES[name].files.items():
        shutil.copy(host, folder / "in" / guest)
    binary = folder / name
    compile_c(CASES[name].source, binary, (f'-DROOT="{folder}"', *NATIVE))
    binary.chmod(0o755)
    return [str(binary), *(a.replace("{in}", f"{folder}/in") for a in CASES[name].args)]


def run_native(command: list[str]) -> float:
    """Return the processor seconds that a command takes."""
    started = cpu_of_children()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return cpu_of_children() - started


def cpu_of_children() -> float:
    """Return the processor seconds of all children that were waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


async def measure_ratio(executor: WasmExecutor, name: str, folder: Path) -> dict[str, float | None]:
    """Return the processor seconds of the child, its start included, and natively; the ratio."""
    command = build_native(name, folder / name)
    task = task_of(name, folder, folder)
    await executor.execute(task)
    child = twin = float("inf")
    for _ in range(RUNS):
        execution = await executor.execute(task)
        assert execution.record.exit_class == ExitClass.OK
        child = min(child, execution.cpu_seconds)
        twin = min(twin, run_native(command))
    target = TARGETS.get(name)
    return {"child_cpu_s": child, "native_cpu_s": twin, "ratio": child / twin, "target": target}


async def measure_overhead(executor: WasmExecutor, folder: Path) -> dict[str, float]:
    """Return the milliseconds around an empty program, once it is compiled."""
    program = folder / "empty.wasm"
    program.write_bytes(EMPTY)
    task = TaskRun(program, LIMITS, bytes(32), folder, 60.0)
    await executor.execute(task)
    spent = sorted([(await executor.execute(task)).seconds for _ in range(OVERHEAD_RUNS)])
    return {
        "best_ms": 1000 * spent[0],
        "median_ms": 1000 * statistics.median(spent),
        "p95_ms": 1000 * spent[OVERHEAD_RUNS * 95 // 100],
        "target_ms": OVERHEAD_TARGET_MS,
    }


async def records(programs: Path) -> dict[str, list[str]]:
    """Return the distinct records of each case, "fuel digest", over several runs in a new cache."""
    found: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        executor = await open_executor(folder / "cache")
        for case in CASES:
            runs = [
                await executor.execute(task_of(case, programs, folder)) for _ in range(RECORD_RUNS)
            ]
            lines = {f"{run.record.fuel} {run.record.digest().hex()}" for run in runs}
            found[case] = sorted(lines)
        await executor.close()
    return found


def surroundings(programs: Path) -> dict[str, list[str]]:
    """Return name → command line of processes that differ in what must not matter."""
    here = [sys.executable, str(Path(__file__).resolve()), "--records", str(programs)]
    limited = 'ulimit -S -s 1024; ulimit -n 128; ulimit -c 0; ulimit -u 4000; exec nice -n 3 "$@"'
    found = {
        f"Python {platform.python_version()}": here,
        "small ulimits, another folder": ["bash", "-c", limited, "bash", *here],
        "4 GiB less free memory": [sys.executable, "-c", _BALLAST, *here],
    }
    other = other_python()
    if other is not None:
        version = subprocess.run([other, "-V"], capture_output=True, text=True, check=True).stdout
        found[version.strip()] = [other, *here[1:]]
    return found


_BALLAST = """
import mmap, subprocess, sys
ballast = mmap.mmap(-1, 4 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for page in range(0, 4 << 30, 4096):
    ballast[page] = 1
sys.exit(subprocess.run(sys.argv[1:]).returncode)
"""


def other_python() -> str | None:
    """Return the other supported Python, with what an executor needs, or None where it lacks."""
    minor = "3.12" if sys.version_info < (3, 12) else "3.11"
    folder = ROOT / ".cache" / f"bench-python{minor}"
    python = folder / "bin" / "python"
    names = ("wasmtime", "pydantic", "eth-abi", "eth-utils", "pycryptodome")
    pins = [f"{name}=={importlib.metadata.version(name)}" for name in names]
    try:
        if not python.exists():
            subprocess.run([find_python(minor), "-m", "venv", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*install, *pins], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"Python {minor} is not measured: {error}", file=sys.stderr)
        return None
    return str(python)


def find_python(minor: str) -> str:
    """Return an interpreter's path, also one that pyenv keeps but has not selected."""
    kept = sorted(
        Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob(
            f"versions/{minor}.*/bin/python"
        )
    )
    return str(kept[-1]) if kept else f"python{minor}"


def compare(programs: Path) -> dict[str, object]:
    """Return whether all surroundings gave one record a case. Raises AssertionError otherwise."""
    seen: dict[str, set[str]] = {case: set() for case in CASES}
    names = []
    for name, command in surroundings(programs).items():
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LANG": name}
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                command, env=environment, cwd=folder, stdout=subprocess.PIPE, check=True
            )
        for case, lines in json.loads(done.stdout).items():
            seen[case] |= set(lines)
        names.append(name)
    assert all(len(lines) == 1 for lines in seen.values()), seen
    records_of = {case: lines.pop() for case, lines in seen.items()}
    return {"runs_each": RECORD_RUNS, "surroundings": names, "fuel_and_digest": records_of}


async def measure() -> dict[str, object]:
    """Return all that is measured."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        executor = await open_executor(folder / "cache")
        build_programs(folder)
        ratios = {case: await measure_ratio(executor, case, folder) for case in CASES}
        overhead = await measure_overhead(executor, folder)
        layers = {layer.name: layer.active for layer in executor.sandbox.layers}
        engine = executor.engine
        await executor.close()
        determinism = compare(folder)
    return {
        "command": "python bench/wasm.py",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {cpu_name()}",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "engine": engine,
        "native": "zig cc -O2 -mcpu=baseline",
        "compiler": f"ziglang {importlib.metadata.version('ziglang')}",
        "sandbox": layers,
        "ratios": ratios,
        "overhead": overhead,
        "determinism": determinism,
    }


def cpu_name() -> str:
    """Return what the kernel calls the processor."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), "unknown")


def main() -> None:
    """Measure, or print the records."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=Path, metavar="PROGRAMS")
    programs = parser.parse_args().records
    if programs:
        print(json.dumps(asyncio.run(records(programs))))
        return
    result = asyncio.run(measure())
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(RESULT.read_text())


if __name__ == "__main__":
    main()
