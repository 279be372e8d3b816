"""Started by the host, never imported: says what is wrong with a handler's code without running it.

Reads `{"code", "helpers", "tool"}` as JSON from stdin and writes `{"findings": […]}`. What it is given may be hostile:
it is parsed and compiled, never executed, under limits of memory and CPU time. A finding that is an error is certain;
where code could define names in ways that cannot be seen from outside, nothing is said.
"""

from __future__ import annotations

import ast
import builtins
import difflib
import json
import re
import resource
import sys
import warnings
from typing import Any, Iterable, Iterator, NamedTuple

MEMORY_BYTES = 512 << 20
CPU_SECONDS = 10
MOST_FINDINGS = 20
#: Comparing names with each other takes time that grows with both numbers.
MOST_COMPARED = 2_000

ENTRY_POINT = 'handle_event'
TOOLKIT = 'weni'
#: Names that every module of a handler has beside helpers and builtins.
GIVEN = ['HelperError']
#: Whoever uses these may define any name at run time.
DYNAMIC = {'exec', 'globals', 'vars', 'setattr', '__builtins__', 'builtins'}
#: How alike two names must be for the one to be a slip of the other.
ALIKE = 0.8

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SCOPES = (*FUNCTIONS, ast.ClassDef, ast.Lambda)


class Finding(NamedTuple):
    severity: str
    line: int | None
    column: int | None
    message: str


class Source:
    """The parsed file and what it defines."""

    def __init__(self, code: str, helpers: list[str]) -> None:
        self.tree = ast.parse(code)
        self._lines = re.split(r'\r\n|\r|\n', code)
        self.helpers = helpers
        self.nodes = list(ast.walk(self.tree))
        self.bound = {name for node in self.nodes for name in names_bound_by(node)}
        self.top = list(statements_of(self.tree))
        self.dynamic = '*' in self.bound or any(
            node.id in DYNAMIC for node in self.nodes if isinstance(node, ast.Name)
        )

    def finding(self, severity: str, node: Any, message: str) -> Finding:
        line = self._lines[node.lineno - 1] if node.lineno <= len(self._lines) else ''
        before = line.encode('utf-8', 'replace')[: node.col_offset].decode('utf-8', 'ignore')
        return Finding(severity, node.lineno, len(before) + 1, message)


def names_bound_by(node: ast.AST) -> Iterable[str]:
    """Every name that the node itself defines, in whatever scope; `*` for a star import."""
    if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        return [node.name]
    if isinstance(node, ast.arg):
        return [node.arg]
    if isinstance(node, ast.Name):
        return [] if isinstance(node.ctx, ast.Load) else [node.id]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [alias.asname or alias.name.partition('.')[0] for alias in node.names]
    if isinstance(node, (ast.Global, ast.Nonlocal)):
        return node.names
    if isinstance(node, ast.MatchMapping):
        return [node.rest] if node.rest else []
    # except … as name, case … as name, case [*name], and since 3.12 the parameters of generic functions and classes
    named = ('ExceptHandler', 'MatchAs', 'MatchStar', 'TypeVar', 'ParamSpec', 'TypeVarTuple')
    name = getattr(node, 'name', None) if type(node).__name__ in named else None
    return [name] if name else []


def statements_of(scope: ast.AST) -> Iterator[ast.AST]:
    """Every node that runs in the scope itself, not in functions and classes inside it; those appear by themselves."""
    waiting = list(ast.iter_child_nodes(scope))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, SCOPES):
            waiting.extend(ast.iter_child_nodes(node))


def check(code: str, helpers: list[str], tool: str | None) -> list[Finding]:
    try:
        # Some faults are found by the compiler only, such as a return outside a function.
        compile(code, 'handler.py', 'exec', dont_inherit=True)
        source = Source(code, helpers)
    except SyntaxError as error:
        return [Finding('error', error.lineno or None, error.offset or None, f'{error.msg} ({type(error).__name__})')]
    except (RecursionError, MemoryError):
        return [Finding('error', None, None, 'it is nested too deeply, or too large, for Python to read')]
    except ValueError as error:
        return [Finding('error', None, None, str(error))]
    return [*entry_point_findings(source, tool), *name_findings(source)]


def entry_point_findings(source: Source, tool: str | None) -> list[Finding]:
    if source.dynamic:
        return []
    top_names = {name for node in source.top for name in names_bound_by(node)}
    top_names |= {name for node in source.nodes if isinstance(node, ast.Global) for name in node.names}
    if tool is not None:
        if tool in top_names:
            return []
        return [Finding('error', None, None, f'the settings name the tool {tool}, and the file has no such class')]
    if ENTRY_POINT in top_names:
        return wrong_signature(source)
    tools, unsure = tools_of(source)
    if len(tools) == 1 or unsure:
        return []
    if len(tools) > 1:
        names = ', '.join(sorted(tools))
        message = f'the file has no function {ENTRY_POINT} and {len(tools)} Tool subclasses ({names}); name one as tool'
        return [Finding('error', None, None, f"{message} in the handler's settings")]
    return [missing_entry_point(source)]


