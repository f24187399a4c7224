"""A foreign synthesizer from the table to the certificate, or to its refusal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import dpsynth
from dpsynth.bridges.install import environment_of
from dpsynth.certify import certify_bundle
from dpsynth.certify.structure import check_structure, read_answers
from dpsynth.errors import BundleError
from dpsynth.generators import generator_named
from dpsynth.generators.smartnoise import Smartnoise
from tests.unit.bridges.support import fake
from tests.unit.generators.support import BUDGET, DOMAIN, chain, letters, opened, people

ENVIRONMENT = environment_of("smartnoise")
needs_smartnoise = pytest.mark.skipif(
    ENVIRONMENT.state != "installed", reason="the bridge to smartnoise-synth is not installed"
)


def _release(tmp_path: Path, recipe: Smartnoise) -> dpsynth.Bundle:
    return dpsynth.release(
        people(),
        domain=DOMAIN,
        epsilon=1.0,
        delta=1e-6,
        generator=recipe,
        out=tmp_path / "release",
        ledger=tmp_path / "ledger",
    )


def test_a_foreign_release_fails_the_policy_by_its_noise_only(tmp_path: Path) -> None:
    bundle = _release(tmp_path, fake("mst"))
    found = {check.name: check for check in check_structure(bundle.facts, read_answers(bundle))}
    assert [name for name, check in found.items() if not check.passed] == ["entropy"]
    assert "drawn by foreign code (smartnoise)" in found["entropy"].note
    certificate = certify_bundle(bundle)
    assert not certificate.passed
    assert certificate.decision == "policy fail"


def test_what_is_refuted_can_never_certify(tmp_path: Path) -> None:
    bundle = _release(tmp_path, fake("patectgan"))
    with pytest.raises(BundleError, match="Claim not supported: .* can never be certified.\n.*one network"):
        certify_bundle(bundle)


def test_importing_dpsynth_needs_no_bridge() -> None:
    code = (
        "import sys, dpsynth, dpsynth.generators; print([m for m in sys.modules if 'bridges' in m or 'snsynth' in m])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@needs_smartnoise
@pytest.mark.slow
@pytest.mark.parametrize("name", ["mst", "mwem"])
def test_the_real_one_keeps_what_it_is_told(name: str, tmp_path: Path) -> None:
    table = chain(3000)
    recipe = generator_named(f"smartnoise-{name}")
    model = recipe.plan(letters(), budget=BUDGET).fit(opened(tmp_path / "ledger", table, letters(), seed=None))
    synthetic = model.sample(seed=0)
    assert len(synthetic) == 50_000
    for column in table.columns:
        theirs = synthetic[column].value_counts(normalize=True).reindex(["0", "1", "2"], fill_value=0)
        ours = table[column].value_counts(normalize=True).reindex(["0", "1", "2"], fill_value=0)
        assert (theirs - ours).abs().sum() < 0.2


def _index_answers() -> bool:
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-deps", "--ignore-installed", "packaging"]
    return subprocess.run([*command, "--retries", "0", "--timeout", "5"], capture_output=True).returncode == 0


@pytest.mark.slow
def test_the_extra_resolves_on_its_own(tmp_path: Path) -> None:
    if not _index_answers():
        pytest.skip("no package index answers")
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "clean")], check=True)
    pip = [str(tmp_path / "clean" / "bin" / "python"), "-m", "pip", "install", "--dry-run", "--quiet"]
    wanted = ["smartnoise-synth>=1.0", "packaging"]
    done = subprocess.run([*pip, *wanted], capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-500:]
