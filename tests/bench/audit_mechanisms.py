"""What privacy_audit shows of our own mechanisms, beside the bars.

    python -m tests.bench.audit_mechanisms [exact redraw runs canaries mutants]

exact     mu_exact / mu from one transcript and one worst-case row (bar .99), and the zCDP budgets at (1, 1e-2)
redraw    mu_LB / mu (95 %) of the noise of one MST transcript, drawn again by our sampler on real entropy (bar .95)
runs      whole fits of MST and AIM on a coin's choice of D or D'; mu_hat beside mu
canaries  one fit, 5,000 unique-cell canaries: epsilon bounds (mean of six fits), halved noise
mutants   the battery over all known bugs, in CPU seconds (bar: all found, under 180)
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time

import numpy as np

from dpsynth.accounting.quantities import Budget
from dpsynth.generators import AIM, MST, Adaptive, Independent
from dpsynth.noise import SystemEntropy, rounded_gaussian
from privacy_audit.bounds.curves import GaussianCurve, gdp_epsilon, gdp_mu, zcdp_rho
from privacy_audit.bounds.rank_test import rank_test
from privacy_audit.mechanisms.unique_cells import CanaryAnswer, design_canaries, score_canaries
from privacy_audit.mechanisms.white_box import (
    audit_transcript,
    exact_delta,
    exact_mu,
    gaussian_delta,
    redraw_statistics,
    sample_statistics,
)
from tests.gate.self_audit import (
    Subject,
    canary_fit,
    three_columns,
    three_columns_domain,
    transcript,
    with_repeated_row,
)
from tests.unit.generators.support import chain, letters

DELTA = 1e-5
EPSILONS = (1.0, 2.0, 4.0, 8.0)
OTHER = three_columns()
ONE = with_repeated_row(OTHER)
EIGHT = chain(2000, "abcdefgh", 4)
"""Eight columns: with few, sigmas at epsilon 8 come near 1, where rounding to integers itself hides 5 % of mu."""
RECIPES = {
    "mst": MST(),
    "aim gaussian": AIM(selection="gaussian"),
    "adaptive": Adaptive(),
    "independent": Independent(),
}
REDRAWS = {1.0: 600_000, 2.0: 200_000, 4.0: 80_000, 8.0: 60_000}
CANARY_BARS = {1.0: 0.76, 2.0: 1.65, 4.0: 3.6, 8.0: 7.4}
FITS = 6


def judged(value: float, bar: float, words: str, *, at_least: bool = True) -> None:
    """Print one figure beside its bar."""
    good = value >= bar if at_least else value <= bar
    sign = ">=" if at_least else "<="
    print(f"  {words:62s} {value:9.4f} {sign} {bar:<7g} {'PASS' if good else 'SHORT'} ({value / bar:.3f} x bar)")


def subject(recipe, epsilon: float, delta: float = DELTA) -> Subject:
    return Subject(recipe, three_columns_domain(), Budget(epsilon=epsilon, delta=delta))


def exact() -> None:
    print("mu_exact / mu, one transcript, one repeated row, three columns, 300 rows")
    for name, recipe in RECIPES.items():
        for epsilon in EPSILONS:
            audited = subject(recipe, epsilon)
            report = audit_transcript(transcript(audited, ONE, OTHER), mu=math.sqrt(audited.claim()))
            judged(report.ratio, 0.99, f"{name}, epsilon {epsilon:g} (mu {report.mu_claimed:.4f})")
            if report.mu_declared < 0.99 * (report.mu_claimed or 0.0):
                print(
                    f"    it asked for {report.mu_declared / report.mu_claimed:.4f} of its mu only; the row used all of that"
                )
    implied = math.sqrt(2 * zcdp_rho(1.0, 1e-2))
    print(f"zCDP accounting at (1, 1e-2): mu {implied:.4f} is implied")
    for name, recipe in (("mst published", MST(selection="exponential")), ("aim published", AIM())):
        measured, whole = [], []
        for _ in range(5):
            found = transcript(subject(recipe, 1.0, 1e-2), ONE, OTHER)
            measured.append(exact_mu(found))
            whole.append(mu_of_delta(exact_delta(found, 0.0)))
        judged(float(np.mean(whole)), 0.43, f"{name}: mu of the exact trade-off at epsilon 0, with selections")
        print(f"  {'':62s} {np.mean(measured):9.4f}    of its measurements alone")
    epsilon = gdp_epsilon(implied, 1e-2)
    found = transcript(subject(MST(), epsilon, 1e-2), ONE, OTHER)
    judged(exact_mu(found), 0.43, f"mst, all Gaussian, given that mu (epsilon {epsilon:.3f} by GDP)")


def mu_of_delta(delta: float) -> float:
    """The mu whose total variation is delta."""
    from scipy import optimize

    return float(optimize.brentq(lambda mu: float(gaussian_delta(0.0, mu)) - delta, 1e-6, 40))


def bound(sample, mu: float, low: float, replicates: int, step: float = 0.01) -> float:
    """mu_LB / mu on a ladder of Gaussian curves."""
    shares = np.arange(low, 1.1, step)
    found = rank_test(
        sample.members,
        sample.nonmembers,
        delta=DELTA,
        curves=[GaussianCurve(share * mu) for share in shares],
        gaussian_mechanism=True,
        coin_labels=True,
        replicates=replicates,
    )
    return gdp_mu(found.epsilon, DELTA) / mu if found.epsilon > 0 else 0.0


def redraw() -> None:
    print("mu_LB / mu (rank test, 95 %), noise of one MST transcript drawn again by the sampler")
    entropy = SystemEntropy()
    for epsilon, runs in REDRAWS.items():
        started = time.process_time()
        audited = Subject(MST(), letters("abcdefgh", 4), Budget(epsilon=epsilon, delta=DELTA))
        mu = math.sqrt(audited.claim())
        sample = redraw_statistics(
            transcript(audited, with_repeated_row(EIGHT), EIGHT),
            lambda s, n: rounded_gaussian(s, n, entropy),
            runs,
            seed=1,
        )
        share = bound(sample, mu, 0.93, 199)
        judged(share, 0.95, f"epsilon {epsilon:g}, {runs} runs, {time.process_time() - started:.0f} CPU s")


def runs() -> None:
    print("whole fits through the gate, a coin for D or D' each: mu_hat (standard error) beside mu")
    for name, count in (("mst", 300), ("aim gaussian", 60)):
        started = time.process_time()
        audited = subject(RECIPES[name], 4.0)
        mu = math.sqrt(audited.claim())
        sample = sample_statistics(lambda inside, a=audited: transcript(a, ONE, OTHER, inside), count, seed=3)
        error = math.sqrt(4 / count + mu**2 / (2 * count))
        print(
            f"  {name}, epsilon 4, {count} fits: {sample.mu_hat():.3f} ({error:.3f}) beside {mu:.3f}; "
            f"bound mu_LB / mu {bound(sample, mu, 0.3, 399, 0.02):.2f}; {time.process_time() - started:.0f} CPU s"
        )


def canaries() -> None:
    print("one fit of Independent, 5,000 unique-cell canaries (rank test, 95 %), mean of six fits")
    for epsilon, bar in CANARY_BARS.items():
        mu, bounds, rejected, share = gdp_mu(epsilon, DELTA), [], 0, 0.0
        for fit in range(FITS):
            design = design_canaries(5_000, 3, seed=100 + fit)
            answers = canary_fit(Independent(), Budget(epsilon=epsilon, delta=DELTA), design)
            scores = score_canaries(design, answers)
            share = scores.mu / mu
            bounds.append(gdp_epsilon(bound(scores.sample, mu, 0.4, 399, 0.02) * mu, DELTA))
            exact_counts = design.copies + design.labels
            halved = [CanaryAnswer(exact_counts + (a.noisy - exact_counts) / 2, a.sigma) for a in answers]
            refuted = rank_test(
                *(lambda s: (s.members, s.nonmembers))(score_canaries(design, halved).sample),
                delta=DELTA,
                curves=(GaussianCurve(mu),),
                gaussian_mechanism=True,
                coin_labels=True,
                replicates=399,
            )
            rejected += refuted.epsilon > 0
        judged(float(np.mean(bounds)), bar, f"epsilon {epsilon:g}, mu_canary / mu {share:.4f}, from {min(bounds):.2f}")
        judged(rejected, FITS, "halved noise: fits in which the claim is rejected")


def mutants() -> None:
    from tests.gate.self_audit_mutants import MUTANTS

    done = subprocess.run(
        [sys.executable, "-m", "tests.gate.self_audit_battery"], capture_output=True, text=True, check=True
    )
    told = {one["name"]: one for one in map(json.loads, done.stdout.splitlines())}
    for mutant in MUTANTS:
        one = told[mutant.name]
        verdict = "" if one["kind"] in mutant.found else "NOT FOUND "
        print(f"  {verdict}{mutant.name:70s} {one['kind']:15s} {one['cpu']:5.2f} CPU s")
    dead = sum(told[mutant.name]["kind"] in mutant.found for mutant in MUTANTS)
    judged(dead, len(MUTANTS), "mutants found")
    judged(sum(one["cpu"] for one in told.values()), 180, "CPU seconds for all, clean runs included", at_least=False)
    for name in told.keys() - {mutant.name for mutant in MUTANTS}:
        print(f"  {name}: {told[name]['kind']} found in 40 pairs")


PARTS = {"exact": exact, "redraw": redraw, "runs": runs, "canaries": canaries, "mutants": mutants}


def main() -> None:
    for name in sys.argv[1:] or PARTS:
        PARTS[name]()


if __name__ == "__main__":
    main()
