"""Private keys that were printed as samples: nobody guards anything with them.

Each is named by the SHA-256 of its public key (SubjectPublicKeyInfo, DER), so that every encoding
of the private key is recognised and the list itself holds no key.
"""

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# fmt: off
PUBLISHED: "Final[Mapping[str, str]]" = MappingProxyType({
    "a1e9156054e04fac899ae9f275132cdc07a5dbc4ea2c2ad3a1ffc6e0d253681f": "RFC 8410 section 10.3",
    "9a9e5b0f404f4e2d4386e38b04ac91e535946dc2a7f8d84a31404b476e5c35e1": "RFC 9500 testRSA1024",
    "8fb6bad671cfe698393c453357da61b56d757ab8c0f3fb9c87f2849e63131878": "RFC 9500 testRSA2048",
    "96465ea5dc9bb2da7b351d808a7196e5761f2412a5040131c68d719aaba28fb9": "RFC 9500 testRSA4096",
    "3fac0442bd712e4c3984fca7b96f05f17e6bd09a2efac60563d6ac3bcac17745": "RFC 9500 testDLP1024",
    "b2b04340cfaee616ec9c2c62d261b208e54bb197498df52e8cadede23ac0ba5e": "RFC 9500 testECCP256",
    "c4c10105a0be0ed4dd3354428dc38a9bfee64da141ce16e75c94eda272f9dd3a": "RFC 9500 testECCP384",
    "acb1b8327fef995e2458fdf5e3c33b2dc0749feabd6a894cb9bda9d70ac06c24": "RFC 9500 testECCP521",
    "c73eecd318bd3813f2402a660d8a90010ca35d609d19377d5ee7af200713229f": "RFC 9421 B.1.1 rsa",
    "72859cbaf21a0b398b1f25712bbed148b1d85a0c6b824176eb306405caa6f0b2": "RFC 9421 B.1.2 rsa-pss",
    "55f96361b78cbb84f1fc604b0718e82bd91abb46d8fc25ae871b35fbbf8b7974": "RFC 9421 B.1.3 ecc-p256",
    "34571606cb7a0d71be377e671ddcccae2a169ed7733598214129231cd30c4a3c": "RFC 9421 B.1.4 ed25519",
    "f56c8b01227f62ddbc16eb29a6ac0b310e276760a5e06302fa881a35146f6bc7": "jwt.io sample for RS256",
})
# fmt: on
