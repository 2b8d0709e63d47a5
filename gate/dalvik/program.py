"""All DEX files of an app as one program: its classes, who calls whom, who writes a field.

Ids differ from file to file, so what crosses files is told by descriptors. Of a class that several
files define the runtime takes the first (AOSP libcore dalvik.system.DexPathList.findClass).
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from gate.dalvik import opcodes as op
from gate.dalvik.body import Body
from gate.dalvik.classdata import class_fields, instance_fields
from gate.dalvik.dex import NO_INDEX, Dex, Ints
from gate.dalvik.framework import Framework
from gate.dalvik.search import CALL, METHOD_HANDLED, READ, STRING, TYPE, WRITE, Code
from gate.formats.errors import Malformed

OBJECT = b"Ljava/lang/Object;"
MAX_DEPTH = 64  # of a class hierarchy: a longer chain is a lie or a circle
STATIC, FINAL, ABSTRACT, INTERFACE, ENUM = 0x8, 0x10, 0x400, 0x200, 0x4000
PRIVATE, PUBLIC = 0x2, 0x1

_VIRTUAL = (
    op.INVOKE_VIRTUAL,
    op.INVOKE_VIRTUAL_RANGE,
    op.INVOKE_INTERFACE,
    op.INVOKE_INTERFACE_RANGE,
)
Signature = tuple[bytes, bytes, bytes]  # owner, name, prototype


class Method(NamedTuple):  # made, hashed and compared by the million, as only tuples can be
    """A method with code: the file, by its place in the program, and its row in that file."""

    file: int
    row: int


class Place(NamedTuple):
    """One instruction of a method."""

    method: Method
    index: int  # type: ignore[assignment]  # a tuple's own `index` is not for anyone


class Program:
    """The code of an app: `files` in the order in which the runtime searches them."""

    def __init__(self, files: Sequence[Code]) -> None:
        self.files = tuple(files)
        self.framework = Framework()
        self._named: dict[bytes, dict[int, Ints]] = {}
        self._callers: dict[Method, list[Place]] = {}
        self._declared: dict[bytes, dict[tuple[bytes, bytes], Method]] = {}
        self._targets: dict[tuple[bytes, bytes, bytes, bool], list[Method]] = {}
        self._below: dict[bytes, tuple[bytes, ...]] = {}
        self._fields: dict[tuple[bytes, bytes, bytes], list[tuple[int, int]]] = {}
        self._members: dict[tuple[int, int], dict[tuple[bytes, bytes], int]] = {}
        self._supertypes: dict[bytes, frozenset[bytes]] = {}
        self._joined: dict[tuple[bytes, ...], frozenset[bytes]] = {}
        self._homes: dict[tuple[bytes, bytes, bytes], bytes] = {}

    # Names

    def expect(self, names: Iterable[bytes], owners: Iterable[bytes] = ()) -> None:
        """Look many method names and classes up at once, which costs far less than one by one."""
        wanted = set(names) - self._named.keys()
        self._named.update((name, {}) for name in wanted)
        for number, code in enumerate(self.files):
            code.dex.find_types(owners)
            texts = code.dex.find_texts(wanted)
            for name, text in texts.items():
                found = code.dex.methods_named(text)
                if len(found):
                    self._named[name][number] = found

    def named(self, name: bytes) -> dict[int, Ints]:
        """The ids of every method of a name, whoever owns it, by file."""
        if name not in self._named:
            self.expect((name,))
        return self._named[name]

    # Classes

    def definition(self, kind: bytes) -> tuple[int, int] | None:
        """File and row in its class table of the class that the runtime takes; None if not ours."""
        return self._defined.get(kind)

    @cached_property
    def _defined(self) -> dict[bytes, tuple[int, int]]:
        found: dict[bytes, tuple[int, int]] = {}
        for number, code in enumerate(self.files):
            kinds = map(code.dex.type, code.dex.classes["type"].tolist())
            for row, kind in enumerate(kinds):
                found.setdefault(kind, (number, row))
        return found

    def classes(self) -> list[bytes]:
        """Every class of the app, sorted."""
        return sorted(self._defined)

    def flags(self, kind: bytes) -> int:
        """The access flags of a class of the app; 0 for any other."""
        found = self.definition(kind)
        return int(self.files[found[0]].dex.classes["flags"][found[1]]) if found else 0

    def parent(self, kind: bytes) -> bytes | None:
        """The superclass, of the app's classes and of the framework's; None where unknown."""
        found = self.definition(kind)
        if found is None:
            return self.framework.parent(kind)
        dex = self.files[found[0]].dex
        parent = int(dex.classes["parent"][found[1]])
        return None if parent == NO_INDEX else dex.type(parent)

    def interfaces(self, kind: bytes) -> tuple[bytes, ...]:
        """The interfaces that a class names itself."""
        found = self.definition(kind)
        if found is None:
            return self.framework.interfaces(kind)
        dex = self.files[found[0]].dex
        return tuple(map(dex.type, dex.type_list(int(dex.classes["interfaces"][found[1]]))))

    def ancestors(self, kind: bytes) -> list[bytes]:
        """The class and its superclasses, as far as they are known."""
        chain = [kind]
        while len(chain) < MAX_DEPTH:
            parent = self.parent(chain[-1])
            if parent is None or parent in chain:
                break
            chain.append(parent)
        return chain

    def supertypes(self, kind: bytes) -> frozenset[bytes]:
        """The class, its superclasses and every interface of any of them."""
        return self._above(kind) | {kind}

    def is_subtype(self, kind: bytes, of: bytes) -> bool:
        """Whether a class is, extends or implements another."""
        return kind == of or of in self._above(kind)

    def _above(self, kind: bytes) -> frozenset[bytes]:
        """The supertypes without the class itself, which siblings share."""
        known = self._supertypes.get(kind)
        if known is None:
            direct = self._direct(kind)
            if direct not in self._joined:
                self._joined[direct] = self._find_above(direct)
            known = self._supertypes[kind] = self._joined[direct]
        return known

    def _direct(self, kind: bytes) -> tuple[bytes, ...]:
        parent = self.parent(kind)
        return (*((parent,) if parent else ()), *self.interfaces(kind))

    def _find_above(self, direct: tuple[bytes, ...]) -> frozenset[bytes]:
        found: set[bytes] = set()
        work = list(direct)
        while work and len(found) < 4096:
            each = work.pop()
            if each not in found:
                found.add(each)
                work.extend(self._direct(each))
        return frozenset(found)

    @cached_property
    def _children(self) -> dict[bytes, list[bytes]]:
        """The classes of the app by each supertype they name."""
        children: dict[bytes, list[bytes]] = {}
        for number, code in enumerate(self.files):
            dex = code.dex
            lists: dict[int, tuple[bytes, ...]] = {0: ()}
            rows = zip(
                dex.classes["type"].tolist(),
                dex.classes["parent"].tolist(),
                dex.classes["interfaces"].tolist(),
                strict=True,
            )
            for row, (kind, parent, interfaces) in enumerate(rows):
                if interfaces not in lists:
                    lists[interfaces] = tuple(map(dex.type, dex.type_list(interfaces)))
                parents = lists[interfaces]
                if parent != NO_INDEX:
                    above = dex.type(parent)
                    parents = parents if above == OBJECT else (above, *parents)
                if not parents:
                    continue
                name = dex.type(kind)
                if number and self.definition(name) != (number, row):
                    continue
                for each in parents:
                    children.setdefault(each, []).append(name)
        return children

    def subclasses(self, kind: bytes) -> tuple[bytes, ...]:
        """The app's classes below a class or interface, sorted."""
        if kind not in self._below:
            self._below[kind] = self._find_below(kind)
        return self._below[kind]

    def _find_below(self, kind: bytes) -> tuple[bytes, ...]:
        found: set[bytes] = set()
        work = [kind, *self._framework_below(kind)]
        while work:
            for child in self._children.get(work.pop(), ()):
                if child not in found:
                    found.add(child)
                    work.append(child)
        return tuple(sorted(found))

    def _framework_below(self, kind: bytes) -> list[bytes]:
        """The framework classes below one, of those that the app extends."""
        if self.definition(kind):
            return []
        ours = (each for each in self._children if not self.definition(each))
        return [each for each in ours if each != kind and self.is_subtype(each, kind)]

    # Members

    def signature(self, method: Method) -> Signature:
        """Owner, name and prototype of a method with code."""
        code = self.files[method.file]
        return code.dex.method(code.method_of(method.row))

    def owner(self, method: Method) -> bytes:
        """The class of a method with code."""
        code = self.files[method.file]
        return code.dex.type(int(code.dex.method_owners[code.method_of(method.row)]))

    def access(self, method: Method) -> int:
        """The access flags of a method with code."""
        code = self.files[method.file]
        return int(code.methods.flags[code.methods.first + method.row])

    def body(self, method: Method) -> Body:
        """The decoded code of a method."""
        return self.files[method.file].body(method.row)

    def twins(self, method: Method) -> list[Method]:
        """The methods that share the code of one, itself among them."""
        rows = self.files[method.file].methods.rows_sharing(method.row)
        return [Method(method.file, row) for row in rows]

    def method_ids(
        self, owner: bytes, name: bytes, proto: bytes = b""
    ) -> Iterator[tuple[int, int]]:
        """File and id of the methods of this very owner and name, and prototype where given."""
        for number, code in enumerate(self.files):
            dex = code.dex
            kind, text = dex.find_type(owner), dex.find_text(name)
            for each in () if kind is None or text is None else dex.methods_of(kind):
                entry = dex.methods[each]
                if int(entry["name"]) == text and (
                    not proto or dex.proto(int(entry["proto"])) == proto
                ):
                    yield number, each

    def declared(self, owner: bytes, name: bytes = b"", proto: bytes = b"") -> list[Method]:
        """The methods with code that a class of the app itself declares."""
        if owner not in self._declared:
            self._declared[owner] = self._declare(owner)
        own = self._declared[owner]
        if name and proto:
            return [own[name, proto]] if (name, proto) in own else []
        return [method for (called, _), method in own.items() if name in (b"", called)]

    def _declare(self, owner: bytes) -> dict[tuple[bytes, bytes], Method]:
        """The methods with code of a class by name and prototype."""
        found = self.definition(owner)
        if found is None:
            return {}
        code = self.files[found[0]]
        kind = int(code.dex.classes["type"][found[1]])
        rows = ((each, code.row(each)) for each in code.dex.methods_of(kind))
        return {
            code.dex.method(each)[1:]: Method(found[0], row)
            for each, row in rows
            if row is not None
        }

    def resolve(self, owner: bytes, name: bytes, proto: bytes) -> Method | None:
        """The method with code that a call to this signature runs, if the receiver is `owner`."""
        for kind in self.ancestors(owner):
            if self.definition(kind) is None:
                break
            found = self.declared(kind, name, proto)
            if found:
                return found[0]
        return next(
            (
                found[0]
                for kind in sorted(self.supertypes(owner))
                if self.flags(kind) & INTERFACE and (found := self.declared(kind, name, proto))
            ),
            None,
        )

    def targets(self, owner: bytes, name: bytes, proto: bytes, opcode: int) -> list[Method]:
        """Every method of the app that an invoke may run: overriders of subclasses among them."""
        virtual = opcode in _VIRTUAL and name != b"<init>"
        key = (owner, name, proto, virtual)
        if key not in self._targets:
            found = self.resolve(owner, name, proto)
            methods = {found} if found else set()
            if virtual:
                methods.update(self._overriders(owner, name, proto))
            self._targets[key] = sorted(methods)
        return self._targets[key]

    def _overriders(self, owner: bytes, name: bytes, proto: bytes) -> Iterator[Method]:
        """The methods of this name and prototype in classes below one."""
        for number, alike in self._alike(name, proto):
            code = self.files[number]
            for each in alike:
                kind, row = code.dex.type(int(code.dex.method_owners[each])), code.row(each)
                ours = self.definition(kind)
                if row is not None and ours and ours[0] == number and self.is_subtype(kind, owner):
                    yield Method(number, row)

    def _alike(self, name: bytes, proto: bytes) -> Iterator[tuple[int, list[int]]]:
        """The method ids of a name and prototype, whoever owns them, by file."""
        for number, found in self.named(name).items():
            dex = self.files[number].dex
            wanted = dex.find_proto(proto)
            if wanted is not None:
                yield number, found[dex.methods["proto"][found] == wanted].tolist()

    def sites(self, kind: int, ids: Iterable[tuple[int, int]]) -> Iterator[Place]:
        """The instructions of a kind that name one of these ids, by place in the program."""
        by_file: dict[int, list[int]] = {}
        for number, each in ids:
            by_file.setdefault(number, []).append(each)
        for number in sorted(by_file):
            for site in self.files[number].sites(kind, by_file[number]):
                yield Place(Method(number, site.row), site.index)

    def callers(self, method: Method) -> list[Place]:
        """The invokes that may run a method, by its own name and by that of related classes."""
        if method not in self._callers:
            ids = list(self._names_of(method))
            handed = self.sites(METHOD_HANDLED, ids)  # lambdas and method references
            self._callers[method] = [*self.sites(CALL, ids), *handed]
        return self._callers[method]

    def _names_of(self, method: Method) -> Iterator[tuple[int, int]]:
        """File and id of every method id under which a call may mean a method."""
        owner, name, proto = self.signature(method)
        if name == b"<init>":
            yield from self.method_ids(owner, name, proto)
            return
        fixed = self.access(method) & (STATIC | PRIVATE)
        for number, alike in self._alike(name, proto):
            owners = self.files[number].dex.method_owners
            for each in alike:
                named = self.files[number].dex.type(int(owners[each]))
                if self.is_subtype(named, owner) or (not fixed and self.is_subtype(owner, named)):
                    yield number, each

    def field_ids(self, owner: bytes, name: bytes, kind: bytes) -> list[tuple[int, int]]:
        """File and id of a field under every class name it is known by."""
        home = self.field_home(owner, name, kind)
        key = (home, name, kind)
        if key not in self._fields:
            self._fields[key] = list(self._find_fields(home, name, kind))
        return self._fields[key]

    def _find_fields(self, home: bytes, name: bytes, kind: bytes) -> Iterator[tuple[int, int]]:
        for number, code in enumerate(self.files):
            dex = code.dex
            text, type_id = dex.find_text(name), dex.find_type(kind)
            if text is None or type_id is None:
                continue
            match = (dex.fields["name"] == text) & (dex.fields["type"] == type_id)
            for each in np.flatnonzero(match).tolist():
                named = dex.type(int(dex.field_owners[each]))
                if named == home or self.field_home(named, name, kind) == home:
                    yield number, each

    def field_home(self, owner: bytes, name: bytes, kind: bytes) -> bytes:
        """The class that declares a field which an instruction names under `owner`."""
        key = (owner, name, kind)
        if key not in self._homes:
            declared = (
                each
                for each in self.ancestors(owner)
                if self.declares_field(each, name, kind) is not None
            )
            self._homes[key] = next(declared, owner)
        return self._homes[key]

    def declares_field(self, owner: bytes, name: bytes, kind: bytes) -> int | None:
        """The access flags of a field that a class of the app declares, or None."""
        found = self.definition(owner)
        if found is None:
            return None
        if found not in self._members:
            dex = self.files[found[0]].dex
            members = (*class_fields(dex, found[1]), *instance_fields(dex, found[1]))
            self._members[found] = {dex.field(index)[1:]: flags for index, flags in members}
        return self._members[found].get((name, kind))

    def static_fields(self, owner: bytes) -> list[tuple[bytes, bytes]]:
        """Name and type of every static field that a class of the app declares."""
        found = self.definition(owner)
        if found is None:
            return []
        dex = self.files[found[0]].dex
        return [dex.field(index)[1:] for index, _ in class_fields(dex, found[1])]

    def writes(self, owner: bytes, name: bytes, kind: bytes) -> list[Place]:
        """Every instruction that writes a field, in any file."""
        return list(self.sites(WRITE, self.field_ids(owner, name, kind)))

    def reads(self, owner: bytes, name: bytes, kind: bytes) -> list[Place]:
        """Every instruction that reads a field, in any file."""
        return list(self.sites(READ, self.field_ids(owner, name, kind)))

    def text_uses(self, text: bytes) -> list[Place]:
        """Every const-string of a text."""
        ids = ((n, code.dex.find_text(text)) for n, code in enumerate(self.files))
        return list(self.sites(STRING, [(n, each) for n, each in ids if each is not None]))

    def type_uses(self, kind: bytes) -> list[Place]:
        """Every instruction that names a type by itself: new-instance, const-class, check-cast."""
        ids = ((n, code.dex.find_type(kind)) for n, code in enumerate(self.files))
        return list(self.sites(TYPE, [(n, each) for n, each in ids if each is not None]))

    @property
    def faults(self) -> list[tuple[Dex, Method, Malformed]]:
        """The methods whose code could not be decoded so far."""
        return [
            (code.dex, Method(number, row), fault)
            for number, code in enumerate(self.files)
            for row, fault in sorted(code.faults.items())
        ]
