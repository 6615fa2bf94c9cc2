"""Shares that one process holds and that, put together, are a secret.

A share of a 64-bit ring is a number that any value of 64 bits is as likely to be, so a process that held both shares of a tensor has two such
numbers whose sum, difference or exclusive or is an element, and beside each of them (or every other word, as pairs of shares lie) the share of
the next element. Two numbers of a memory do that by chance once in 2^64 times its pairs, three elements in a row never.

Three shares of which no two tell anything (ABY3's) are looked for as pairs only: one party has two of them, and these must not be enough.
"""

import numpy as np
from known import mixed

TARGETS = 16  # runs of three elements of each secret that are tried
CELLS = 2**5, 2**30  # of a table of leading bits: so many for a word, and at most
WAYS = ("sum", "difference", "exclusive or")


def targets(known, name):
    """Runs of three elements of a secret, those that tell most among as many as are drawn."""
    rows = known.rows[name, "ring24"]
    drawn = rows[np.random.default_rng(11).permutation(len(rows))[:64 * TARGETS]]
    bits = np.log2(np.abs(drawn.view(np.int64).astype(np.float64)) + 1).sum(1)
    return drawn[np.argsort(-bits)[:TARGETS]]


def split(run):
    """Two rows of shares of a run of the ring."""
    one = np.random.default_rng(13).integers(0, 2**64, len(run), np.uint64, endpoint=False)
    with np.errstate(over="ignore"):
        return one, run - one


class Words:
    """The words of a memory that may be shares, ascending, and what stands behind each."""

    def __init__(self, pieces):
        """`pieces`: bytes of the memory at a multiple of eight."""
        rows = []
        for data in pieces:
            words = np.frombuffer(data, np.uint64, len(data) // 8)
            if len(words) < 5:
                continue
            upper = words[:-4] >> np.uint64(48)
            random = np.flatnonzero((upper != 0) & (upper != 0xFFFF) & (words[:-4] != words[1:-3]))
            rows.append(np.stack([words[random + i] for i in range(5)]))
        rows = np.concatenate(rows, 1) if rows else np.empty((5, 0), np.uint64)
        _, once = np.unique(mixed(rows), return_index=True)
        self.rows = rows[:, once]
        self.rows = self.rows[:, np.argsort(self.rows[0])]
        bits = min(CELLS[0] * self.rows.shape[1] + 2, CELLS[1]).bit_length() - 1
        self.below = np.uint64(64 - bits)
        self.leading = np.zeros(2**bits, bool)  # which leading bits some word has
        self.leading[self.rows[0] >> self.below] = True

    def made(self, target):
        """In which ways a run of three elements is put together from two places."""
        return [way for way in WAYS if self.pairs(way, target)]

    def pairs(self, way, target):
        first = self.rows[0]
        with np.errstate(over="ignore"):
            other = {"sum": target[0] - first, "difference": first - target[0], "exclusive or": target[0] ^ first}[way]
            perhaps = np.flatnonzero(self.leading[other >> self.below])
            low, high = (np.searchsorted(first, other[perhaps], side) for side in ("left", "right"))
            counts = high - low
            left = np.repeat(perhaps, counts)
            right = np.arange(len(left)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(low, counts)
            for gap in (1, 2):
                x, y = (self.rows[[gap, 2 * gap]][:, at] for at in (left, right))
                put = {"sum": x + y, "difference": x - y, "exclusive or": x ^ y}[way]
                if (put == target[1:, None]).all(0).any():
                    return True
        return False
