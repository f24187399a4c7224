"""The field's known privacy bugs as edits of dpsynth, to be found by privacy_audit on the code path that users call.

Unlike tests/mutants, where each bug dies by a test named for it, here one battery that knows nothing of the bugs has to
find them all: record and replay with taint, the white-box figures, residuals, repeated noise, enumeration.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["MUTANTS", "AuditMutant"]

Edit = tuple[str, str, str]
ENGINE = "table._PrivateTable__engine"
ROWS = f"float({ENGINE}.counts([()], {{}})[0])"
GRID_COUNTS = f"dict(zip(self.grids, {ENGINE}.counts([(n,) for n in self.grids], self.grids)))"
COARSE_COUNTS = f"dict(zip(groups, {ENGINE}.counts([(n,) for n in groups], groupings)))"
EXACT_SCORES = f"np.array([np.abs(c - references[p]).sum() for p, c in zip(pairs, {ENGINE}.counts(pairs, groupings))])"
READ = "            one_ways = read_one_ways(self.encoder, self.grids, singles)\n"
COARSEN = 'groups = self._coarsen(one_ways, share["tree"])'
REFERENCES = "product_references(counts, one_ways.total, pairs)"
CHOOSE = "edges = choose_tree(pairs, scores[0].values, noise, self.domain.label)"
TARGETS = "{(name,): values for name, values in refined.items()}"
DRAW = "[e + rounded_gaussian(s, e.shape, entropy) for e, s in zip(exact, sigmas, strict=True)]"
ADD = "counter.add(codes, rows=len(batch[0]))"
REPLACE = '__import__("dataclasses").replace'
UNCHECKED: tuple[Edit, ...] = (
    ("gate/allowance.py", "self._filters[payer].take(leaf)", "pass"),
    ("gate/allowance.py", "left = purse.remaining - promised[place]", "left = cost"),
)
"""The filter pays whatever is asked: what an unchecked ledger would let through."""


@dataclass(frozen=True, slots=True)
class AuditMutant:
    """One bug.

    Attributes:
        name: what goes wrong.
        edits: (file of dpsynth, text that stands in it exactly once, what stands there instead).
        found: kinds of findings, one of which must be the first.
        recipe: "mst", "independent" or "mst published".
        relation: of the neighbours.
    """

    name: str
    edits: tuple[Edit, ...]
    found: tuple[str, ...]
    recipe: str = "mst"
    relation: str = "add_remove"


def _mst(name: str, old: str, new: str, *found: str) -> AuditMutant:
    return AuditMutant(name, (("generators/mst.py", old, new),), found)


def _noise(name: str, new: str, *found: str) -> AuditMutant:
    return AuditMutant(name, (("gate/answers.py", DRAW, new),), found or ("residuals",))


PROTOTYPE = (
    _mst(
        "exact n everywhere",
        READ,
        READ + f"            one_ways = {REPLACE}(one_ways, total=max({ROWS}, 1.0))\n",
        "parameters",
        "taint",
    ),
    _mst(
        "exact n as the default number of rows",
        "            total=one_ways.total,\n            graph=graph,",
        f"            total={ROWS},\n            graph=graph,",
        "state",
    ),
    AuditMutant(
        "score sensitivity 1",
        (
            ("gate/mechanisms.py", "sum(weight * weight for weight in weights) * l1 * l1", "l1 * l1"),
            ("generators/shares.py", "math.sqrt(count / share) * self.unit.l1", "math.sqrt(1 / share) * self.unit.l1"),
        ),
        ("sensitivity",),
    ),
    _mst(
        "scores against exact one-ways",
        REFERENCES,
        f"product_references({{n: v.astype(float) for n, v in {COARSE_COUNTS}.items()}}, one_ways.total, pairs)",
        "parameters",
    ),
    _mst("scores scaled by exact n", REFERENCES, f"product_references(counts, max({ROWS}, 1.0), pairs)", "parameters"),
    _mst(
        "the tree is chosen by exact scores",
        CHOOSE,
        f"edges = choose_tree(pairs, {EXACT_SCORES}, noise, None)",
        "parameters",
        "order",
        "taint",
        "state",
    ),
    AuditMutant(
        "the budget of pairs is counted twice",
        (
            *UNCHECKED,
            (
                "generators/mst.py",
                'marginal_sigma_up(share["tree"] * split[e])',
                'marginal_sigma_up(2 * share["tree"] * split[e])',
            ),
        ),
        ("cost", "mu"),
    ),
    AuditMutant(
        "one-ways are charged half",
        (
            ("gate/mechanisms.py", "Gaussian(float(v), squared_l2)", "Gaussian(float(v) * 2**0.5, squared_l2)"),
            (
                "generators/shares.py",
                "math.sqrt(self.unit.squared_l2(self.relation) / share)",
                "math.sqrt(self.unit.squared_l2(self.relation) / (2 * share))",
            ),
            ("generators/shares.py", "math.sqrt(count / share)", "math.sqrt(count / (2 * share))"),
        ),
        ("mu",),
    ),
    AuditMutant(
        "categories are taken from the data",
        (
            (
                "encoding/category.py",
                "        rest = np.flatnonzero(codes < 0)\n        if len(rest):\n            codes[rest] = super()",
                "        rest = np.flatnonzero(codes < 0)\n        listed = np.flatnonzero(codes >= 0)\n        codes[listed] = np.unique(codes[listed], return_inverse=True)[1] + self.first\n        if len(rest):\n            codes[rest] = super()",
            ),
        ),
        ("sensitivity",),
    ),
    AuditMutant(
        "bounds are taken from the data",
        (
            (
                "encoding/numeric.py",
                "low, high = float(self.column.minimum), float(self.column.maximum)",
                "low = max(float(np.nanmin(numbers, initial=np.inf)), float(self.column.minimum))\n"
                "        high = min(float(np.nanmax(numbers, initial=-np.inf)), float(self.column.maximum))\n"
                "        rounded = (self.round(numbers) - low) / max(high - low, 1) * float(self.column.maximum)\n"
                "        numbers, low, high = rounded, float(self.column.minimum), float(self.column.maximum)",
            ),
        ),
        ("sensitivity",),
    ),
    _mst(
        "a threshold with exact n",
        COARSEN,
        f'groups = self._coarsen({REPLACE}(one_ways, total={ROWS} + 1), share["tree"])',
        "taint",
        "parameters",
    ),
    _noise(
        "only cells with rows get noise",
        DRAW.replace(
            "e + rounded_gaussian(s, e.shape, entropy)",
            "np.where(e == 0, 0, e + rounded_gaussian(s, e.shape, entropy))",
        ),
    ),
    _mst(
        "coarse cells from exact counts",
        COARSEN,
        f'groups = self._coarsen({REPLACE}(one_ways, counts={{n: v.astype(float) for n, v in {GRID_COUNTS}.items()}}), share["tree"])',
        "parameters",
        "taint",
    ),
    _mst(
        "exact margins in the targets",
        TARGETS,
        f"{{(name,): values + 1e-3 for name, values in {COARSE_COUNTS}.items()}}",
        "taint",
        "state",
    ),
    _noise("tables of under five rows get no noise", f"exact if exact[0].sum() < 5 else {DRAW}"),
    AuditMutant(
        "the first row is counted twice",
        (
            (
                "engines/base.py",
                ADD,
                "counter.add([np.append(c, c[:1]) for c in codes], rows=len(batch[0]) + min(1, len(batch[0])))",
            ),
        ),
        ("sensitivity",),
    ),
    AuditMutant(
        "outliers are dropped by their z-score",
        (
            (
                "engines/base.py",
                ADD,
                "keep = [True] * len(batch[0]) if not codes or not len(batch[0]) else (np.abs(codes[-1] - np.mean(codes[-1])) <= np.std(codes[-1]) + 1e-9)\n            counter.add([c[keep] for c in codes], rows=int(np.sum(keep)))",
            ),
        ),
        ("sensitivity",),
    ),
    AuditMutant(
        "the seed of the noise comes from the data",
        (
            (
                "gate/grant.py",
                "return SystemEntropy()",
                "return SeededEntropy(int(self.__engine.counts([()], {})[0]) << 16 | self.__index)",
            ),
        ),
        ("repeated noise",),
    ),
    _mst(
        "a branch on a constant column",
        '        report("estimate", 0.75)\n',
        f'        report("estimate", 0.8 if any((v > 0).sum() == 1 for v in {GRID_COUNTS}.values()) else 0.75)\n',
        "state",
    ),
    _mst(
        "a row of the table is in the output",
        "warnings=budget_warnings(self.budget, one_ways.total),",
        f"warnings=(str({ENGINE}._read(self.encoder.names[0]).to_pylist()[:1]),),",
        "state",
    ),
)
"""The twenty of the prototype's list."""

