"""The small mistakes that a test should notice: for a node of the tree, what to write instead."""

from collections.abc import Callable, Iterator
from itertools import pairwise

from vyper import ast as vy_ast

from scripts.mutants.source import Node, Source, Span

Change = tuple[str, Span, str]
"""Kind of the mistake, the characters to replace, and what stands there instead."""

COMPARISONS = {
    "<": ("<=", ">="),
    "<=": ("<", ">"),
    ">": (">=", "<="),
    ">=": (">", "<"),
    "==": ("!=",),
    "!=": ("==",),
    "in": ("not in",),
    "not in": ("in",),
}
# A swap of < and <= moves the bound by one in one direction; this moves it in the other.
BOUNDS = {"<": "-", "<=": "+", ">": "+", ">=": "-"}
ARITHMETIC = {
    "+": "-",
    "-": "+",
    "*": "//",
    "//": "*",
    "%": "//",
    "**": "*",
    "<<": ">>",
    ">>": "<<",
    "&": "|",
    "|": "&",
    "^": "&",
}
FUNCTIONS = {
    "unsafe_add": "unsafe_sub",
    "unsafe_sub": "unsafe_add",
    "unsafe_mul": "unsafe_div",
    "unsafe_div": "unsafe_mul",
    "min": "max",
    "max": "min",
}
BINARY_SYMBOLS = {
    "Add": "+",
    "Sub": "-",
    "Mult": "*",
    "FloorDiv": "//",
    "Mod": "%",
    "Pow": "**",
    "LShift": "<<",
    "RShift": ">>",
    "BitAnd": "&",
    "BitOr": "|",
    "BitXor": "^",
}
COMPARE_SYMBOLS = {
    "Lt": "<",
    "LtE": "<=",
    "Gt": ">",
    "GtE": ">=",
    "Eq": "==",
    "NotEq": "!=",
    "In": "in",
    "NotIn": "not in",
}


def in_expression(source: Source, node: Node) -> Iterator[Change]:
    """Yield what may be mistaken at one node of an expression."""
    if change := EXPRESSIONS.get(type(node)):
        yield from change(source, node)


def in_condition(source: Source, test: Node) -> Iterator[Change]:
    """Yield the opposite of a condition that is one value: the rest have operators to change."""
    if isinstance(test, vy_ast.Name | vy_ast.Attribute | vy_ast.Call | vy_ast.StaticCall):
        yield "boolean", source.span(test), f"not ({source.of(test)})"


def in_statement(source: Source, statement: Node, returns: Node | None) -> Iterator[Change]:
    """Yield the statement left out, or another value returned; `returns` is the function's type."""
    if isinstance(statement, vy_ast.Return) and statement.value is not None:
        yield from _returned(source, statement.value, returns)
    elif kind := DROPPED.get(type(statement)):
        yield kind, source.span(statement), "pass"


def _returned(source: Source, value: Node, returns: Node | None) -> Iterator[Change]:
    assert returns is not None, "Vyper lets nothing be returned from a function without a type"
    other = f"not ({source.of(value)})" if source.of(returns) == "bool" else _empty(source, returns)
    if source.of(value) not in (other, "0"):
        yield "return", source.span(value), other


def _empty(source: Source, returns: Node) -> str:
    if isinstance(returns, vy_ast.Tuple):
        return ", ".join(_empty(source, element) for element in returns.elements)
    return f"empty({source.of(returns)})"


def _compare(source: Source, node: Node) -> Iterator[Change]:
    symbol = COMPARE_SYMBOLS[type(node.op).__name__]
    place = source.symbol(node.left, symbol, node.right)
    for other in COMPARISONS[symbol]:
        yield "comparison", place, other
    if symbol in BOUNDS and not isinstance(node.right, vy_ast.Int):  # a number is changed as such
        shifted = f"(({source.of(node.right)}) {BOUNDS[symbol]} 1)"
        yield "bound", source.span(node.right), shifted


def _arithmetic(source: Source, node: Node) -> Iterator[Change]:
    symbol = BINARY_SYMBOLS[type(node.op).__name__]
    yield "arithmetic", source.symbol(node.left, symbol, node.right), ARITHMETIC[symbol]


def _in_place(source: Source, node: Node) -> Iterator[Change]:
    symbol = BINARY_SYMBOLS[type(node.op).__name__]
    place = source.symbol(node.target, f"{symbol}=", node.value)
    yield "arithmetic", place, f"{ARITHMETIC[symbol]}="


def _junction(source: Source, node: Node) -> Iterator[Change]:
    symbol, other = ("and", "or") if isinstance(node.op, vy_ast.And) else ("or", "and")
    for left, right in pairwise(node.values):
        yield "boolean", source.symbol(left, symbol, right), other


def _unary(source: Source, node: Node) -> Iterator[Change]:
    kind = "boolean" if isinstance(node.op, vy_ast.Not) else "arithmetic"
    yield kind, source.span(node), f"({source.of(node.operand)})"


def _number(source: Source, node: Node) -> Iterator[Change]:
    yield "constant", source.span(node), str(node.value + 1)
    if node.value > 0:
        yield "constant", source.span(node), str(node.value - 1)


def _truth(source: Source, node: Node) -> Iterator[Change]:
    yield "constant", source.span(node), str(not node.value)


def _call(source: Source, node: Node) -> Iterator[Change]:
    name = source.of(node.func)
    if name in FUNCTIONS:
        yield "arithmetic", source.span(node.func), FUNCTIONS[name]


def _choice(source: Source, node: Node) -> Iterator[Change]:
    yield from in_condition(source, node.test)


EXPRESSIONS: dict[type, Callable[[Source, Node], Iterator[Change]]] = {
    vy_ast.Compare: _compare,
    vy_ast.BinOp: _arithmetic,
    vy_ast.AugAssign: _in_place,
    vy_ast.BoolOp: _junction,
    vy_ast.UnaryOp: _unary,
    vy_ast.Int: _number,
    vy_ast.NameConstant: _truth,
    vy_ast.Call: _call,
    vy_ast.IfExp: _choice,
}

DROPPED = {
    vy_ast.Assert: "check",
    vy_ast.Raise: "check",
    vy_ast.Assign: "write",
    vy_ast.AugAssign: "write",
    vy_ast.Expr: "call",
    vy_ast.Log: "event",
    vy_ast.Return: "return",
    vy_ast.Break: "jump",
    vy_ast.Continue: "jump",
}