def missing_entry_point(source: Source) -> Finding:
    message = f'the file has no function {ENTRY_POINT}(context) at its top level, and no Tool subclass'
    functions = [node for node in source.nodes if isinstance(node, FUNCTIONS)]
    inner = next((node for node in functions if node.name == ENTRY_POINT), None)
    if inner is not None:
        return source.finding('error', inner, f'{message}; this one is inside something else')
    alike = difflib.get_close_matches(ENTRY_POINT, [node.name for node in functions], 1, ALIKE)
    meant = next((node for node in functions if node.name in alike), None)
    if meant is not None:
        return source.finding('error', meant, f'{message}; is {meant.name} meant to be {ENTRY_POINT}?')
    return Finding('error', None, None, message)


def wrong_signature(source: Source) -> list[Finding]:
    """Only where nothing but one plain function can be what is called."""
    makers = [node for node in source.nodes if ENTRY_POINT in names_bound_by(node)]
    entry = makers[0]
    if len(makers) != 1 or not isinstance(entry, FUNCTIONS) or entry.decorator_list:
        return []
    args = entry.args
    positional = len(args.posonlyargs) + len(args.args)
    required = positional - len(args.defaults)
    findings = []
    if (positional == 0 and args.vararg is None) or required > 1 or None in args.kw_defaults:
        message = f'{ENTRY_POINT} is called with one argument: def {ENTRY_POINT}(context): …'
        findings.append(source.finding('error', entry, message))
    if any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in statements_of(entry)):
        findings.append(source.finding('error', entry, f'{ENTRY_POINT} is a generator; return the result, not yield'))
    return findings


def tools_of(source: Source) -> tuple[set[str], bool]:
    """Names of the classes that are tools, and whether there may be one that cannot be told."""
    bases: set[str] = set()
    others: set[str] = set()
    for node in source.nodes:
        if isinstance(node, ast.ImportFrom) and (node.module or '').partition('.')[0] == TOOLKIT:
            for alias in node.names:
                (bases if alias.name == 'Tool' else others).add(alias.asname or alias.name)
    classes = [node for node in source.top if isinstance(node, ast.ClassDef)]
    tools: set[str] = set()
    # Once more than there are levels: a class may stand before the one it derives from, in another branch.
    for _ in range(10):
        known = bases | tools
        found = {node.name for node in classes if any(is_tool(base, known) for base in node.bases)}
        if found <= tools:
            break
        tools |= found
    unsure = any(isinstance(base, ast.Name) and base.id in others for node in classes for base in node.bases)
    return tools, unsure


def is_tool(base: ast.expr, known: set[str]) -> bool:
    if isinstance(base, ast.Attribute):
        return base.attr == 'Tool'
    return isinstance(base, ast.Name) and base.id in known


def name_findings(source: Source) -> list[Finding]:
    """Names that nothing defines: each once, where it first stands."""
    if source.dynamic or expects_missing_names(source):
        return []
    known = source.bound.union(source.helpers, GIVEN, dir(builtins))
    annotations = {id(node) for node in annotations_of(source)}
    first: dict[str, ast.Name] = {}
    for node in source.nodes:
        if not isinstance(node, ast.Name) or node.id in known or is_dunder(node.id) or id(node) in annotations:
            continue
        if node.id not in first or (node.lineno, node.col_offset) < (first[node.id].lineno, first[node.id].col_offset):
            first[node.id] = node
    called = {node.func.id for node in source.nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    errors, warned = [], []
    for name, node in list(first.items())[:MOST_COMPARED]:
        helper = closest(name, source.helpers) if name in called else None
        if helper is not None:
            errors.append(source.finding('error', node, f'there is no function {name}; did you mean {helper}?'))
        elif len(warned) < MOST_FINDINGS:
            meant = closest(name, known) if len(known) <= MOST_COMPARED else None
            hint = '' if meant is None else f'; did you mean {meant}?'
            warned.append(source.finding('warning', node, f'{name} is not defined in this file{hint}'))
    return sorted(errors, key=position) + sorted(warned, key=position)


def position(finding: Finding) -> tuple[int, int]:
    return (finding.line or 0, finding.column or 0)


def closest(name: str, known: Iterable[str]) -> str | None:
    """The name that it is a slip of: letters, underscores or capitals apart."""
    by_letters = {plain(other): other for other in sorted(known)}
    alike = difflib.get_close_matches(plain(name), by_letters, 1, ALIKE)
    return by_letters[alike[0]] if alike else None


def plain(name: str) -> str:
    return name.replace('_', '').lower()


def is_dunder(name: str) -> bool:
    return name.startswith('__') and name.endswith('__')


def expects_missing_names(source: Source) -> bool:
    """`except NameError`: whoever writes that knows that a name may be missing."""
    handlers = (node for node in source.nodes if isinstance(node, ast.ExceptHandler) and node.type is not None)
    caught = (node for handler in handlers for node in ast.walk(handler.type))
    return any(isinstance(node, ast.Name) and node.id == 'NameError' for node in caught)


def annotations_of(source: Source) -> Iterator[ast.AST]:
    """Not always evaluated, so what they name need not be there."""
    for node in source.nodes:
        for annotation in (getattr(node, 'annotation', None), getattr(node, 'returns', None)):
            if isinstance(annotation, ast.AST):
                yield from ast.walk(annotation)


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    warnings.simplefilter('ignore')
    request = json.load(sys.stdin)
    code = request['code'].removeprefix('\ufeff')
    findings = check(code, request['helpers'], request['tool'])
    shown = [finding._asdict() for finding in findings[:MOST_FINDINGS]]
    print(json.dumps({'findings': shown}))


if __name__ == '__main__':
    main()
