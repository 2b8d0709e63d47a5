"""Dalvik's instructions: mnemonic and format of every opcode.

Source: source.android.com, Dalvik bytecode and Dalvik executable instruction formats. An opcode
that the table does not use has format 10x, as AOSP art/libdexfile/dex/dex_instruction_list.h.
"""

# One line per run of opcodes of one format: first opcode, format, mnemonics.
_TABLE = """
00 10x nop
01 12x move
02 22x move/from16
03 32x move/16
04 12x move-wide
05 22x move-wide/from16
06 32x move-wide/16
07 12x move-object
08 22x move-object/from16
09 32x move-object/16
0a 11x move-result move-result-wide move-result-object move-exception
0e 10x return-void
0f 11x return return-wide return-object
12 11n const/4
13 21s const/16
14 31i const
15 21h const/high16
16 21s const-wide/16
17 31i const-wide/32
18 51l const-wide
19 21h const-wide/high16
1a 21c const-string
1b 31c const-string/jumbo
1c 21c const-class
1d 11x monitor-enter monitor-exit
1f 21c check-cast
20 22c instance-of
21 12x array-length
22 21c new-instance
23 22c new-array
24 35c filled-new-array
25 3rc filled-new-array/range
26 31t fill-array-data
27 11x throw
28 10t goto
29 20t goto/16
2a 30t goto/32
2b 31t packed-switch sparse-switch
2d 23x cmpl-float cmpg-float cmpl-double cmpg-double cmp-long
32 22t if-eq if-ne if-lt if-ge if-gt if-le
38 21t if-eqz if-nez if-ltz if-gez if-gtz if-lez
44 23x aget aget-wide aget-object aget-boolean aget-byte aget-char aget-short
4b 23x aput aput-wide aput-object aput-boolean aput-byte aput-char aput-short
52 22c iget iget-wide iget-object iget-boolean iget-byte iget-char iget-short
59 22c iput iput-wide iput-object iput-boolean iput-byte iput-char iput-short
60 21c sget sget-wide sget-object sget-boolean sget-byte sget-char sget-short
67 21c sput sput-wide sput-object sput-boolean sput-byte sput-char sput-short
6e 35c invoke-virtual invoke-super invoke-direct invoke-static invoke-interface
74 3rc invoke-virtual/range invoke-super/range invoke-direct/range invoke-static/range
78 3rc invoke-interface/range
7b 12x neg-int not-int neg-long not-long neg-float neg-double
81 12x int-to-long int-to-float int-to-double long-to-int long-to-float long-to-double
87 12x float-to-int float-to-long float-to-double double-to-int double-to-long double-to-float
8d 12x int-to-byte int-to-char int-to-short
90 23x add-int sub-int mul-int div-int rem-int and-int or-int xor-int shl-int shr-int ushr-int
9b 23x add-long sub-long mul-long div-long rem-long and-long or-long xor-long
a3 23x shl-long shr-long ushr-long
a6 23x add-float sub-float mul-float div-float rem-float
ab 23x add-double sub-double mul-double div-double rem-double
b0 12x add-int/2addr sub-int/2addr mul-int/2addr div-int/2addr rem-int/2addr and-int/2addr
b6 12x or-int/2addr xor-int/2addr shl-int/2addr shr-int/2addr ushr-int/2addr
bb 12x add-long/2addr sub-long/2addr mul-long/2addr div-long/2addr rem-long/2addr
c0 12x and-long/2addr or-long/2addr xor-long/2addr shl-long/2addr shr-long/2addr ushr-long/2addr
c6 12x add-float/2addr sub-float/2addr mul-float/2addr div-float/2addr rem-float/2addr
cb 12x add-double/2addr sub-double/2addr mul-double/2addr div-double/2addr rem-double/2addr
d0 22s add-int/lit16 rsub-int mul-int/lit16 div-int/lit16 rem-int/lit16
d5 22s and-int/lit16 or-int/lit16 xor-int/lit16
d8 22b add-int/lit8 rsub-int/lit8 mul-int/lit8 div-int/lit8 rem-int/lit8 and-int/lit8
de 22b or-int/lit8 xor-int/lit8 shl-int/lit8 shr-int/lit8 ushr-int/lit8
fa 45cc invoke-polymorphic
fb 4rcc invoke-polymorphic/range
fc 35c invoke-custom
fd 3rc invoke-custom/range
fe 21c const-method-handle const-method-type
"""

