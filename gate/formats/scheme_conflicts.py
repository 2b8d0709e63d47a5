"""Whether the signature schemes of one APK name the same signer.

Every Android version reads one scheme and is content, but a device that is updated would then see
another signer: AOSP tools/apksig, ApkVerifier.verify, which refuses such a file.
"""

from collections.abc import Iterator

from gate.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Identities:
    """The signers' own certificates, in DER, by scheme; () for one that no level reads and accepts.

    `history` is the longest proof of rotation in a v3 or v3.1 signer, oldest first.
    """

    v1: tuple[bytes, ...]
    v2: tuple[bytes, ...]
    v3: tuple[bytes, ...]
    history: tuple[bytes, ...]


def conflicts(found: Identities) -> tuple[str, ...]:
    """How the schemes contradict each other, in plain sentences without a full stop."""
    return tuple(_conflicts(found))


def _conflicts(found: Identities) -> Iterator[str]:
    if found.v1 and found.v2 and set(found.v1) != set(found.v2):
        yield "the v1 signature and the v2 signature are by different signers"
    old = found.v1 or found.v2
    if not old or not found.v3:
        return
    scheme = "v1" if found.v1 else "v2"
    if len(old) > 1:
        yield f"the {scheme} signature has several signers, and the v3 signature one"
    if found.history:
        if old[0] != found.history[0]:
            yield f"the {scheme} signer is not the oldest of the v3 signer's proof of rotation"
    elif len(set(found.v3)) > 1:
        yield "the v3 signature has several signers and no proof of rotation"
    elif old[0] != found.v3[0]:
        yield f"the {scheme} signature and the v3 signature are by different signers"
