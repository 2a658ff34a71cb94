"""A published number as people read it: with its 95 % range, or as "fewer than" if it could be noise alone.

Invariant: negative values are clamped here and nowhere before; a number that could be zero or more is never shown as 0.
"""

from dataclasses import dataclass

from passerby.publish.pages.languages import Language


@dataclass(frozen=True, slots=True)
class Estimate:
    """A published `value` (can be negative) and `noise_95`, the half-width of its 95 % interval."""

    value: int
    noise_95: int

    @property
    def sure(self) -> bool:
        """True if the value is larger than noise alone would be in 95 % of cases."""
        return self.value > self.noise_95

    @property
    def shown(self) -> int:
        return max(0, self.value)

    @property
    def low(self) -> int:
        return max(0, self.value - self.noise_95)

    @property
    def high(self) -> int:
        # The interval of a negative value can end below zero; a wider one is safe, an upper end of 0 is not.
        return self.shown + self.noise_95

    def text(self, language: Language) -> str:
        """Such as 1,204, or fewer than 45."""
        if self.sure:
            return language.number(self.value)
        return language.translate("fewer than {number}", number=language.number(self.high + 1))

    def interval(self, language: Language) -> str:
        """Such as 1,160 to 1,248."""
        return language.translate(
            "{low} to {high}", low=language.number(self.low), high=language.number(self.high)
        )
