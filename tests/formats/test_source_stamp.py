import hashlib
import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.app.signing import SourceStamp
from gate.formats.apk_verify import verify
from gate.formats.errors import Malformed
from gate.formats.zip import read_directory
from tests.formats.sign_apk import (
    MANIFEST,
    Signer,
    Stamp,
    apk,
    jar,
    lineage,
    own_certificate,
    second_rsa_key,
)
from tests.formats.write_signing import rsa_key
from tests.formats.write_zip import Member

DEX = Member(b"classes.dex", b"dex\n035\0" * 100)
OWN = (Signer(),)
TIME, ROTATION = 0xE43C5946, 0x9D6303F7


def stamp_of(data: bytes, *, min_sdk: int = 24) -> SourceStamp | None:
    file = io.BytesIO(data)
    found = verify(file, read_directory(file), min_sdk=min_sdk, target_sdk=29)
    assert found.verified, "a stamp changes nothing for a device"
    return found.source_stamp


def reason(stamp: Stamp, *members: Member, min_sdk: int = 24) -> str:
    members = members or (DEX, stamp.entry)
    found = stamp_of(apk(*members, stamp=stamp, v2=OWN, v3=OWN), min_sdk=min_sdk)
    assert found is not None
    return found.reason


def test_an_apk_without_a_stamp_has_none() -> None:
    assert stamp_of(apk(DEX, v2=OWN)) is None


@pytest.mark.parametrize("scheme", ["v1", "v2"])
def test_a_stamp_verifies_and_names_its_certificate(scheme: str) -> None:
    stamp = Stamp(scheme=scheme)
    digest = hashlib.sha256(own_certificate(second_rsa_key())).hexdigest()
    found = stamp_of(apk(DEX, stamp.entry, stamp=stamp, v2=OWN, v3=OWN))
    assert found == SourceStamp(scheme, digest, digest, "")


def test_attributes_tell_when_it_was_made_and_by_which_keys() -> None:
    proof = lineage(rsa_key(), second_rsa_key())
    known = ((TIME, struct.pack("<q", 1)), (ROTATION, proof), (0x1234, b"unknown"))
    assert reason(Stamp(attributes=known)) == ""


@pytest.mark.parametrize(
    ("stamp", "words"),
    [
        (Stamp(broken=True), "over the v2 signature the signature does not match"),
        (Stamp(scheme="v1", broken=True), "the signature does not match what it is over"),
        (Stamp(leave_out=("v3",)), "it is not over the v3 signature"),
        (Stamp(attributes=((TIME, bytes(8)),)), "its time is zero or less"),
        (Stamp(attributes=((TIME, b"\1"),)), "its time is zero or less"),
        (
            Stamp(attributes=((ROTATION, lineage(second_rsa_key(), rsa_key())),)),
            "does not end at its certificate",
        ),
        (
            Stamp(attributes=((ROTATION, lineage(rsa_key(), second_rsa_key(), broken=True)),)),
            "it cannot be read: proof of rotation in which",
        ),
    ],
)
def test_a_defective_stamp_says_why(stamp: Stamp, words: str) -> None:
    assert words in reason(stamp)


def test_a_stamp_and_its_entry_belong_together() -> None:
    other = Member(b"stamp-cert-sha256", bytes(32))
    assert (
        reason(Stamp(), DEX, other) == "its certificate is not the one that stamp-cert-sha256 names"
    )
    assert reason(Stamp(), DEX) == "there is no stamp-cert-sha256 in the APK"
    found = stamp_of(apk(DEX, other, v2=OWN))
    assert found == SourceStamp(
        "", "", bytes(32).hex(), "there is no stamp in the APK Signing Block"
    )
    assert "more than 1024" in reason(Stamp(), DEX, Member(b"stamp-cert-sha256", bytes(2000)))


def test_a_stamp_on_an_apk_that_nobody_signed_is_over_nothing() -> None:
    stamp = Stamp()
    file = io.BytesIO(apk(DEX, stamp.entry, stamp=stamp))
    found = verify(file, read_directory(file), min_sdk=24, target_sdk=29).source_stamp
    assert found is not None and found.reason == "the APK has no signature that it could be over"


def test_a_jar_signature_is_stamped_by_its_manifest() -> None:
    stamp = Stamp()
    members = (*jar({b"a": b"a", stamp.entry.name: stamp.entry.data}),)
    manifest = next(each.data for each in members if each.name == MANIFEST)
    made = Stamp(jar=hashlib.sha256(manifest).digest())
    found = stamp_of(apk(*members, stamp=made))
    assert found is not None and found.reason == ""
    wrong = Stamp(jar=bytes(32))
    found = stamp_of(apk(*members, stamp=wrong))
    assert found is not None and "over the v1 signature" in found.reason


@given(st.integers(0, 3000), st.binary(min_size=1, max_size=8))
@settings(max_examples=150, deadline=None)
def test_a_changed_stamp_gives_a_verdict(at: int, new: bytes) -> None:
    stamp = Stamp(attributes=((TIME, struct.pack("<q", 1)),))
    data = bytearray(apk(DEX, stamp.entry, stamp=stamp, v2=OWN))
    start = data.index(struct.pack("<L", 0x6DFF800D)) + 4
    place = start + at % (data.index(b"PK\1\2") - 24 - start)
    data[place : place + len(new)] = new
    file = io.BytesIO(bytes(data))
    try:
        found = verify(file, read_directory(file), min_sdk=24, target_sdk=29)
    except Malformed:
        return
    assert found.source_stamp is None or isinstance(found.source_stamp.reason, str)
