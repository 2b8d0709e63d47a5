"""android-elf-relro-off: a library's tables of addresses stay writable."""

from collections.abc import Iterator

from gate.app import AndroidApp, Location
from gate.check import Finding, NotApplicable, Severity, check


@check(AndroidApp, severity=Severity.LOW, cwe=693, masvs="MASVS-CODE-4")
def elf_relro_off(app: AndroidApp) -> Iterator[Finding]:
    """
    A native library keeps its global offset table writable.

    Looks at: The program headers and the dynamic section of every ELF file under lib/. Full RELRO
    is a PT_GNU_RELRO segment together with BIND_NOW (DF_BIND_NOW in DT_FLAGS, DF_1_NOW in
    DT_FLAGS_1, or DT_BIND_NOW). Files without dynamic relocations or without a global offset table,
    and the snapshots of compiled Dart code, have nothing to protect and are left out.

    Matters because: The global offset table holds the addresses of the functions that a library
    calls. While it is writable, a single out-of-bounds write turns the next call into a call of the
    attacker's choice. Full RELRO makes it read-only once the library is loaded.

    Fix by: Linking with -Wl,-z,relro -Wl,-z,now, the NDK's default: take -z norelro and -z lazy out
    of target_link_options in CMakeLists.txt, of LOCAL_LDFLAGS in Android.mk (and
    LOCAL_DISABLE_RELRO := true), and of CMAKE_SHARED_LINKER_FLAGS in
    externalNativeBuild.cmake.arguments of build.gradle. For Rust set `-C relro-level=full`, for Go
    -ldflags "-extldflags '-Wl,-z,relro,-z,now'". A library that arrives prebuilt in an .aar or
    jniLibs needs a newer release from whoever built it.

    Cannot see: Libraries that are unpacked or downloaded at run time, nor whether the code has a
    memory error that would make use of the table.
    """
    if not app.libraries:
        raise NotApplicable("no native code")
    for each in app.libraries:
        if each.is_dart_snapshot or not each.has_relocations or not each.has_got:
            continue
        if each.relro and each.bind_now:
            continue
        lacks = "BIND_NOW, so that RELRO is partial" if each.relro else "PT_GNU_RELRO"
        yield Finding(
            f"{each.name} ({each.abi})",
            f"{each.path} lacks {lacks}: its global offset table stays writable{each.caveat}.",
            at=Location(each.path, element="PT_DYNAMIC" if each.relro else "program headers"),
        )
