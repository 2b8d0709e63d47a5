"""The resource tables of an app's modules, each read once."""

from collections.abc import Callable, Sequence

from gate.app import Files, Journal, Unread
from gate.formats.errors import Malformed
from gate.formats.resources import JoinedResources, Resources
from gate.read.module import Module


class Tables:
    """The tables of a build; one that cannot be read is tried once and `Unread` ever after.

    `lowest_level` tells the lowest API level that the app may run on.
    """

    def __init__(
        self, files: Files, modules: Sequence[Module], lowest_level: Callable[[], int]
    ) -> None:
        self._files = files
        self._modules = tuple(modules)
        self._lowest_level = lowest_level
        self._read: dict[str, Resources | str] = {}  # a text says why there is none

    def of(self, module: Module) -> Resources:
        """The table of a module."""
        found = self._read.get(module.prefix)
        if found is None:
            try:
                found = self._parsed(module)
            except (Malformed, Unread) as reason:
                found = str(reason)
            self._read[module.prefix] = found
        if isinstance(found, str):
            raise Unread(found)
        return found

    def seen_from(self, module: Module) -> Resources:
        """What the module's references lead to: its own table, then those of the other modules."""
        order = [module, *(each for each in self._modules if each is not module)]
        having = [each for each in order if each.layout.table in each.names] or [module]
        tables = [self.of(each) for each in having]
        return JoinedResources(tables) if len(tables) > 1 else tables[0]

    def account(self, fact: str, journal: Journal) -> None:
        """Make a gap of every table that cannot be read, or not whole, whoever needs it.

        A device may find ways from a manifest into a table that nothing here sees.
        """
        there = [each for each in self._modules if each.layout.table in each.names]
        counts = [(0, 0)]
        for module in there:
            path = module.prefix + module.layout.table
            try:
                counts.append(self.of(module).packages)
            except Unread as reason:
                journal.gap(fact, path, str(reason))
                continue
            declared, found = counts[-1]
            if found < declared:
                journal.gap(fact, path, f"it declares {declared} packages and has {found}")
        declared, found = (sum(column) for column in zip(*counts, strict=True))
        journal.cover("resource tables", "packages", declared, found)
        journal.cover("resource tables", "files", len(there), len(counts) - 1)

    def _parsed(self, module: Module) -> Resources:
        if module.fault:
            raise Unread(f"{module.path}: {module.fault}")
        data = self._files.read(module.prefix + module.layout.table, self._files.budget.resources)
        return module.layout.resources(data, self._files.budget, self._lowest_level())
