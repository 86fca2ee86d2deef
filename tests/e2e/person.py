"""Somebody at the command line of a machine that reaches the local network."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from worker.cli.exits import Exit


@dataclass
class Person:
    """Somebody with a shell, settings and a folder."""

    settings: Path
    folder: Path

    async def run(self, *words: object, expect: int = Exit.OK, **env: str) -> str:
        """Return what `proofmesh` printed on stdout; it must end with the code `expect`."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "worker", *map(str, words)),
            cwd=self.folder,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(Path.cwd()),
                "PROOFMESH_CONFIG": str(self.settings),
                "XDG_DATA_HOME": str(self.folder / "data"),
                **env,
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), 120)
        assert process.returncode == expect, out.decode() + err.decode()
        return out.decode() if expect == Exit.OK else err.decode()

    async def data(self, *words: object, **env: str) -> Any:
        """Return what `proofmesh … -o json` printed."""
        return json.loads(await self.run(*words, "-o", "json", **env))
