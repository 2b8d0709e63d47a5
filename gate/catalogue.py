"""Every check there is, found by walking the folder of `gate.checks`; no check is named here."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path

from gate.check import Check

FOLDERS = {"android": "android", "ios": "ios", "both": "app"}  # and the platform it stands for


class Catalogue(Mapping[str, Check]):
    """Every check by id, sorted; its module is imported when somebody looks at the check.

    The id follows from the file, so that ids and platforms are known without importing any.
    """

    def __init__(self, modules: Mapping[str, str]) -> None:
        self._modules = dict(sorted(modules.items()))
        self._checks: dict[str, Check] = {}

    def __iter__(self) -> Iterator[str]:
        """Give the ids, sorted."""
        return iter(self._modules)

    def __len__(self) -> int:
        """Count the checks."""
        return len(self._modules)

    def __contains__(self, check: object) -> bool:
        """Tell whether there is a check of this id."""
        return check in self._modules

    def __getitem__(self, check: str) -> Check:
        """Import a check; ValueError if its file holds none, or one of another id."""
        if check not in self._checks:
            self._checks[check] = _load(self._modules[check], check)
        return self._checks[check]

    @property
    def platforms(self) -> dict[str, str]:
        """Whether each check asks about android, ios, or app: both."""
        return {check: check.partition("-")[0] for check in self._modules}


@cache
def catalogue() -> Catalogue:
    """Every check; ValueError if two files stand for the same id."""
    modules: dict[str, str] = {}
    for module in _modules():
        _, _, folder, *_, name = module.split(".")
        check = f"{FOLDERS[folder]}-{name.replace('_', '-')}"
        if check in modules:
            raise ValueError(f"{module} and {modules[check]} are both {check}")
        modules[check] = module
    return Catalogue(modules)


def _modules() -> Iterator[str]:
    """The dotted name of every file of a check."""
    for root in import_module("gate.checks").__path__:
        for file in Path(root).glob("*/**/*.py"):
            if file.name != "__init__.py":
                yield ".".join(("gate.checks", *file.relative_to(root).with_suffix("").parts))


def _load(module: str, check: str) -> Check:
    checks = [each for each in vars(import_module(module)).values() if isinstance(each, Check)]
    own = [each.id for each in checks if each.module == module]
    if own != [check]:
        raise ValueError(f"{module} holds {own}; one file is one check, here {check}")
    return next(each for each in checks if each.id == check)
