"""A published number as people read it: with its interval, and as "fewer than" where it is within the noise.

Invariant: clamped here and nowhere before; what may be anything from nothing on is never shown as a nought.
"""

from dataclasses import dataclass

from passerby.publish.pages.languages import Language


@dataclass(frozen=True, slots=True)
class Figure:
    """A published `value` (signed) and what noise adds or takes, 19 times in 20, at most."""

    value: int
    noise_95: int

    @property
    def sure(self) -> bool:
        """Whether it can be told from nothing."""
        return self.value > self.noise_95

    @property
    def shown(self) -> int:
        return max(0, self.value)

    @property
    def low(self) -> int:
        return max(0, self.value - self.noise_95)

    @property
    def high(self) -> int:
        # Of a value below zero the plain interval may end below zero too: wider is safe, a nought is not.
        return self.shown + self.noise_95

    def text(self, language: Language) -> str:
        """Such as 1,204, or fewer than 45."""
        if self.sure:
            return language.number(self.value)
        return language.say("fewer than {number}", number=language.number(self.high + 1))

    def interval(self, language: Language) -> str:
        """Such as 1,160 to 1,248."""
        return language.say("{low} to {high}", low=language.number(self.low), high=language.number(self.high))
