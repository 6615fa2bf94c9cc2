"""A small stand-in for the classes and functions of MP-SPDZ that relinc's programs use, on numpy, in the clear.

It checks what the program computes and that it only asks for what MP-SPDZ offers (Array, Matrix, regint.inc, for_range,
foreach_enumerate); it says nothing about MP-SPDZ's compiler or its protocols. Inputs are rounded as sfix does by default.
"""

import types

import numpy as np

FRACTION_BITS = 16
# What the program is called: it finds its index lists by it.
NAME = "relinc_model"


class Vector(np.ndarray):
    """A register vector."""

    def __gt__(self, other):
        COMPARISONS.append(self.size)
        return super().__gt__(other)

    def if_else(self, yes, no):
        return np.where(np.asarray(self) != 0, yes, no).view(Vector)


def vector(values):
    return np.asarray(values).view(Vector)


class Container:
    """Memory that several containers may look at."""

    def __init__(self, memory, shape):
        self.memory, self.shape = memory, shape

    def __len__(self):
        return self.shape[0]

    def get_vector(self, base=0, size=None):
        size = self.memory.size - base if size is None else size
        assert 0 <= base and base + size <= self.memory.size, "reads outside of its memory"
        return vector(self.memory[base:base + size].copy())

    def assign_vector(self, values, base=0):
        values = np.asarray(values).reshape(-1)
        assert 0 <= base and base + values.size <= self.memory.size, "writes outside of its memory"
        self.memory[base:base + values.size] = values


class Array(Container):
    def __init__(self, n, kind):
        super().__init__(np.full(n, np.nan) if kind is sfix else np.zeros(n, dtype=np.int64), (n,))

    def __setitem__(self, i, value):
        self.memory[i] = value

    def assign_all(self, value):
        self.memory[:] = value

    def get(self, indices):
        assert isinstance(indices, Vector) and indices.dtype.kind == "i", "get takes a regint vector"
        assert indices.min(initial=0) >= 0, "reads outside of its memory"
        return vector(self.memory[np.asarray(indices)])

    def expand_to_vector(self, index, size):
        return vector(np.full(size, self.memory[index]))

    def input_from(self, player):
        values = INPUTS[player][:len(self)]
        assert len(values) == len(self), f"player {player} has no more input"
        INPUTS[player] = INPUTS[player][len(self):]
        self.memory[:] = np.round(values * 2.0**FRACTION_BITS) / 2.0**FRACTION_BITS

    def print_reveal_nested(self):
        PRINTED.append(self.memory.tolist())


class Matrix(Container):
    def __init__(self, rows, columns, memory=None):
        super().__init__(np.full(rows * columns, np.nan) if memory is None else memory, (rows, columns))

    def array(self):
        return self.memory.reshape(self.shape)

    def get_part_vector(self, base=0, size=1):
        return self.get_vector(base * self.shape[1], size * self.shape[1])

    def assign_part_vector(self, values, base=0):
        self.assign_vector(values, base * self.shape[1])

    def get_part(self, start, size):
        return Matrix(size, self.shape[1], self.memory[start * self.shape[1]:(start + size) * self.shape[1]])

    def transpose(self):
        return Matrix(*self.shape[::-1], np.ascontiguousarray(self.array().T).reshape(-1))

    def dot(self, other):
        assert isinstance(other, Matrix) and self.shape[1] == other.shape[0]
        return Matrix(self.shape[0], other.shape[1], (self.array() @ other.array()).reshape(-1))


class sfix:
    Matrix = Matrix

    @staticmethod
    def Array(n):
        return Array(n, sfix)


class regint:
    @staticmethod
    def Array(n):
        return Array(n, regint)

    @staticmethod
    def inc(size, base=0, step=1, repeat=1, wrap=None):
        """base, each value `repeat` times, rising by step, from the start again after `wrap` of them."""
        count = np.arange(size) // repeat
        return vector(base + step * (count if wrap is None else count % wrap))


def for_range(n):
    def decorator(body):
        for i in range(n):
            body(i)

    return decorator


def foreach_enumerate(values):
    def decorator(body):
        for i, v in enumerate(values):
            body(i, v)

    return decorator


INPUTS, PRINTED, COMPARISONS = {}, [], []


def run(text, inputs, opener):
    """Executes a program; returns what it printed. `inputs`: numbers by player; `opener`: what open() is."""
    INPUTS.clear()
    INPUTS.update(inputs)
    PRINTED.clear()
    COMPARISONS.clear()
    names = {"sfix": sfix, "regint": regint, "for_range": for_range, "foreach_enumerate": foreach_enumerate,
             "open": opener, "program": types.SimpleNamespace(name=NAME)}
    exec(compile(text, "relinc_model.mpc", "exec"), names)  # noqa: S102 - it is what relinc wrote
    assert all(len(rest) == 0 for rest in INPUTS.values()), "a player's input was not read to its end"
    return list(PRINTED)
