"""Quantities are types: a rho passed as a sigma, or an epsilon as a delta, does not type-check."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHECKER = Path(sys.executable).with_name("pyrefly")

HEAD = """
from dpsynth.accounting import Budget, calibrate_mu, sigma_up
from dpsynth.accounting.gdp import delta_of_mu_up
from dpsynth.accounting.quantities import Delta, Epsilon, Mu, Rho, Sigma, SquaredSensitivity
from dpsynth.accounting.zcdp import delta_of_rho_up, rho_of_down

def noise(sigma: Sigma) -> None: ...

budget = Budget(epsilon=1.0, delta=1e-5)
"""


def _errors(tmp_path: Path, line: str) -> tuple[int, str]:
    if importlib.util.find_spec("pyrefly") is None or not CHECKER.exists():
        pytest.skip("pyrefly is not here")
    snippet = tmp_path / "snippet.py"
    snippet.write_text(HEAD + line + "\n", encoding="utf-8")
    result = subprocess.run(
        [str(CHECKER), "check", "--search-path", str(ROOT), "--config", str(ROOT / "pyproject.toml"), str(snippet)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    return result.returncode, result.stdout + result.stderr


@pytest.mark.parametrize(
    "line",
    [
        "noise(rho_of_down(budget))",
        "noise(Rho(0.1))",
        "noise(calibrate_mu(budget))",
        "noise(0.1)",
        "delta_of_mu_up(Rho(0.1), Epsilon(1.0))",
        "delta_of_mu_up(Mu(0.1), Delta(1.0))",
        "delta_of_rho_up(calibrate_mu(budget), Epsilon(1.0))",
        "squared: SquaredSensitivity = 2",
    ],
)
def test_mixed_up_quantities_are_type_errors(tmp_path: Path, line: str) -> None:
    code, output = _errors(tmp_path, line)
    assert code != 0, output
    assert "bad-argument-type" in output or "bad-assignment" in output, output


def test_control_right_quantities_pass(tmp_path: Path) -> None:
    right = (
        "noise(sigma_up(0.1)); noise(Sigma(2.0)); delta_of_mu_up(calibrate_mu(budget), Epsilon(1.0)); "
        "delta_of_rho_up(rho_of_down(budget), Epsilon(1.0)); squared = SquaredSensitivity(2)"
    )
    code, output = _errors(tmp_path, right)
    assert code == 0, output
