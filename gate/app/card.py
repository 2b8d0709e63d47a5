"""What a build says it is, for the head of a report."""

from gate.frozen import dataclass


@dataclass(frozen=True, slots=True)
class AppCard:
    """What the build says it is: identity first, then an inventory for the reader.

    `id` is the application id or bundle identifier; `version` and `build_number` are versionName
    and versionCode, or CFBundleShortVersionString and CFBundleVersion; `inventory` maps a heading
    (permissions, signers, extensions ...) to sorted lines.
    """

    platform: str
    id: str
    name: str
    version: str
    build_number: str
    min_os: str
    target: str
    inventory: dict[str, tuple[str, ...]]