NAMES = ["unused"] * 256
FORMATS = ["10x"] * 256
for _line in _TABLE.split("\n")[1:-1]:
    _first, _format, *_names = _line.split()
    for _opcode, _name in enumerate(_names, int(_first, 16)):
        NAMES[_opcode], FORMATS[_opcode] = _name, _format

# Code units of one instruction: a format's name begins with it.
UNITS = tuple(int(each[0]) for each in FORMATS)

NOP, MOVE_RESULT, MOVE_RESULT_OBJECT, MOVE_EXCEPTION = 0x00, 0x0A, 0x0C, 0x0D
RETURN_VOID, RETURN, RETURN_OBJECT = 0x0E, 0x0F, 0x11
CONST_STRING, CONST_STRING_JUMBO, CONST_CLASS = 0x1A, 0x1B, 0x1C
CHECK_CAST, INSTANCE_OF, NEW_INSTANCE, NEW_ARRAY = 0x1F, 0x20, 0x22, 0x23
FILLED_NEW_ARRAY, FILLED_NEW_ARRAY_RANGE, FILL_ARRAY_DATA, THROW = 0x24, 0x25, 0x26, 0x27
GOTO, GOTO_16, GOTO_32, PACKED_SWITCH, SPARSE_SWITCH = 0x28, 0x29, 0x2A, 0x2B, 0x2C
IF_EQ, IF_LE, IF_EQZ, IF_LEZ = 0x32, 0x37, 0x38, 0x3D
AGET, AGET_SHORT, APUT, APUT_SHORT = 0x44, 0x4A, 0x4B, 0x51
IGET, IGET_SHORT, IPUT, IPUT_SHORT = 0x52, 0x58, 0x59, 0x5F
SGET, SGET_SHORT, SPUT, SPUT_SHORT = 0x60, 0x66, 0x67, 0x6D
INVOKE_VIRTUAL, INVOKE_SUPER, INVOKE_DIRECT, INVOKE_STATIC = 0x6E, 0x6F, 0x70, 0x71
INVOKE_INTERFACE, INVOKE_VIRTUAL_RANGE, INVOKE_STATIC_RANGE = 0x72, 0x74, 0x77
INVOKE_INTERFACE_RANGE = 0x78
INVOKE_POLYMORPHIC, INVOKE_POLYMORPHIC_RANGE = 0xFA, 0xFB
INVOKE_CUSTOM, INVOKE_CUSTOM_RANGE = 0xFC, 0xFD
CONST_METHOD_HANDLE, CONST_METHOD_TYPE = 0xFE, 0xFF

# Control does not go on to the next instruction after these.
ENDS = frozenset((RETURN_VOID, 0x0F, 0x10, RETURN_OBJECT, THROW, GOTO, GOTO_16, GOTO_32))

# What an opcode writes: the register's field (see `body.written`) and whether it is a pair.
NONE, NIBBLE, BYTE, UNIT = 0, 1, 2, 3
_PAIRS = frozenset(
    opcode
    for opcode, name in enumerate(NAMES)
    if name.split("/")[0].endswith(("-wide", "-long", "-double"))
    or name.startswith(("const-wide", "move-wide", "move-result-wide"))
) - {0x2F, 0x30, 0x31, 0x10}
_SILENT = ("nop", "return", "monitor", "fill-array", "throw", "goto", "packed", "sparse", "if-",
           "aput", "iput", "sput", "invoke", "filled", "unused")  # fmt: skip


def _written(opcode: int) -> int:
    if NAMES[opcode].startswith(_SILENT):
        return NONE
    form = FORMATS[opcode]
    if form in ("12x", "11n", "22c", "22s"):
        return NIBBLE
    return UNIT if form == "32x" else BYTE


WRITES = tuple(_written(opcode) for opcode in range(256))
WIDE = tuple(opcode in _PAIRS for opcode in range(256))
