"""The contracts as the tests get them, compiled anew where a changed source is part of them."""

import shutil
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import ape
import boa
from ape.managers.project import ContractManager
from boa.contracts.vyper.vyper_contract import VyperContract
from boa.interpret import _compute_source_map, set_cache_dir
from ethpm_types.contract_type import Bytecode
from vyper.compiler.phases import CompilerData
from vyper.compiler.settings import anchor_settings
from vyper.ir.compile_ir import assembly_to_evm
from vyper.semantics.analysis.base import ModuleInfo
from vyper.semantics.types.module import ModuleT

from scripts.mutants.sites import Mutant

SETTINGS = {"evm_version": "cancun"}


class Refused(Exception):
    """The mutant cannot be deployed: it does not compile."""


class Builds:
    """Answers `boa.load_partial` and ape's `project.Name`, with at most one mutant in force."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._load = boa.load_partial
        self._deployers: dict[str, Any] = {}
        self._changed: Path | None = None
        self.parts: dict[str, frozenset[str]] = {}
        """The sources, by name, that each contract is made of."""
        self.refused: str | None = None
        """Why the mutant in force cannot be deployed, once that is known."""
        self.given_to_ape: set[str] = set()
        """The contracts that were asked for through ape."""

    def warm_up(self) -> None:
        """Compile every contract as it is.

        Raises RuntimeError when ape's are not the same, or a source is part of none.
        """
        set_cache_dir(self._root / ".cache" / "boa")
        types = ape.project.manifest.contract_types or {}
        paths = sorted((self._root / "contracts").rglob("*.vy"))
        for path in paths:
            if "modules" in path.parts:
                continue
            deployer = self.load_partial(str(path.relative_to(self._root)))
            name = path.stem
            self.parts[name] = sources_of(deployer)
            code = deployer.compiler_data.bytecode_runtime  # without the hash of sources and paths
            if _ape_code(code) != types[name].runtime_bytecode:
                raise RuntimeError(f"{name} is not what `ape compile` made: run `make compile`")
        unused = {source_name(str(path)) for path in paths}.difference(*self.parts.values())
        if unused:
            raise RuntimeError(f"parts of no contract: {unused}")

    def install(self) -> None:
        """Stand between the tests and their contracts, in this process."""
        boa.load_partial = self.load_partial
        original = ContractManager.get

        def get(manager: ContractManager, name: str, *args: Any, **kwargs: Any) -> Any:
            self.given_to_ape.add(name)
            self._put_into_ape(name)
            return original(manager, name, *args, **kwargs)

        CompilerData.source_map = cached_property(_compute_source_map)  # boa's cache is off
        CompilerData.source_map.__set_name__(CompilerData, "source_map")
        VyperContract._deployment_source_map = property(_deployment_source_map)
        setattr(ContractManager, "get", get)  # noqa: B010 mypy sees a method there

    def change(self, mutant: Mutant, folder: Path) -> None:
        """Let contracts be made with the mutant; `folder` is empty, and kept until the end."""
        shutil.copytree(self._root / "contracts", folder / "contracts")
        source = folder / "contracts" / mutant.source
        source.write_text(mutant.apply(source.read_text()))
        set_cache_dir(None)  # nobody asks for a mutant twice
        self._changed = folder
        for name in list(self._deployers):
            if mutant.source in self.parts[Path(name).stem]:
                del self._deployers[name]

    def load_partial(self, filename: str, compiler_args: Any = None) -> Any:
        """Return the deployer of contracts/….vy, as boa's own does. Raises Refused."""
        assert compiler_args in (None, SETTINGS), "the tests compile for one machine only"
        if filename not in self._deployers:
            path = filename if self._changed is None else str(self._changed / filename)
            self._deployers[filename] = self._compile(path)
        return self._deployers[filename]

    def _compile(self, path: str) -> Any:
        try:
            deployer = self._load(path, compiler_args=SETTINGS)
            deployer.compiler_data.bytecode  # noqa: B018 compiles
        except Exception as error:  # the compiler's own faults too: a mutant may find one
            self.refused = f"{type(error).__name__}: {str(error).splitlines()[0]}"
            raise Refused(self.refused) from error
        return deployer

    def _put_into_ape(self, name: str) -> None:
        contract = (ape.project.manifest.contract_types or {}).get(name)
        if self._changed is None or contract is None or not contract.source_id.endswith(".vy"):
            return
        code = self.load_partial(contract.source_id).compiler_data
        contract.deployment_bytecode = _ape_code(code.bytecode)
        contract.runtime_bytecode = _ape_code(code.bytecode_runtime)


def _deployment_source_map(contract: VyperContract) -> Any:
    """Return what boa computes at each deployment, a second of work, once for each build."""
    data = contract.compiler_data
    if not hasattr(data, "deployment_source_map"):
        with anchor_settings(data.settings):
            data.deployment_source_map = assembly_to_evm(data.assembly)[1]
    return data.deployment_source_map


def _ape_code(code: bytes) -> Bytecode:
    return Bytecode(bytecode=f"0x{code.hex()}")


def sources_of(deployer: Any) -> frozenset[str]:
    """Return the sources under contracts/, by name, that a contract is made of."""
    return frozenset(_sources(deployer.compiler_data.annotated_vyper_module._metadata["type"]))


def _sources(module: ModuleT) -> Iterator[str]:
    name = source_name(module._module.resolved_path)
    if name:
        yield name
    for statement in module.import_stmts:
        imported = statement._metadata["import_info"].typ
        if isinstance(imported, ModuleInfo):
            yield from _sources(imported.module_t)


def source_name(path: str | None) -> str | None:
    """Return the name under contracts/ of a source of ours, None for a library's or a test's."""
    return path.rpartition("/contracts/")[2] if path and "/contracts/" in path else None
