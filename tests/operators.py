#!/usr/bin/env python3
"""Writes passes/src/front/onnx/operators.txt: the operators of ONNX since operator set 7, as the package `onnx` describes them.

    pip install onnx && python tests/operators.py > passes/src/front/onnx/operators.txt
"""

import onnx
from onnx.defs import OpSchema, get_all_schemas_with_history

OLDEST = 7
ATTRIBUTES = {
    "FLOAT": "float",
    "INT": "int",
    "STRING": "word",
    "TENSOR": "tensor",
    "GRAPH": "graph",
    "FLOATS": "floats",
    "INTS": "ints",
    "STRINGS": "words",
    "SPARSE_TENSOR": "sparse",
    "TYPE_PROTO": "type",
}
HEAD = """\
# The operators of ONNX since operator set {oldest}, written by tests/operators.py from onnx {version}.
#
# set NUMBER ELEMENT TYPES, those of sequences in brackets
# NAME OPERATOR-SET | operands | results | type variables and their sets | attributes
# An operand is a type variable or a type; `?` may be absent, `*` stands for any number of one type, `~` of any types,
# with the least number behind it. `!` marks attributes that must be given."""


def element(text: str) -> str | None:
    """`tensor(float)` as `float`, `seq(tensor(float))` as `[float]`."""
    if text.startswith("tensor("):
        return text[7:-1]
    if text.startswith("seq(tensor("):
        return f"[{text[11:-2]}]"
    return None


def parameter(p: OpSchema.FormalParameter) -> str:
    name = element(p.type_str) or ("any" if "(" in p.type_str else p.type_str)
    if p.option == OpSchema.FormalParameterOption.Optional:
        return name + "?"
    if p.option == OpSchema.FormalParameterOption.Variadic:
        return f"{name}{'*' if p.is_homogeneous else '~'}{p.min_arity}"
    return name


def line(schema: OpSchema, sets: dict[tuple[str, ...], int]) -> str:
    head = f"{schema.name} {schema.since_version}"
    # Runtimes still execute those that are made of others.
    if schema.deprecated and not (schema.has_function or schema.has_context_dependent_function):
        return f"{head} | deprecated"
    types = []
    for t in schema.type_constraints:
        known = tuple(sorted(e for e in map(element, t.allowed_type_strs) if e))
        types.append(f"{t.type_param_str}={sets.setdefault(known, len(sets))}")
    attributes = [
        f"{a.name}:{ATTRIBUTES[a.type.name]}{'!' if a.required else ''}"
        for a in sorted(schema.attributes.values(), key=lambda a: a.name)
    ]
    columns = [map(parameter, schema.inputs), map(parameter, schema.outputs), types, attributes]
    return " | ".join([head, *(" ".join(c) for c in columns)]).replace("  ", " ").rstrip()


def main() -> None:
    by_name: dict[str, list[OpSchema]] = {}
    for schema in get_all_schemas_with_history():
        if schema.domain == "":
            by_name.setdefault(schema.name, []).append(schema)
    sets: dict[tuple[str, ...], int] = {}
    lines = []
    for name in sorted(by_name):
        versions = sorted(by_name[name], key=lambda s: s.since_version)
        first = max((i for i, s in enumerate(versions) if s.since_version <= OLDEST), default=0)
        lines += [line(s, sets) for s in versions[first:]]
    print(HEAD.format(oldest=OLDEST, version=onnx.__version__))
    for types, number in sets.items():
        print("set", number, *types)
    print(*lines, sep="\n")


if __name__ == "__main__":
    main()
