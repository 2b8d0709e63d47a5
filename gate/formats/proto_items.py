"""Values of resources and XML attributes as aapt2 writes them into Protocol Buffers.

Sources: AOSP frameworks/base tools/aapt2/Resources.proto (`Item`, `Reference`, `Primitive`) and
tools/aapt2/format/proto/ProtoDeserialize.cpp (`DeserializeItemFromPb`). The result is what the
conversion into binary form gives a device.
"""

from typing import Final

from gate.formats import res_value
from gate.formats.errors import Malformed
from gate.formats.protobuf import FIXED32, LENGTH_DELIMITED, VARINT, Message
from gate.formats.res_value import INT_BOOLEAN, STRING, TypedValue

_REFERENCE, _ID, _PRIMITIVE = 1, 6, 7
_TEXTS: Final = (2, 3, 4, 5)  # string, raw string, styled string, path of a file
_KINDS: Final = dict.fromkeys((_REFERENCE, *_TEXTS, _ID, _PRIMITIVE), LENGTH_DELIMITED)
_NULL, _EMPTY, _BOOLEAN = 1, 2, 8
_PRIMITIVES: Final = {
    _NULL: (LENGTH_DELIMITED, res_value.NULL),
    _EMPTY: (LENGTH_DELIMITED, res_value.NULL),
    3: (FIXED32, res_value.FLOAT),
    4: (FIXED32, res_value.DIMENSION),  # deprecated, as is 5
    5: (FIXED32, res_value.FRACTION),
    6: (VARINT, res_value.INT_DEC),
    7: (VARINT, res_value.INT_HEX),
    _BOOLEAN: (VARINT, INT_BOOLEAN),
    9: (VARINT, 0x1C),  # the four forms of a colour: #aarrggbb, #rrggbb, #argb, #rgb
    10: (VARINT, 0x1D),
    11: (VARINT, 0x1E),
    12: (VARINT, 0x1F),
    13: (VARINT, res_value.DIMENSION),
    14: (VARINT, res_value.FRACTION),
}
_PRIMITIVE_WIRES: Final = {number: wire for number, (wire, _) in _PRIMITIVES.items()}
_DATA_NULL_EMPTY: Final = 1


def typed_value(item: Message) -> TypedValue:
    """Turn an `Item` into the value it compiles to; the `data` of a STRING is 0.

    Raises Malformed for an item of no kind or of two, and for a reference by name alone.
    """
    found = item.one_of(_KINDS)
    if found is None:
        raise Malformed("a value is of no kind that is known", item.start)
    part = item.message(found[0])
    assert part is not None  # one_of has found it
    if found[0] in _TEXTS:
        return TypedValue(STRING, 0, part.text(1))
    if found[0] == _ID:
        return TypedValue(INT_BOOLEAN, 0)  # Id::Flatten in tools/aapt2/ResourceValues.cpp
    return _reference(part) if found[0] == _REFERENCE else _primitive(part)


def _reference(reference: Message) -> TypedValue:
    kind, data = reference.unsigned(1), reference.unsigned(2)
    if not data and reference.text(3):
        raise Malformed("a reference has a name and no id", reference.start)
    dynamic = reference.message(5)
    is_dynamic = dynamic is not None and dynamic.is_true(1)
    if kind == 1:
        return TypedValue(res_value.DYNAMIC_ATTRIBUTE if is_dynamic else res_value.ATTRIBUTE, data)
    return TypedValue(res_value.DYNAMIC_REFERENCE if is_dynamic else res_value.REFERENCE, data)


def _primitive(primitive: Message) -> TypedValue:
    found = primitive.one_of(_PRIMITIVE_WIRES)
    if found is None:
        raise Malformed("a primitive value is of no type that is known", primitive.start)
    number, data = found
    if number in (_NULL, _EMPTY):
        data = _DATA_NULL_EMPTY if number == _EMPTY else 0
    elif number == _BOOLEAN:
        data = 0xFFFFFFFF if primitive.is_true(number) else 0
    return TypedValue(_PRIMITIVES[number][1], data)
