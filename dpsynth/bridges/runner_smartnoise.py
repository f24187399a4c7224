"""Runs inside the environment of smartnoise-synth: `python runner_smartnoise.py FOLDER`. Imports nothing of dpsynth.

Reads rows.parquet and task.json, fits one synthesizer, writes synthetic.parquet and said.json (the format is that of
process.py). Columns hold whole numbers below their public size. The transformer is fitted on a made-up table that
holds each of these numbers, so that nothing about columns is learned from rows.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

FORMAT = 1
GANS = ("dpctgan", "patectgan", "pategan", "dpgan")
WITHOUT_DELTA = ("mwem",)
INDEPENDENT = ("mst", "aim")
"""Those that draw rows from a graphical model."""


class IndependentRows:
    """A graphical model that draws each row on its own; its "round" sampler makes rows of one column dependent."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def synthetic_data(self, rows: int) -> Any:
        """Rows, drawn independently of each other."""
        return self.model.synthetic_data(rows=rows, method="sample")


def public_transformer(sizes: list[int], names: list[str], style: str) -> Any:
    """A transformer for the public cells, fitted on a table that holds every cell of every column."""
    import pandas as pd
    from snsynth.transform.table import TableTransformer

    made_up = pd.DataFrame(
        {name: [i % size for i in range(max(sizes))] for name, size in zip(names, sizes, strict=True)}
    )
    transformer = TableTransformer.create(made_up, style=style, categorical_columns=names)
    transformer.fit(made_up)
    return transformer


def fit(task: dict[str, Any], rows: Any) -> Any:
    """The synthesizer, fitted."""
    from snsynth import Synthesizer

    kind, names = task["synthesizer"], list(rows.columns)
    settings = dict(task["parameters"])
    independent = settings.pop("independent_rows", False)
    if kind not in WITHOUT_DELTA:
        settings["delta"] = task["delta"]
    made = Synthesizer.create(kind, epsilon=task["epsilon"], **settings)
    style = "gan" if kind in GANS else "cube"
    learn = made.train if kind in GANS else made.fit
    learn(rows, transformer=public_transformer(task["sizes"], names, style), categorical_columns=names)
    if independent and kind in INDEPENDENT:
        made.synthesizer = IndependentRows(made.synthesizer)
    return made


def sample(task: dict[str, Any], made: Any, names: list[str]) -> Any:
    """Exactly the asked number of rows, as whole numbers. Some synthesizers give fewer or more at a time."""
    import pandas as pd

    draw = made.generate if task["synthesizer"] in GANS else made.sample
    parts, have = [], 0
    for _ in range(100):
        part = pd.DataFrame(draw(task["rows"] - have))
        part.columns = names
        part = part.dropna()
        parts.append(part)
        have += len(part)
        if have >= task["rows"]:
            break
    return pd.concat(parts, ignore_index=True).iloc[: task["rows"]].astype("int32")


def say(folder: Path, ok: bool, why: str = "", version: str = "") -> None:
    """One word for dpsynth: never a message of an error, which may quote rows.

    Args:
        folder: of the task.
        ok: whether there are synthetic rows.
        why: the stage that failed.
        version: of smartnoise-synth.
    """
    body = {"format": FORMAT, "ok": ok, "why": why, "version": version}
    (folder / "said.json").write_text(json.dumps(body), encoding="utf-8")


def main(folder: Path) -> int:
    """Run one task; 0 where synthetic.parquet was written."""
    task = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    if task.get("format") != FORMAT:
        say(folder, False, "task")
        return 1
    stage = "import"
    try:
        from importlib.metadata import version

        import pandas as pd
        import snsynth  # noqa: F401

        rows = pd.read_parquet(folder / "rows.parquet")
        stage = "fit"
        made = fit(task, rows)
        stage = "sample"
        sample(task, made, list(rows.columns)).to_parquet(folder / "synthetic.parquet", index=False)
    except Exception:
        say(folder, False, stage)
        return 1
    say(folder, True, version=version("smartnoise-synth"))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
