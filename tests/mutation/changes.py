"""What may be wrong at one place of a program: a node of the syntax tree goes in, the nodes that could stand there instead come out.

Only changes that a test of behaviour can see are made, and few that any test must see (a name that is gone kills every run and proves
nothing): no imports, annotations, decorators, docstrings, asserts (they are for our own mistakes), names of errors that are caught, nor the
wording within f-strings.
"""

import ast
import copy
from collections.abc import Callable, Iterator
from typing import TypeVar

Node = TypeVar("Node", bound=ast.AST)

COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
"""Each comparison becomes its opposite, and one with a boundary also loses or gains that."""

RECKONED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitAnd: ast.BitOr,
}

CALLED = {"min": "max", "max": "min", "any": "all", "all": "any"}
KEPT = {"abs", "round", "sorted", "reversed", "min", "max"}
"""Calls that may be left out with their first argument in their place."""

TYPES = ("int", "float", "str", "bytes", "None")

EMPTY = {"list": "[]", "Outputs": "()", "tuple": "()", "dict": "{}", "Sequence": "()", "str": "''"}
"""What a function of that kind returns when it does nothing."""

FLOAT_OFF = 0.1
"""A boundary that may be moved by a tenth without a test noticing is not tested."""

Members = Callable[[str, str], str | None]
"""Of an enum's class and member, the name of the next member; None when the class is no enum."""


def text(source: str) -> ast.expr:
    """An expression."""
    return ast.parse(source, mode="eval").body


def of_expression(node: ast.expr, member_after: Members) -> Iterator[ast.expr]:
    """All that could stand in the place of an expression."""
    match node:
        case ast.Compare(ops=ops):
            for i, op in enumerate(ops):
                for other in COMPARED[type(op)]:
                    yield _with(node, ops=[*ops[:i], other(), *ops[i + 1 :]])
        case ast.BinOp() | ast.BoolOp() | ast.UnaryOp():
            yield from _of_operation(node)
        case ast.IfExp(test=test):
            yield from (_with(node, test=negated) for negated in of_condition(test))
        case ast.Constant(value=value):
            yield from (ast.Constant(changed) for changed in of_value(value))
        case ast.Attribute(value=ast.Name(id="math"), attr="inf"):
            yield ast.Constant(0.0)
        case ast.Attribute(value=ast.Name(id=owner), attr=attr):
            if (member := member_after(owner, attr)) is not None:
                yield _with(node, attr=member)
        case ast.Call():
            yield from _of_call(node)
        case ast.List() | ast.Set() | ast.Tuple() | ast.Dict():
            yield from _of_collection(node)
        case ast.Subscript(value=inner, slice=ast.Slice()):
            yield inner


def _of_operation(node: ast.BinOp | ast.BoolOp | ast.UnaryOp) -> Iterator[ast.expr]:
    match node:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            if not any(isinstance(side, ast.Set) or ast.unparse(side) in TYPES for side in (left, right)):  # of those the order is nothing
                yield _with(node, left=right, right=left)
            yield left
        case ast.BinOp(op=op) if type(op) in RECKONED:
            yield _with(node, op=RECKONED[type(op)]())
        case ast.BoolOp(op=op, values=values):
            yield _with(node, op=ast.Or() if isinstance(op, ast.And) else ast.And())
            for i in range(len(values)):
                rest = values[:i] + values[i + 1 :]
                yield rest[0] if len(rest) == 1 else _with(node, values=rest)
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand


def _of_collection(node: ast.List | ast.Set | ast.Tuple | ast.Dict) -> Iterator[ast.expr]:
    """One of them less. Not of a pair, which would be another type and no pair any more."""
    if isinstance(node, ast.Dict):
        keys, values = node.keys, node.values
        yield from (_with(node, keys=keys[:i] + keys[i + 1 :], values=values[:i] + values[i + 1 :]) for i in range(len(keys)))
        return
    elts = node.elts
    if not isinstance(node, ast.Tuple) or len(elts) > 2 or any(isinstance(inner, ast.Starred | ast.Tuple) for inner in elts):
        yield from (_with(node, elts=elts[:i] + elts[i + 1 :]) for i in range(len(elts)))


def of_condition(test: ast.expr) -> Iterator[ast.expr]:
    """The opposite of a condition; a comparison and a `not` are turned round by themselves."""
    if not isinstance(test, ast.Compare) and not (isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)):
        yield ast.UnaryOp(ast.Not(), test)


def of_value(value: object) -> Iterator[bool | int | float | str | bytes]:
    """What a literal could have been by mistake."""
    match value:
        case bool():
            yield not value
        case int():
            yield from (value + 1, value - 1)
        case float():
            yield from (value * (1 + FLOAT_OFF), value * (1 - FLOAT_OFF)) if value else (1.0,)
        case str():
            yield value + "~"
        case bytes():
            yield value + b"~"


