"""One call from a private table to a release directory: plan, charge, measure, fit, sample, write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dpsynth.accounting.quantities import Budget
from dpsynth.bundle.facts import (
    SCHEMA,
    VERSION,
    budget_facts,
    identify,
    plain,
    render,
    step_facts,
    versions,
)
from dpsynth.bundle.folder import StagedFolder, describe_files, output_errors
from dpsynth.bundle.reader import FACTS_FILE, Bundle, read_bundle
from dpsynth.bundle.sampling import check_rows, check_seed, fresh_seed
from dpsynth.bundle.tables import FORMATS, write_table
from dpsynth.domain.table import Domain
from dpsynth.domain.unit import NeighbouringRelation, PrivacyUnit
from dpsynth.domain.unit import rows as rows_unit
from dpsynth.errors import BundleError, InputError, LedgerError, OutputError
from dpsynth.generators.base import AbstractGenerator, AbstractPlan, Progress

if TYPE_CHECKING:
    from dpsynth.gate import PrivateTable
    from dpsynth.generators.base import AbstractFittedModel

__all__ = ["make_plan", "release"]


def make_plan(
    domain: Domain | Path | str,
    *,
    epsilon: float,
    delta: float,
    generator: str | AbstractGenerator = "auto",
    unit: PrivacyUnit | None = None,
    relation: NeighbouringRelation = NeighbouringRelation.ADD_REMOVE,
    label: str | None = None,
) -> AbstractPlan:
    """The plan that `release` would follow, without a table: no row is read, nothing is charged.

    Args:
        domain: the public columns, or the file that declares them.
        epsilon: the budget's epsilon, above 0.
        delta: the budget's delta, in [0, 1).
        generator: its name ("auto", "adaptive", "aim", "mst", "independent") or a recipe with its own hyper-parameters.
        unit: who is protected (default: what the domain file says, else any one row).
        relation: what neighbouring tables are.
        label: the column that users mean to predict; overrides the domain's.

    Raises:
        BudgetError: an impossible budget. DomainError: an unusable domain or label. PlanError: nothing
            fits, or there is no such generator.
    """
    from dpsynth.domain import read_domain_file
    from dpsynth.generators import generator_named

    wanted = Budget(epsilon=epsilon, delta=delta)
    budget = Budget(epsilon=float(wanted.epsilon), delta=float(wanted.delta))  # 1 and 1.0 name the same job
    recipe = generator if isinstance(generator, AbstractGenerator) else generator_named(generator)
    declared = read_domain_file(domain)
    columns = declared.domain if label is None else replace(declared.domain, label=label)
    return recipe.plan(columns, budget=budget, unit=unit or declared.unit or rows_unit(1), relation=relation)


def release(
    source: Any,
    *,
    domain: Domain | Path | str,
    epsilon: float,
    delta: float,
    out: Path | str,
    generator: str | AbstractGenerator = "auto",
    rows: int | None = None,
    seed: int | None = None,
    ledger: Path | str | None = None,
    account: str | None = None,
    cap: Budget | None = None,
    unit: PrivacyUnit | None = None,
    relation: NeighbouringRelation = NeighbouringRelation.ADD_REMOVE,
    label: str | None = None,
    format: str = "csv",
    progress: Progress | None = None,
    overwrite: bool = False,
) -> Bundle:
    """Make a synthetic table of a private one and write it with all that belongs to it.

    Args:
        source: a frame, a CSV or Parquet path, or a glob of several.
        domain: as in `make_plan`.
        epsilon: as in `make_plan`.
        delta: as in `make_plan`.
        out: the folder to make. It appears whole at the end or not at all.
        generator: as in `make_plan`.
        rows: rows of the synthetic table (default: the estimated, noisy number).
        seed: of the sampling only, which is public; drawn afresh and recorded where it is not given.
        ledger: the file that remembers every charge (default: as in `dpsynth.open`). There is no way without one.
        account: the ledger account to charge (default: found by the data).
        cap: the most that the account may ever spend.
        unit: as in `make_plan`.
        relation: as in `make_plan`.
        label: as in `make_plan`.
        format: "csv" or "parquet".
        progress: called with (stage, share done).
        overwrite: whether an older release in `out` may give way.

    Returns:
        The bundle. Where `out` already holds this very release it is returned as it stands, at no cost.

    Raises:
        InputError: an argument, domain or table that cannot be used; nothing was charged.
        OutputError: the folder cannot be written or holds something else; nothing was charged unless it says so.
        BudgetRefused: the ledger has less left than the plan costs; no row was read.

    Guarantee: rows are read by the gate only, after the charge is committed; the folder holds post-processing only.
    """
    check_rows(rows)
    check_seed(seed)
    if format not in FORMATS:
        raise InputError(f"There is no table format {format!r}.\nChoose one of: {', '.join(FORMATS)}.")
    plan = make_plan(
        domain, epsilon=epsilon, delta=delta, generator=generator, unit=unit, relation=relation, label=label
    )
    folder = Path(out)
    request = {
        "job": plan.job(),
        "unit": str(plan.unit),
        "relation": plan.relation.value,
        "rows": rows,
        "seed": seed,
        "format": format,
    }
    standing = _standing(folder, request, overwrite)
    with StagedFolder(folder) as staged:
        from dpsynth.gate import ledger_extract, open_table

        table = open_table(
            source, domain=plan.domain, unit=plan.unit, relation=plan.relation, ledger=ledger, account=account, cap=cap
        )
        if standing is not None and not overwrite and not _knows(table, standing):
            raise OutputError(
                f"{folder} holds the same request on another table or ledger.\n"
                "Nothing was charged. Choose another folder, or allow it to be replaced with overwrite."
            )
        model = plan.fit(table, progress)
        release_id = identify(request, model)
        if standing is not None and standing.release_id == release_id:
            return standing
        if standing is not None and not overwrite:
            raise OutputError(
                f"{folder} holds the same request on an earlier state of this table.\n"
                "Choose another folder: the new answers are stored in the ledger, so they cost nothing there."
            )
        extract = ledger_extract(table, list(dict.fromkeys(m.event_id for m in model.measurements)))
        _write(staged, plan, model, request, release_id, extract, progress)
        if progress is not None:
            progress("publish", 1.0)
        with output_errors(folder, _AFTER_CHARGE):
            staged.publish(replace=overwrite)
    return read_bundle(folder)


_AFTER_CHARGE = "The answers are stored in the ledger: run the same release again, where there is room, at no cost."


def _write(
    staged: StagedFolder,
    plan: AbstractPlan,
    model: AbstractFittedModel,
    request: Mapping[str, Any],
    release_id: str,
    ledger: Mapping[str, Any],
    progress: Progress | None,
) -> None:
    """Sample and write every file of the bundle into the staged folder."""
    from dpsynth.domain import to_dict, write_domain

    seed = fresh_seed() if request["seed"] is None else request["seed"]
    if progress is not None:
        progress("sample", 1.0)
    frame = model.sample(request["rows"], seed=seed)
    if progress is not None:
        progress("write", 1.0)
    with output_errors(staged.out, _AFTER_CHARGE):
        kind = request["format"]
        write_table(frame, staged.path / f"synthetic.{kind}", domain=plan.domain, format=kind)
        _save(model, staged)
        write_domain(plan.domain, staged.path / "domain.toml", unit=plan.unit)
        facts = {
            "schema": SCHEMA,
            "version": VERSION,
            "release_id": release_id,
            "request": request,
            "guarantee": budget_facts(plan),
            "private": model.private,
            "entropy": "operating system" if model.private else "seeded for a test: NOT PRIVATE",
            "model": plain(model.describe()),
            "steps": step_facts(plan),
            "ledger": plain(ledger),
            "sampling": {"rows": len(frame), "seed": seed},
            "warnings": _warnings(model),
            "versions": versions(),
            "domain": {"digest": plan.domain.digest(), **to_dict(plan.domain)},
            "files": describe_files(staged.path),
        }
        (staged.path / FACTS_FILE).write_bytes(render(facts))


def _save(model: AbstractFittedModel, staged: StagedFolder) -> None:
    from safetensors import SafetensorError

    try:
        model.save(staged.path / "model")
    except (OutputError, SafetensorError):  # neither of them knows the folder that the caller named
        raise OutputError(f"Cannot write the model into {staged.out}.\n{_AFTER_CHARGE}") from None


def _warnings(model: AbstractFittedModel) -> list[str]:
    seeded = "NOT PRIVATE: the noise came from a test seed. Do not hand this table to anyone."
    return [*model.warnings, *([] if model.private else [seeded])]


def _standing(folder: Path, request: Mapping[str, Any], overwrite: bool) -> Bundle | None:
    """What stands at `folder`: None where it is free, else the bundle of the same request.

    Raises:
        OutputError: something else stands there.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise OutputError(f"Cannot write {folder}: a file or link of that name exists.\nChoose another folder.")
    if not folder.exists() or not any(folder.iterdir()):
        return None
    try:
        standing = read_bundle(folder)
    except BundleError:
        if overwrite and (folder / FACTS_FILE).is_file():
            return None
        raise OutputError(
            f"Cannot write {folder}: it exists and holds something other than a whole release.\n"
            "Nothing was charged. Choose another folder, or move it away first."
        ) from None
    if standing.facts["request"] == request:
        return standing
    if overwrite:
        return None
    raise OutputError(
        f"Cannot write {folder}: it holds another release ({standing.release_id[:8]}).\n"
        "Nothing was charged. Choose another folder, or allow it to be replaced with overwrite."
    )


def _knows(table: PrivateTable, standing: Bundle) -> bool:
    """Whether the table's account holds the draws of a standing bundle: if not, the bundle is of something else."""
    from dpsynth.gate import ledger_extract

    try:
        ledger_extract(table, [draw["event_id"] for draw in standing.facts["ledger"]["draws"]])
    except LedgerError:
        return False
    return True
