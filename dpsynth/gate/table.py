"""A private table behind the gate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dpsynth.accounting.events import AbstractEvent
from dpsynth.accounting.quantities import Budget
from dpsynth.domain.canonical import canonical_json
from dpsynth.domain.table import Domain
from dpsynth.domain.unit import NeighbouringRelation, PrivacyUnit
from dpsynth.errors import InputError
from dpsynth.gate.charges import Wish, reserve
from dpsynth.gate.grant import Grant
from dpsynth.gate.ledger import Ledger
from dpsynth.gate.opaque import AbstractOpaque

if TYPE_CHECKING:
    from dpsynth.encoding.table import TableEncoder
    from dpsynth.engines.base import AbstractEngine, Fingerprint

__all__ = ["PrivateTable"]


class PrivateTable(AbstractOpaque):
    """A handle on rows that can only be asked noisy questions. Made by `open_table`.

    Its representation and properties hold public facts only. Length, iteration, truth, copies, pickles and the
    protocols of numpy, Arrow and frames raise OpaqueError.
    """

    __slots__ = ("__account", "__engine", "__fingerprint", "__ledger", "__relation", "__seed", "__unit")

    def __init__(
        self,
        engine: AbstractEngine,
        fingerprint: Fingerprint,
        ledger: Ledger,
        account: str,
        unit: PrivacyUnit,
        relation: NeighbouringRelation,
        seed: int | None,
    ) -> None:
        self.__engine = engine
        self.__fingerprint = fingerprint
        self.__ledger = ledger
        self.__account = account
        self.__unit = unit
        self.__relation = relation
        self.__seed = seed

    def __repr__(self) -> str:
        mode = "" if self.private else ", NOT PRIVATE: seeded for a test"
        return (
            f"PrivateTable({len(self.domain)} columns, account {self.__account!r}, unit {self.__unit}, "
            f"{self.__relation.value}, ledger {self.__ledger.path.name}{mode})"
        )

    @property
    def domain(self) -> Domain:
        """The public description of the columns."""
        return self.__engine.encoder.domain

    @property
    def encoder(self) -> TableEncoder:
        """The fit-free encoder of the domain."""
        return self.__engine.encoder

    @property
    def account(self) -> str:
        """The ledger account that is charged."""
        return self.__account

    @property
    def unit(self) -> PrivacyUnit:
        """The unit of protection."""
        return self.__unit

    @property
    def relation(self) -> NeighbouringRelation:
        """The neighbouring relation of the ledger."""
        return self.__relation

    @property
    def ledger_path(self) -> Path:
        """The ledger file."""
        return self.__ledger.path

    @property
    def private(self) -> bool:
        """False where a test seed draws the noise: nothing released from here is private."""
        return self.__seed is None

    def reserve(
        self, event: AbstractEvent, *, job: dict[str, Any], purpose: str = "", budget: Budget | None = None
    ) -> Grant:
        """Charge an event, whole and before anything is read, and get the right to ask its questions.

        The charge is committed when this returns. Running the same job on the same table again gives the stored
        answers at no cost; whatever else changes is a new charge.

        Args:
            event: every question of the job (from `event_of`), closed with Slack (`with_slack`).
            job: plain JSON that names the work and all its parameters.
            purpose: a word for people.
            budget: the (epsilon, delta) that the event must fit in. It becomes the cap of an account without one.

        Raises:
            AccountingError: the event may not be reserved, or costs more than `budget`.
            BudgetRefused: a cap does not hold it; nothing was charged.
            InputError: the job is not plain JSON, or the account has no cap and no budget was given.
            LedgerError: the ledger cannot be used, or the same job is being run by another process.
        """
        try:
            canonical_json(job)
        except (TypeError, ValueError):
            raise InputError("A job must be plain JSON: text, finite numbers, lists and objects.") from None
        wish = Wish(event, job, purpose, budget, self.__seed)
        charge = reserve(self.__ledger, self.__account, self.__fingerprint, wish)
        return Grant(self.__engine, self.__ledger, charge, self.__unit, self.__relation, self.__seed)
