"""When what failed is tried again: twice as long after each time, until patience ends. Pure."""

from __future__ import annotations

from dataclasses import dataclass

FIRST, LAST = 0.1, 2.0  # seconds between two tries


@dataclass(slots=True)
class Trying:
    """Times are of one monotonic clock."""

    patience: float  # seconds from the first failure
    next: float = 0.0  # when it is tried again
    _since: float = 0.0
    _delay: float = FIRST
    _fails: bool = False

    def failed(self, now: float) -> bool:
        """It failed; whether it is tried again."""
        if not self._fails:
            self._since, self._delay, self._fails = max(self._since, now), FIRST, True
        if now - self._since >= self.patience:
            return False
        self.next = min(now + self._delay, self._since + self.patience)
        self._delay = min(2 * self._delay, LAST)
        return True

    def done(self) -> None:
        """It went well."""
        self._fails, self._delay = False, FIRST

    def hurry(self, now: float, patience: float) -> None:
        """Try it at once, and from now on with no more than ``patience`` seconds."""
        self.patience, self._since, self.next = min(self.patience, patience), now, 0.0
