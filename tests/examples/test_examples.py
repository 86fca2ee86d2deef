"""The examples do what their READMEs say, from the programs that are committed."""

import asyncio
import csv
import hashlib

import pytest

from examples import build
from examples.raytrace.assemble import assemble
from worker.executors.base import TaskRun
from worker.executors.wasm import open_executor
from worker.protocol.bundle import Bundle
from worker.protocol.manifest import Limits
from worker.protocol.record import ExitClass

LIMITS = Limits(fuel=10**10, memory_bytes=16 << 20, output_bytes=1 << 20)
STEPS = {"E": (1, 0), "N": (0, 1), "W": (-1, 0), "S": (0, -1)}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run a task of an example; return its outputs."""
    folder = tmp_path_factory.mktemp("examples")
    executor = asyncio.run(open_executor(folder / "cache"))

    async def execute(name, *args, **files):
        paths = {path.name: path for path in files.values()}
        program = build.program_path(build.EXAMPLES, name)
        task = TaskRun(program, LIMITS, bytes(32), folder, 60.0, args, {}, paths)
        execution = await executor.execute(task)
        assert execution.record.exit_class == ExitClass.OK
        with execution.bundle.open("rb") as file:
            bundle = Bundle(file)
            return {entry.name: bundle.read(entry.name) for entry in bundle.entries}

    yield execute
    asyncio.run(executor.close())


def folding_rows():
    with (build.EXAMPLES / "folding" / "tasks.csv").open() as file:
        return list(csv.DictReader(file))


def energy_of(sequence, fold):
    """Count the contacts of a fold, after checking that it does not cross itself."""
    places = [(0, 0)]
    for step in fold:
        places.append((places[-1][0] + STEPS[step][0], places[-1][1] + STEPS[step][1]))
    assert len(set(places)) == len(places) == len(sequence)
    number = {place: i for i, place in enumerate(places)}
    pairs = [
        (i, number[(x + dx, y + dy)])
        for i, (x, y) in enumerate(places)
        for dx, dy in STEPS.values()
        if (x + dx, y + dy) in number
    ]
    return -sum(j - i > 1 and sequence[i] == sequence[j] == "H" for i, j in pairs)


@pytest.mark.parametrize("row", folding_rows()[::4], ids=lambda row: str(len(row["sequence"])))
async def test_folding__benchmark_sequence__reaches_the_best_known_energy(run, row):
    found = await run("folding", row["sequence"], row["seed"], "2000000")

    first, second = found["stdout"].decode().splitlines()
    assert first == f"energy {row['best_known']}"
    assert energy_of(row["sequence"], second.removeprefix("fold ")) == int(row["best_known"])


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, None), (1, ("37.500", "4211")), (3, ("-62.000", "9876")), (6, ("11.000", "15002"))],
)
async def test_signal__recording__finds_what_is_hidden_and_nothing_else(run, number, expected):
    path = build.EXAMPLES / "signal" / "data" / f"recording-{number}.bin"

    found = await run("signal", f"/in/{path.name}", "-80", "80", "321", samples=path)

    candidates = [line.split() for line in found["stdout"].decode().splitlines()]
    strong = [tuple(fields[:2]) for fields in candidates if float(fields[2]) > 20]
    assert strong == ([expected] if expected else [])


async def test_raytrace__tiles__join_to_the_whole_picture(run, tmp_path):
    scene = build.EXAMPLES / "raytrace" / "scene.txt"
    tiles = []
    for index in range(6):
        found = await run("raytrace", str(index), "3", "2", "100", "60", scene=scene)
        tiles.append(tmp_path / f"tile-{index}.ppm")
        tiles[-1].write_bytes(found["out/tile.ppm"])
    whole = tmp_path / "whole.ppm"
    whole.write_bytes(
        (await run("raytrace", "0", "1", "1", "100", "60", scene=scene))["out/tile.ppm"]
    )

    picture = assemble(tiles, 3)

    assert picture.size == (100, 60)
    assert picture.tobytes() == assemble([whole], 1).tobytes()
    assert len(picture.getcolors(6000)) > 1000


def test_assemble__tiles_missing__raises():
    with pytest.raises(ValueError, match="do not fill rows"):
        assemble([], 3)


def test_digests__committed_programs__are_what_they_say():
    lines = [line.split() for line in build.DIGESTS.read_text().splitlines()]

    assert [path for _, path in lines] == [f"{name}/{name}.wasm" for name in build.NAMES]
    for digest, path in lines:
        content = (build.EXAMPLES / path).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest
        assert str(build.EXAMPLES).encode() not in content


@pytest.mark.slow
def test_build__another_folder__gives_the_same_bytes(tmp_path):
    for name in build.NAMES:
        source = tmp_path / name / f"{name}.c"
        source.parent.mkdir()
        source.write_bytes((build.EXAMPLES / name / f"{name}.c").read_bytes())
        build.compile_c(source, source.with_suffix(".wasm"), build.WASM)

        committed = build.program_path(build.EXAMPLES, name).read_bytes()
        assert source.with_suffix(".wasm").read_bytes() == committed
