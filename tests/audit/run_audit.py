"""Prints the figures of docs/explanation/audit.md that need no video: python -m tests.audit.run_audit"""

from dataclasses import replace
from functools import partial

from tests.audit.street import contributions_of, pairs, terms
from tests.privacy.conftest import charge

from passerby.audit.locality import locality_audit
from passerby.audit.noise_audit import report
from passerby.privacy.noise import MICRO


def main() -> None:
    for name, paid in (("bins", charge(1)), ("whole epsilon", replace(charge(1), epsilon_micro=MICRO))):
        for line in report(paid, draws=10_000, per_bin=200):
            print(f"{name}: {line}")
    for cells in (1, 3):
        for length_s in (6, 15):
            paid = terms(cells)
            street = partial(contributions_of, charge=paid)
            found = list(locality_audit(street, pairs(paid, length_s), paid))
            print(
                f"locality, {cells} cell(s), segments of {length_s} s, {len(found)} pairs: "
                f"{sum(one.holds for one in found)} hold, "
                f"at most {max(one.changed for one in found)} of {found[0].allowed} chunks changed, "
                f"by at most {max(one.largest for one in found)} of {found[0].change}, factor {found[0].factor:g}"
            )


if __name__ == "__main__":
    main()
