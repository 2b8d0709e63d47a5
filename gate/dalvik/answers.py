"""What comes back from a method to those who passed a value on: results, exceptions, changes.

A value that comes in by a parameter goes back to the calls that passed it; one that is made in the
method goes to every caller.
"""

from typing import TYPE_CHECKING

from gate.dalvik.facts import Entry, Inside, Into, Path, State, Thrown, is_field, method_of
from gate.dalvik.program import Place

if TYPE_CHECKING:
    from gate.dalvik.flows import Flows


class Answers:
    """Passes values on to methods, and takes back what comes of them."""

    def __init__(self, flows: "Flows") -> None:
        self._flows = flows

    def call(self, node: Inside, place: Place, target: Entry, registers: tuple[int, ...]) -> None:
        """A node passes the value on to a method, and waits for what comes back."""
        state = self._flows.enter(node, place, target)
        if (node, place) in state.waiting:
            return
        state.waiting[(node, place)] = registers
        for path in tuple(state.returns):
            self._give_back(node, place, path)
        for path in tuple(state.thrown):
            self._raise(node, place, path)
        for slot, path in tuple(state.changes):
            self._change(node, place, registers, slot, path)

    def returned(self, node: Inside, state: State, path: Path) -> None:
        """A method returns the value."""
        if path in state.returns:
            return
        state.returns.add(path)
        flows, method = self._flows, method_of(node)
        for entry in flows.callbacks.after(method, path):
            flows.lead(state, Place(method, 0), entry)
        for waiting, place in tuple(state.waiting):
            self._give_back(waiting, place, path)
        if not isinstance(node, Entry):
            for place in flows.dispatch.callers(method, state.foreign):
                result = flows.from_result(place, path)
                if result is not None:
                    flows.lead(state, place, result)

    def thrown(self, node: Inside, state: State, path: Path) -> None:
        """A method throws an exception with the value."""
        if path in state.thrown:
            return
        state.thrown.add(path)
        for waiting, place in tuple(state.waiting):
            self._raise(waiting, place, path)
        if not isinstance(node, Entry):
            for place in self._flows.dispatch.callers(method_of(node), state.foreign):
                self._flows.lead(state, place, Thrown(place, path))

    def changed(self, node: Inside, state: State, place: Place, slot: int, path: Path) -> None:
        """A method puts the value into what a parameter holds."""
        if (slot, path) in state.changes:
            return
        state.changes.add((slot, path))
        flows, method = self._flows, method_of(node)
        for entry in flows.callbacks.saved(method, slot, path):
            flows.lead(state, place, entry)
        for (waiting, call), registers in tuple(state.waiting.items()):
            self._change(waiting, call, registers, slot, path)
        if isinstance(node, Entry):
            return
        callers = flows.dispatch.callers(method, state.foreign)
        for call in callers:
            registers = tuple(flows.program.body(call.method).arguments(call.index))
            if 0 <= slot < len(registers):
                flows.lead(state, call, Into(call, registers[slot], path))
        outside = not callers or flows.dispatch.is_called_by_system(method)
        if outside and path and is_field(path[0]):
            flows.store(state, place, path[0], path[1:])

    def _give_back(self, node: Inside, place: Place, path: Path) -> None:
        result = self._flows.from_result(place)
        if result is not None:
            self._flows.spread(node).go(result.place.index, result.register, path)

    def _raise(self, node: Inside, place: Place, path: Path) -> None:
        spread = self._flows.spread(node)
        for each in spread.course.catchers.get(place.index, ()):
            spread.caught(each, path)

    def _change(
        self, node: Inside, place: Place, registers: tuple[int, ...], slot: int, path: Path
    ) -> None:
        if 0 <= slot < len(registers):
            self._flows.spread(node).put(place.index, registers[slot], path)
        elif path and is_field(path[0]):
            self._flows.store(self._flows.spread(node).state, place, path[0], path[1:])
