"""Runs of known values, as a runtime may hold them, and where they stand in memory.

A run is 16 bytes: four f32, or two elements of the ring, side by side or every other one, as pairs of shares lie; besides, 24 bytes of three
elements. Runs that say nothing (zeros, one value over and over, elements below 256) are left out. A small number is an element whose upper
bytes are all 00 or FF, so two of them tell a few bytes only, and any memory has pairs of small whole numbers. How many are found by chance is
counted beside: with the same elements in another order, pairs of as many bits, which nobody ever held.
"""

import numpy as np

FRACTION = 18
BITS = 24  # of the filter of first words
WHOLE_BITS = 26  # of that of whole runs
SMALL = 256  # elements below are everywhere
CONTROLS = 4
MIX = np.uint64(0x9E3779B97F4A7C15)
GAPS = {"f32": (1,), "ring": (1, 2), "ring24": (1, 2)}  # words from one to the next


def mixed(words):
    """A number of 64 bits for each row of words; equal for equal rows, and hardly for others."""
    with np.errstate(over="ignore"):
        total = np.zeros(len(words[0]), np.uint64)
        for word in words:
            total = (total ^ word) * MIX
            total ^= total >> np.uint64(32)
    return total


def place(words, bits):
    """Where a word stands in a filter."""
    with np.errstate(over="ignore"):
        return (words * MIX) >> np.uint64(64 - bits)


def windows(values, length):
    """All runs of so many values in a row that say something."""
    if len(values) < length:
        return np.empty((0, length), values.dtype)
    runs = np.lib.stride_tricks.sliding_window_view(values, length)
    least = SMALL if values.dtype == np.int64 else np.finfo(np.float32).tiny
    return runs[(np.abs(runs).min(1) >= least) & (runs.max(1) > runs.min(1))]


def as_words(runs):
    """Runs as distinct rows of 64 bits."""
    return np.unique(np.ascontiguousarray(runs).view(np.uint64), axis=0)


def reordered(pairs, draw):
    """The second elements of pairs in another order, each beside a first one as it was: both have as many bits and the signs that they had."""
    values = pairs.view(np.int64)
    bits = np.ceil(np.log2(np.abs(values.astype(np.float64)) + 1)).astype(np.int64) * np.sign(values)
    group = bits[:, 0] * 256 + bits[:, 1]
    order, mixed_up = np.argsort(group, kind="stable"), np.lexsort((draw.random(len(pairs)), group))
    seconds = np.empty(len(pairs), np.uint64)
    seconds[order] = pairs[mixed_up, 1]
    return seconds


class Known:
    """What is looked for, by the name of the secret and the kind of run."""

    def __init__(self, secrets):
        """`secrets`: by name f32 arrays, in every order in which they may lie somewhere."""
        draw = np.random.default_rng(7)
        self.rows = {}
        for name, arrays in secrets.items():
            flat = [np.ascontiguousarray(array, dtype=np.float32).reshape(-1) for array in arrays]
            scaled = [values.astype(np.float64) * 2.0**FRACTION for values in flat]
            rings = [rounded(values).astype(np.int64) for values in scaled for rounded in (np.trunc, np.round)]
            self.rows[name, "f32"] = as_words(np.concatenate([windows(values, 4) for values in flat]))
            pairs = self.rows[name, "ring"] = as_words(np.concatenate([windows(values, 2) for values in rings]))
            self.rows[name, "ring24"] = as_words(np.concatenate([windows(values, 3) for values in rings]))
            known = np.sort(mixed(pairs.T))
            for i in range(CONTROLS):
                shuffled = np.stack([pairs[:, 0], reordered(pairs, draw)], 1)
                same = np.isin(mixed(shuffled.T), known) | (shuffled[:, 0] == shuffled[:, 1])
                self.rows[name, f"control{i}"] = shuffled[~same]
        self.kinds = list(self.rows)
        self.first = np.zeros(1 << BITS, np.bool_)
        for rows in self.rows.values():
            self.first[place(rows[:, 0], BITS)] = True
        self.tables = {length: self.table(length) for length in (2, 3)}

    def table(self, length):
        """Of all runs of so many words, in the order of their keys: keys, kinds and numbers; and which places in a filter are taken."""
        mine = [i for i, kind in enumerate(self.kinds) if self.rows[kind].shape[1] == length]
        keys = np.concatenate([mixed(self.rows[self.kinds[i]].T) for i in mine])
        kinds = np.concatenate([np.full(len(self.rows[self.kinds[i]]), i, np.int32) for i in mine])
        numbers = np.concatenate([np.arange(len(self.rows[self.kinds[i]])) for i in mine])
        order = np.argsort(keys)
        taken = np.zeros(1 << WHOLE_BITS, np.bool_)
        taken[place(keys, WHOLE_BITS)] = True
        return keys[order], kinds[order], numbers[order], taken

    def find(self, data):
        """Kind, offset and number of the run for each that begins in `data`, at any alignment."""
        for shift in range(8):
            count = (len(data) - shift) // 8
            words = np.frombuffer(data, np.uint64, count, shift) if count > 0 else np.empty(0, np.uint64)
            begins = np.flatnonzero(self.first[place(words, BITS)])
            for length, (known, kinds, numbers, taken) in self.tables.items():
                for gap in (1, 2):
                    fit = begins[begins + gap * (length - 1) < count]
                    keys = mixed([words[fit + gap * i] for i in range(length)])
                    maybe = np.flatnonzero(taken[place(keys, WHOLE_BITS)])
                    low, high = (np.searchsorted(known, keys[maybe], side) for side in ("left", "right"))
                    for i in np.flatnonzero(low < high):
                        for at in range(low[i], high[i]):
                            kind = self.kinds[kinds[at]]
                            if gap in GAPS.get(kind[1], GAPS["ring"]):
                                yield kind, shift + 8 * int(fit[maybe[i]]), int(numbers[at])

    def values(self, kind, number):
        """A run as numbers."""
        return self.rows[kind][number].view(np.float32 if kind[1] == "f32" else np.int64).tolist()

    def bits(self, kind, number):
        """Bits that the elements of a run of the ring have, signs apart."""
        return sum(abs(n).bit_length() for n in self.rows[kind][number].view(np.int64).tolist())

    def most_telling(self, kind):
        """The run whose elements have the most bits."""
        return int(np.log2(np.abs(self.rows[kind].view(np.int64).astype(np.float64)) + 1).sum(1).argmax())

    def entropy(self, kind):
        """Mean bits that the elements of a run tell, sign and magnitude."""
        rows = self.rows[kind].view(np.int64)
        return float(np.log2(np.abs(rows.astype(np.float64)) + 1).sum(1).mean() + rows.shape[1]) if len(rows) else 0.0
