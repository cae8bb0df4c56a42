"""Numbers in sentences. Pure."""

from __future__ import annotations


def counted(number: int, singular: str, plural: str = "") -> str:
    """``3 exchanges``, ``1 exchange``."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def sized(number: int, step: int = 1000) -> str:
    """``number`` bytes: ``1.5 MB``, or ``1.4 MiB`` where ``step`` is 1024."""
    amount, unit = float(number), "B"
    for unit in ("B", "kB", "MB", "GB", "TB") if step == 1000 else ("B", "KiB", "MiB", "GiB", "TiB"):
        if amount < step or unit[0] == "T":
            break
        amount /= step
    return f"{amount:.0f} {unit}" if amount >= 100 or unit == "B" else f"{amount:.1f} {unit}"
