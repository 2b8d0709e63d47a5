"""The machine code engine: the arm64 slices of Mach-O files as functions, calls and values.

Places are offsets from the image's base, the address of its Mach-O header, in bytes. Sources of
the encodings: Arm Architecture Reference Manual for A-profile, C4 "A64 Instruction Set Encoding";
of the calling convention: Procedure Call Standard for the Arm 64-bit Architecture and Apple's
"Writing ARM64 code for Apple platforms".
"""
