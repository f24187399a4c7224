"""Bugs in how rows are read, and rows that reach what they must not."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

__all__ = ["MUTANTS"]

LEAKS = "tests/gate/test_peer_leaks.py::"
GENERATORS = "tests/gate/test_peer_leaks_of_generators.py::"
FLAWS = "tests/gate/test_flaws.py::"
ENGINE = "table._PrivateTable__engine"
RECIPE = '            generator={"name": self.generator.name, "parameters": self.generator.parameters()},\n'

MUTANTS = (
    Mutant(
        "NaN raises",
        "encoding/values.py",
        "    missing = nulls | np.isnan(numbers)\n",
        "    missing = nulls | np.isnan(numbers)\n    if np.isnan(numbers).any():\n        raise ValueError\n",
        (GENERATORS + "test_a_missing_cell_is_not_filled_from_the_column",),
    ),
    Mutant(
        "a value that is not listed raises",
        "encoding/category.py",
        "            return np.full(len(keys), self._outside, np.int32)\n",
        "            raise KeyError(len(keys))\n",
        (FLAWS + "test_f1_no_cell_raises",),
    ),
    Mutant(
        "an error from an engine keeps its words",
        "gate/grant.py",
        'return without_words(cross, "Its charge is burned.")',
        "return cross()",
        ("tests/gate/test_canaries.py::test_an_error_deep_in_an_engine_loses_its_words[counts]",),
    ),
    Mutant(
        "bounds are taken from the data",
        "encoding/numeric.py",
        "low, high = float(self.column.minimum), float(self.column.maximum)",
        "low = max(float(np.nanmin(numbers, initial=np.inf)), float(self.column.minimum))\n"
        "        high = min(float(np.nanmax(numbers, initial=-np.inf)), float(self.column.maximum))\n"
        "        rounded = (self.round(numbers) - low) / max(high - low, 1) * float(self.column.maximum)\n"
        "        numbers, low, high = rounded, float(self.column.minimum), float(self.column.maximum)",
        (GENERATORS + "test_an_outlier_moves_no_bin[independent]",),
    ),
    Mutant(
        "missing cells are filled with another cell of the column",
        "encoding/base.py",
        "return cells.spread(self.encode_cells(cells), np.int32(self.absent))",
        "codes = self.encode_cells(cells)\n"
        "        return cells.spread(codes, np.int32(codes[~cells.missing][0] if (~cells.missing).any() else self.absent))",
        (GENERATORS + "test_a_missing_cell_is_not_filled_from_the_column",),
    ),
    Mutant(
        "the total is passed exact",
        "generators/independent.py",
        RECIPE + "            total=one_ways.total,\n",
        RECIPE + f"            total=float({ENGINE}.counts([()], {{}})[0]),\n",
        (
            GENERATORS + "test_nothing_but_noisy_answers_decides[independent]",
            GENERATORS + "test_the_sample_size_is_noisy[independent]",
        ),
    ),
    Mutant(
        "pairs are chosen by exact scores",
        "generators/mst.py",
        "edges = choose_tree(pairs, scores[0].values, noise, self.domain.label)",
        f"exact = [np.abs(c - references[p]).sum() for p, c in zip(pairs, {ENGINE}.counts(pairs, groupings))]\n"
        "                edges = choose_tree(pairs, np.array(exact), noise, self.domain.label)",
        (
            GENERATORS + "test_nothing_but_noisy_answers_decides[mst]",
            GENERATORS + "test_sampling_again_spends_nothing[mst]",
        ),
    ),
    Mutant(
        "a raw column is in the saved model",
        "generators/independent.py",
        "            warnings=budget_warnings(self.budget, one_ways.total),\n",
        f"            warnings=(str({ENGINE}._read(self.encoder.names[0]).to_pylist()),),\n",
        (GENERATORS + "test_a_saved_model_holds_no_row[independent]",),
    ),
    Mutant(
        "the model keeps the table",
        "generators/independent.py",
        RECIPE,
        RECIPE.replace("},\n", ', "table": table},\n'),
        (GENERATORS + "test_a_model_keeps_no_table[independent]",),
    ),
    Mutant(
        "the memory cap adds up the asked cliques",
        "pgm/forecast.py",
        "    return ModelForecast(tree, tree.cells, OVERHEAD_BYTES + tree.cells * _bytes_per_cell(tree.cells, method))\n",
        "    cells = sum(__import__('math').prod(sizes[c] for c in clique) for clique in cliques)\n"
        "    return ModelForecast(tree, cells, OVERHEAD_BYTES + cells * _bytes_per_cell(cells, method))\n",
        (LEAKS + "test_the_memory_cap_counts_what_the_model_holds",),
    ),
    Mutant(
        "the cap of the planner adds up the chosen pairs",
        "generators/adaptive/planner.py",
        "sum(prod(self.sizes[name] for name in clique) for clique in cliques) <= self.cell_cap",
        "sum(prod(self.sizes[name] for name in p) for p in [*self.pairs, pair]) <= self.cell_cap",
        (GENERATORS + "test_the_planner_stays_below_its_cell_cap",),
    ),
)
