"""What a worker can really fetch, check and run: a tile of a picture, and sixteen digits."""

import json
from pathlib import Path

from _chain import ROOT
from _open_jobs import LANES, Content

from worker.client.build import Build
from worker.client.tensor_build import build_tensor
from worker.client.tensor_spec import TensorSpec
from worker.client.wasm_build import build_wasm
from worker.client.wasm_spec import WasmSpec
from worker.storage.locators import encode_locators

_WASM = {
    "name": "tile",
    "program": "raytrace.wasm",
    "inputs": {"scene.txt": "scene.txt"},
    "args": ["{index}", "8", "8", "64", "64"],
    "tasks": {"range": {"from": 0, "to": 1}},
    "batch": 1,
    "seats": 3,
    "price": "0.01",
    "bond": "0.02",
    "limits": {"fuel": "100M", "memory": "32MiB", "output": "1MiB", "files": 4},
    "windows": {"claim": "1h", "run": "1h", "reveal": "1h"},
}
_TENSOR = {
    "name": "digits",
    "kind": "tensor",
    "program": "mlp.ptp",
    "tasks": {"files": "images/*.npy"},
    "batch": 1,
    "price": "0.001",
    "audit": "5%",
    "windows": {"claim": "1h", "run": "1h", "reveal": "1h", "challenge": "1h"},
}


def real_contents(folder: Path) -> dict[str, Content]:
    """Put the blobs of one job of each lane into `folder`; return what their postings say."""
    wasm = WasmSpec.model_validate_json(json.dumps(_WASM))
    tensor = TensorSpec.model_validate_json(json.dumps(_TENSOR))
    examples = ROOT / "examples"
    builds = build_wasm(wasm, examples / "raytrace"), build_tensor(tensor, examples / "digits", [0])
    return {lane: _stored(build, folder) for lane, build in zip(LANES, builds, strict=True)}


def _stored(build: Build, folder: Path) -> Content:
    folder.mkdir(parents=True, exist_ok=True)
    for digest, blob in build.blobs.items():
        with blob.open() as file:
            (folder / digest.hex()).write_bytes(file.read())
    for digest, data in build.documents.items():
        (folder / digest.hex()).write_bytes(data)
    return Content(
        build.program,
        build.inputs_root,
        build.manifest.digest(),
        encode_locators((f"file://{folder.resolve()}/{{digest}}",)),
        len(build.rows),
    )
