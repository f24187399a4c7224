"""The shared ruler and its tables, found as the tests find them: DPSYNTH_SHARED, else ../shared beside the checkout."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("DPSYNTH_SHARED", ROOT.parent / "shared"))
TABLES = Path(tempfile.gettempdir()) / "dpsynth-bench-tables"
NIST10 = ("AGEP", "SEX", "MSP", "RAC1P", "HOUSING_TYPE", "OWN_RENT", "EDU", "PINCP_DECILE", "DVET", "DEYE")


def ruler() -> ModuleType:
    """The module ruler.py of the shared folder.

    Raises:
        SystemExit: the shared folder is not there.
    """
    path = SHARED / "bench" / "ruler.py"
    if not path.is_file():
        raise SystemExit(f"There is no {path}. Set DPSYNTH_SHARED to the folder with the shared ruler and tables.")
    spec = importlib.util.spec_from_file_location("shared_ruler", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["shared_ruler"] = module
    spec.loader.exec_module(module)
    return module


def scorer(table: str) -> Any:
    """The ruler laid on "adult" or "national2019"; what depends on the real table alone is kept beside the tables."""
    folder = prepared() / table
    domain = SHARED / "bench" / f"{table}_domain.json"
    return ruler().Ruler(str(folder / "train.csv"), str(folder / "holdout.csv"), str(domain), str(TABLES / "cache"))


def prepared() -> Path:
    """The folder of adult/, national2019/, nltcs/ (by the shared prepare.py) and nist10/; made on first use."""
    if not (TABLES / "nist10" / "train.csv").is_file():
        command = [sys.executable, str(SHARED / "bench" / "prepare.py"), "--out", str(TABLES)]
        subprocess.run(command, check=True)
        _write_nist10(TABLES / "nist10")
    return TABLES


def _write_nist10(folder: Path) -> None:
    """All rows and the ten demographic columns, as raw texts."""
    import pandas as pd

    source = SHARED / "data" / "nist_acs" / "national2019.csv"
    folder.mkdir(exist_ok=True)
    partial = folder / "partial.csv"
    pd.read_csv(source, dtype=str, keep_default_na=False)[list(NIST10)].to_csv(partial, index=False)
    partial.replace(folder / "train.csv")


def mean_tvds(real: Any, made: Any, cliques: dict[int, Sequence[tuple[int, ...]]]) -> dict[int, float]:
    """Mean total variation distance over some marginals of each order, cells compared as texts.

    Args:
        real: a table.
        made: a table with the same columns.
        cliques: column numbers by order.
    """
    import numpy as np
    import pandas as pd

    codes, sizes = [], []
    for name in real.columns:
        both = pd.concat([real[name], made[name]]).astype("str")
        code, values = pd.factorize(both)
        codes.append(code.astype(np.int64))
        sizes.append(len(values))
    n = len(real)
    found = {}
    for order, chosen in cliques.items():
        distances = []
        for clique in chosen:
            joint = np.zeros(len(codes[0]), dtype=np.int64)
            for column in clique:
                joint = joint * sizes[column] + codes[column]
            cells, joint = np.unique(joint, return_inverse=True)
            one = np.bincount(joint[:n], minlength=len(cells)) / n
            two = np.bincount(joint[n:], minlength=len(cells)) / (len(joint) - n)
            distances.append(0.5 * np.abs(one - two).sum())
        found[order] = float(np.mean(distances))
    return found