FIELD = (
    _noise("half the noise that is charged", DRAW.replace("(s, e", "(s / 2, e")),
    _noise("noise divided by the number of columns", DRAW.replace("(s, e", "(s / max(e.ndim, 1), e")),
    _noise(
        "noise vanishes for tables of two columns",
        DRAW.replace("e + rounded", "e if e.ndim == 2 else e + rounded"),
        "residuals",
        "repeated noise",
    ),
    _noise("a variance where a sigma is meant", DRAW.replace("(s, e", "(math.sqrt(s), e")),
    _noise(
        "one noise vector for all tables of a question",
        "(lambda z: [e + np.resize(z * (s / sigmas[0]), e.size).reshape(e.shape).astype(np.int64) for e, s in zip(exact, sigmas, strict=True)])(rounded_gaussian(sigmas[0], max(e.size for e in exact), entropy))",
        "repeated noise",
        "residuals",
    ),
    _mst(
        "stopping early by exact errors",
        "        for pair in tables:\n",
        f"        for pair in [t for t in tables if np.abs(t.values - {ENGINE}.counts([t.clique], groupings)[0]).sum() % 2]:\n",
        "taint",
        "state",
    ),
    _mst(
        "constant columns are not asked",
        "one_way_query(self.grids), Round",
        f"one_way_query({{n: g for n, g in self.grids.items() if ({GRID_COUNTS}[n] > 0).sum() > 1}} or self.grids), Round",
        "parameters",
        "count",
        "order",
        "exception",
    ),
    _mst(
        "pairs without exact dependence are left out",
        CHOOSE,
        f"{CHOOSE}\n                edges = [e for e in edges if {EXACT_SCORES}[pairs.index(e)] % 2]",
        "parameters",
        "count",
        "taint",
    ),
    AuditMutant(
        "a score moves twice as far as its sensitivity",
        (
            (
                "gate/answers.py",
                "return [weights * (distances - offsets)]",
                "return [2 * weights * (distances - offsets)]",
            ),
        ),
        ("sensitivity",),
    ),
    AuditMutant(
        "sensitivity 1 where replacing moves a histogram by the root of 2",
        (
            (
                "domain/unit.py",
                "return self.size * self.size * (1 if relation is NeighbouringRelation.ADD_REMOVE else 2)",
                "return self.size * self.size",
            ),
        ),
        ("sensitivity",),
        relation="replace_one",
    ),
    AuditMutant(
        "exponential mechanism with coefficient 1",
        (
            (
                "noise/scores.py",
                "Fraction(float(epsilon)) / (2 * int(sensitivity))",
                "Fraction(float(epsilon)) / int(sensitivity)",
            ),
        ),
        ("selection law",),
    ),
    AuditMutant(
        "answers are asked twice and charged once",
        (
            *UNCHECKED,
            (
                "generators/mst.py",
                READ,
                "            grant.release(one_way_query(self.grids), RoundedGaussian(tuple(sigmas.values())))\n"
                + READ,
            ),
        ),
        ("cost", "mu"),
    ),
    AuditMutant(
        "a missing number raises",
        (
            (
                "encoding/numeric.py",
                "        unread = np.isnan(rounded)\n",
                "        unread = np.isnan(rounded)\n        if unread.any():\n            raise ValueError\n",
            ),
        ),
        ("exception",),
    ),
    AuditMutant(
        "a category that is not listed raises",
        (
            (
                "encoding/category.py",
                "            return np.full(len(keys), self._outside, np.int32)\n",
                "            raise KeyError(len(keys))\n",
            ),
        ),
        ("exception",),
    ),
    AuditMutant(
        "a generator of numpy with a fixed seed draws the noise",
        (
            (
                "noise/entropy.py",
                "np.frombuffer(os.urandom(8 * count), dtype=np.uint64) if count",
                "np.random.Philox(key=0).random_raw(count) if count",
            ),
        ),
        ("repeated noise",),
    ),
    _mst(
        "progress tells the number of rows",
        'report("scores", 0.25)',
        f'report("scores", 0.25 + {ROWS} * 1e-9)',
        "state",
    ),
    AuditMutant(
        "the exact total is saved",
        (
            (
                "generators/independent.py",
                "            total=one_ways.total,\n            graph=graph,",
                f"            total={ROWS},\n            graph=graph,",
            ),
        ),
        ("state",),
        recipe="independent",
    ),
    AuditMutant(
        "scores of replaced rows with the sensitivity of added ones",
        (
            (
                "domain/unit.py",
                "return self.size * (1 if relation is NeighbouringRelation.ADD_REMOVE else 2)",
                "return self.size",
            ),
        ),
        ("sensitivity",),
        relation="replace_one",
    ),
)
"""Bugs that audits found in other synthesisers, put where ours would have them."""

MUTANTS = (*PROTOTYPE, *FIELD)