def _of_call(node: ast.Call) -> Iterator[ast.expr]:
    args, keywords = node.args, node.keywords
    plain = not any(isinstance(arg, ast.Starred) for arg in args)
    if isinstance(node.func, ast.Name):
        called = node.func.id
        if called in CALLED:
            yield _with(node, func=ast.Name(CALLED[called], ast.Load()))
        if called in KEPT and args and not isinstance(args[0], ast.Starred | ast.GeneratorExp):
            yield args[0]
        if called in ("min", "max") and len(args) > 1:
            yield from (_with(node, args=args[:i] + args[i + 1 :]) for i in range(len(args) - (len(args) == 2)) if i or len(args) > 2)
            if len(args) == 2 and not isinstance(args[1], ast.Starred):
                yield args[1]
        if called.lstrip("_")[:1].isupper() and len(args) > 1 and plain and not keywords:
            yield _with(node, args=args[:-1])
    yield from (_with(node, keywords=keywords[:i] + keywords[i + 1 :]) for i in range(len(keywords)))


def of_pattern(node: ast.pattern) -> Iterator[ast.pattern]:
    """What else a `case` could take."""
    match node:
        case ast.MatchValue(value=ast.Constant(value=value)):
            yield from (ast.MatchValue(ast.Constant(other)) for other in of_value(value))
        case ast.MatchSingleton(value=bool() as value):
            yield ast.MatchSingleton(not value)
        case ast.MatchClass(kwd_attrs=names, kwd_patterns=patterns):
            for i, inner in enumerate(patterns):
                if not any(isinstance(sub, ast.MatchAs | ast.MatchStar) for sub in ast.walk(inner)):
                    yield _with(node, kwd_attrs=names[:i] + names[i + 1 :], kwd_patterns=patterns[:i] + patterns[i + 1 :])
        case ast.MatchOr(patterns=patterns):
            for i in range(len(patterns)):
                rest = patterns[:i] + patterns[i + 1 :]
                yield rest[0] if len(rest) == 1 else _with(node, patterns=rest)


def of_statement(node: ast.stmt, returns: ast.expr | None, once: frozenset[str] | None, beginning: bool) -> Iterator[ast.stmt]:
    """A statement undone, or with its condition turned round.

    `returns`: what the function around it says to return; `once`: names set at one place only, which cannot be left out (None: all);
    `beginning`: it stands in an `__init__`, whose attributes cannot be left out either.
    """
    match node:
        case ast.Return(value=None) | ast.Raise() | ast.Break() | ast.Continue() | ast.Delete():
            yield ast.Pass()
        case ast.Return(value=value) if value is not None:
            empty = _empty(returns)
            if isinstance(returns, ast.Name) and returns.id == "bool":
                yield from (ast.Return(other) for other in of_condition(value))
            elif ast.unparse(value) not in (empty, "()", "[]"):
                yield ast.Return(text(empty))
        case ast.Expr(value=ast.Call()):
            yield ast.Pass()
        case ast.AugAssign(op=op):
            yield ast.Pass()
            if type(op) in RECKONED:
                yield _with(node, op=RECKONED[type(op)]())
        case ast.Assign(targets=targets):
            if not any(_needed(target, once, beginning) for target in targets):
                yield ast.Pass()
        case ast.If(test=test) | ast.While(test=test):
            yield from (_with(node, test=other) for other in of_condition(test))
        case ast.For():
            yield _with(node, iter=ast.Tuple([], ast.Load()))


def of_case(node: ast.match_case) -> Iterator[ast.match_case]:
    """A guard left out or turned round."""
    if node.guard is not None:
        yield _with(node, guard=None)
        yield from (_with(node, guard=other) for other in of_condition(node.guard))


def of_comprehension(node: ast.comprehension) -> Iterator[ast.comprehension]:
    """A filter left out or turned round."""
    for i, test in enumerate(node.ifs):
        yield _with(node, ifs=node.ifs[:i] + node.ifs[i + 1 :])
        yield from (_with(node, ifs=[*node.ifs[:i], other, *node.ifs[i + 1 :]]) for other in of_condition(test))


def _empty(returns: ast.expr | None) -> str:
    name = returns.value if isinstance(returns, ast.Subscript) else returns
    return EMPTY.get(name.id, "None") if isinstance(name, ast.Name) else "None"


def _needed(target: ast.expr, once: frozenset[str] | None, beginning: bool) -> bool:
    match target:
        case ast.Name(id=name):
            return once is None or name in once
        case ast.Tuple(elts=elts) | ast.List(elts=elts):
            return any(_needed(inner, once, beginning) for inner in elts)
        case ast.Attribute():
            return beginning
    return False


def _with(node: Node, **fields: object) -> Node:
    made = copy.copy(node)
    for name, value in fields.items():
        setattr(made, name, value)
    return made
