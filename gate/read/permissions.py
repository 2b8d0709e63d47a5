"""What AOSP says of a permission; the one door to androguard, imported late."""

from collections.abc import Iterable, Iterator

from gate.read.unlogged import silence

NEWEST = 10_000  # androguard answers for the newest platform it has definitions of


def with_protection_level(names: Iterable[str]) -> Iterator[str]:
    """Each permission with its protection level on the newest platform, where AOSP defines it."""
    names = tuple(names)
    levels = _levels() if names else {}
    for name in names:
        level = levels.get(name, {}).get("protectionLevel", "")
        yield f"{name} ({level})" if level else name


def _levels() -> dict[str, dict[str, str]]:
    silence()
    from androguard.core.api_specific_resources import load_permissions

    levels: dict[str, dict[str, str]] = load_permissions(NEWEST)
    return levels
