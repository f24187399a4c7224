"""The papers of exactly the methods that ran, found from the charges, the draws and the generator's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dpsynth.accounting.events import event_from_json, leaves

__all__ = ["PAPERS", "papers_of"]

PAPERS = {
    "aumasson2012siphash": "Aumasson, Bernstein. SipHash: a fast short-input PRF. INDOCRYPT 2012.",
    "balle2018improving": "Balle, Wang. Improving the Gaussian mechanism for differential privacy. ICML 2018.",
    "bun2016concentrated": "Bun, Steinke. Concentrated differential privacy. TCC 2016.",
    "canonne2020discrete": "Canonne, Kamath, Steinke. The discrete Gaussian for differential privacy. NeurIPS 2020.",
    "devroye1986nonuniform": "Devroye. Non-Uniform Random Variate Generation. Springer 1986.",
    "dong2022gaussian": "Dong, Roth, Su. Gaussian differential privacy. JRSS B 2022.",
    "doroshenko2022connect": "Doroshenko et al. Connect the dots. PoPETs 2022.",
    "dwork2014algorithmic": "Dwork, Roth. The algorithmic foundations of differential privacy. 2014.",
    "ghosh2012universally": "Ghosh, Roughgarden, Sundararajan. Universally utility-maximizing mechanisms. 2012.",
    "kairouz2015composition": "Kairouz, Oh, Viswanath. The composition theorem for differential privacy. ICML 2015.",
    "koskela2020computing": "Koskela, Jälkö, Honkela. Computing tight differential privacy guarantees. AISTATS 2020.",
    "koskela2023individual": "Koskela, Tobaben, Honkela. Individual privacy accounting with GDP. ICLR 2023.",
    "mckenna2019graphical": "McKenna, Sheldon, Miklau. Graphical-model based estimation. ICML 2019.",
    "mckenna2020permute": "McKenna, Sheldon. Permute-and-flip. NeurIPS 2020.",
    "mckenna2021winning": "McKenna, Miklau, Sheldon. Winning the NIST contest. JPC 2021.",
    "mckenna2022aim": "McKenna et al. AIM: an adaptive and iterative mechanism. VLDB 2022.",
    "mcsherry2007mechanism": "McSherry, Talwar. Mechanism design via differential privacy. FOCS 2007.",
    "smith2022fully": "Smith, Thakurta. Fully adaptive composition for Gaussian differential privacy. 2022.",
    "whitehouse2023fully": "Whitehouse et al. Fully-adaptive composition in differential privacy. ICML 2023.",
    "zhang2021privsyn": "Zhang et al. PrivSyn: differentially private data synthesis. USENIX Security 2021.",
}
"""Key in docs/references.bib -> one line."""

_OF_MECHANISM = {
    "rounded_gaussian": ("dong2022gaussian", "devroye1986nonuniform"),
    "discrete_laplace": ("ghosh2012universally",),
    "exponential": ("mcsherry2007mechanism",),
    "permute_and_flip": ("mckenna2020permute",),
}
_OF_EVENT = {
    "gaussian_filter": ("smith2022fully", "koskela2023individual"),
    "zcdp_filter": ("whitehouse2023fully", "bun2016concentrated"),
}
_OF_ACCOUNTANT = {
    "gdp": ("dong2022gaussian", "balle2018improving"),
    "pld": ("koskela2020computing", "doroshenko2022connect"),
    "zcdp": ("bun2016concentrated", "canonne2020discrete"),
    "pure": ("dwork2014algorithmic", "kairouz2015composition"),
}
_OF_GENERATOR = {
    "adaptive": ("zhang2021privsyn", "mckenna2019graphical"),
    "aim": ("mckenna2022aim", "mckenna2019graphical"),
    "mst": ("mckenna2021winning", "mckenna2019graphical"),
}


def papers_of(facts: Mapping[str, Any]) -> list[dict[str, str]]:
    """The papers of what ran, by key.

    Args:
        facts: of release.json.

    Raises:
        AccountingError: an event that this version does not know.
    """
    keys: set[str] = set(_OF_GENERATOR.get(str(facts["request"]["job"]["generator"]), ()))
    keys.update(_OF_ACCOUNTANT.get(str(facts["guarantee"]["certified"]["accountant"]), ()))
    for made in facts["ledger"]["draws"]:
        keys.update(_OF_MECHANISM.get(str(made["mechanism"]["name"]), ()))
    for charge in facts["ledger"]["charges"]:
        for leaf, _ in leaves(event_from_json(charge["event"])):
            keys.update(_OF_EVENT.get(leaf.kind, ()))
    return [{"key": key, "paper": PAPERS[key]} for key in sorted(keys)]
