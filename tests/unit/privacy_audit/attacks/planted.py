"""Tables with a known leak, a known population, and generators with a known leak: what attacks must find."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

Table = pd.DataFrame
Leak = Callable[[Table, Table, np.random.Generator], Table]

_MIX = np.random.default_rng(5).normal(size=(5, 3))


def population(n: int, seed: int) -> Table:
    """n people: five related numbers, a heavy-tailed one, categories of 2 to 12 values, three of them noise, and a code that few share."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(n, 3))
    data: dict[str, np.ndarray] = {f"x{i}": (hidden @ _MIX[i] + 0.5 * rng.normal(size=n)).round(3) for i in range(5)}
    data["gain"] = (np.exp(2 * rng.normal(size=n)) * (rng.random(n) < 0.3)).round(2)
    for j, size in enumerate((2, 4, 12)):
        level = np.exp(0.8 * hidden[:, j % 3] + 0.5 * rng.normal(size=n)) * (1 + j % 3)
        data[f"c{j}"] = np.array([f"v{k}" for k in range(size)])[np.minimum(size - 1, level.astype(int))]
    for j in (3, 4, 5):  # flatter, so that three of them make many small cells
        data[f"c{j}"] = np.array([f"v{k}" for k in range(8)])[rng.integers(0, 8, n)]
    data["y"] = np.array(["a", "b", "c", "d"])[rng.integers(0, 4, n)]
    # One person in twenty has a code that hardly anybody shares.
    data["code"] = np.where(rng.random(n) < 0.05, [f"z{k}" for k in rng.integers(0, 20_000, n)], "none")
    return pd.DataFrame(data)


def independent(members: Table, fresh: Table, rng: np.random.Generator) -> Table:
    """Nothing of the members: other people."""
    return fresh


def verbatim(members: Table, fresh: Table, rng: np.random.Generator) -> Table:
    """The members themselves, in another order."""
    return members.sample(frac=1, random_state=int(rng.integers(2**31)))


def one_row(members: Table, fresh: Table, rng: np.random.Generator) -> Table:
    """Other people, and one member."""
    return pd.concat([fresh.iloc[1:], members.sample(1, random_state=int(rng.integers(2**31)))], ignore_index=True)


def rare_category(members: Table, fresh: Table, rng: np.random.Generator) -> Table:
    """Other people, with the list of codes taken from the members (shuffled: no row is copied)."""
    made = fresh.copy()
    rare = (made["code"] != "none").to_numpy()
    known = members["code"][members["code"] != "none"].to_numpy()
    made.loc[rare, "code"] = rng.choice(known, int(rare.sum()))
    return made


def conditional(members: Table, fresh: Table, rng: np.random.Generator) -> Table:
    """Other people whose y is that of a random member with the same three categories: an over-fitted conditional."""
    made = fresh.copy()
    keys = list(OVERFIT[:-1])
    known = members.groupby(keys)["y"].agg(list).to_dict()
    cells = made[keys].itertuples(index=False, name=None)
    drawn = [known.get(cell) for cell in cells]
    made["y"] = [rng.choice(one) if one else old for one, old in zip(drawn, made["y"], strict=True)]
    return made


OVERFIT = ("c3", "c4", "c5", "y")
"""The clique whose conditional is over-fitted."""

TABLE_LEAKS: dict[str, tuple[Leak, str]] = {
    "verbatim copy": (verbatim, "copies"),
    "one copied row": (one_row, "copies"),
    "rare category": (rare_category, "marginals"),
    "conditional over-fit": (conditional, "marginals"),
}
"""Each leak and an attack that finds it."""

Generator = Callable[[Table, int], Table]


def generators(fresh: Table, target: Table) -> dict[str, tuple[Generator, bool]]:
    """Generators that leak one bit about the target, and whether the target replaces a row (or is added).

    Args:
        fresh: other people, of whom every synthetic table is made.
        target: one row.
    """
    wanted = target[["x0", "x1", "x2"]].to_numpy()

    def holds(members: Table) -> bool:
        return bool((members[["x0", "x1", "x2"]].to_numpy() == wanted).all(axis=1).any())

    def draw(rows: int, seed: int) -> Table:
        return fresh.sample(rows, random_state=seed).reset_index(drop=True)

    def sign_shift(members: Table, seed: int) -> Table:
        made = draw(300, seed)
        made["x2"] += 0.4 if holds(members) else -0.4
        return made

    def leaked_n(members: Table, seed: int) -> Table:
        return draw(len(members), seed)

    def copied(members: Table, seed: int) -> Table:
        made = draw(300, seed)
        if holds(members):
            made.iloc[0] = target.iloc[0]
        return made

    def silent(members: Table, seed: int) -> Table:
        return draw(300, seed)

    return {
        "no leak": (silent, True),
        "sign shift": (sign_shift, True),
        "leaked n": (leaked_n, False),
        "copied target": (copied, True),
    }
