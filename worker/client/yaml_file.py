"""Reads YAML from strangers: small, shallow, without aliases or tags, and never guessing types.

Numbers with a point, dates and words such as `no` stay text, so that 0.5 tokens are exact.
"""

import re
from collections.abc import Hashable
from typing import Any

import yaml

from worker.errors import SpecError

MAX_BYTES = 1 << 20
MAX_DEPTH = 16


class _Loader(yaml.SafeLoader):
    """SafeLoader with plain scalars read as in JSON, bounded, without aliases."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            raise _error(event.start_mark, "aliases are not allowed")
        if getattr(event, "tag", None) is not None:
            raise _error(event.start_mark, "tags are not allowed")
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _error(event.start_mark, f"nested deeper than {MAX_DEPTH} levels")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _error(key.start_mark, "a key must be a plain word")
            if key.value in seen:
                raise _error(key.start_mark, f'the key "{key.value}" stands twice')
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:null|~|)$"), None)
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), None)
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^-?(?:0|[1-9]\d*)$"), None)


def parse_yaml(data: bytes) -> Any:
    """Return a document's plain values. Raises SpecError whose path is the line."""
    if len(data) > MAX_BYTES:
        raise SpecError("document", f"larger than {MAX_BYTES} bytes")
    try:
        return yaml.load(data.decode(), Loader=_Loader)  # noqa: S506 - a SafeLoader
    except UnicodeDecodeError as error:
        raise SpecError("document", "not UTF-8 text") from error
    except yaml.MarkedYAMLError as error:
        place = error.problem_mark or error.context_mark
        raise _error(place, error.problem or "not YAML") from error
    except (yaml.YAMLError, ValueError) as error:
        raise SpecError("document", f"not YAML: {str(error).splitlines()[0]}") from error


def _error(mark: Any, message: str) -> SpecError:
    """Place an error; a mark's class depends on how PyYAML was built."""
    if mark is None:
        return SpecError("document", message)
    return SpecError(f"line {mark.line + 1}, column {mark.column + 1}", message)
