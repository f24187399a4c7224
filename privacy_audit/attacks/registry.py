"""The attacks that need no access to the generator, by name. A new one joins by one line."""

from __future__ import annotations

from privacy_audit.attacks.attribute_inference import AttributeInference
from privacy_audit.attacks.base import AbstractAttack
from privacy_audit.attacks.cap import Cap
from privacy_audit.attacks.classifier_ratio import ClassifierRatio
from privacy_audit.attacks.column_prediction import ColumnPrediction
from privacy_audit.attacks.copies import Copies
from privacy_audit.attacks.dcr_share import DcrShare
from privacy_audit.attacks.density import Density
from privacy_audit.attacks.disco import Disco
from privacy_audit.attacks.domias import Domias
from privacy_audit.attacks.dpi import Dpi
from privacy_audit.attacks.gan_leaks import GanLeaks
from privacy_audit.attacks.gan_leaks_calibrated import GanLeaksCalibrated
from privacy_audit.attacks.gen_lra import GenLra
from privacy_audit.attacks.linkability import Linkability
from privacy_audit.attacks.local_neighbourhood import LocalNeighbourhood
from privacy_audit.attacks.logan import Logan
from privacy_audit.attacks.marginals import Marginals
from privacy_audit.attacks.monte_carlo import MonteCarlo
from privacy_audit.attacks.nnaa import Nnaa
from privacy_audit.attacks.nndr import Nndr
from privacy_audit.attacks.singling_out import SinglingOut

__all__ = ["ATTACKS"]

_ALL: tuple[AbstractAttack, ...] = (
    DcrShare(),
    Nndr(),
    Nnaa(),
    Copies(),
    GanLeaks(),
    GanLeaksCalibrated(),
    MonteCarlo(),
    Logan(),
    Density(),
    Domias(),
    ClassifierRatio(),
    Dpi(),
    LocalNeighbourhood(),
    GenLra(),
    ColumnPrediction(),
    Marginals(),
    SinglingOut(),
    Linkability(),
    AttributeInference(),
    Cap(),
    Disco(),
)

ATTACKS: dict[str, AbstractAttack] = {one.name: one for one in _ALL}
