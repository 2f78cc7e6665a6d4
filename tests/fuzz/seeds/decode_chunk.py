"""Seeds of the chunk decoder: the golden chunks, so that each transform and kind of stream is among them."""
import pathlib

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "golden" / "chunks"

DTYPES = ("bytes", "bool", "u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64", "f16", "bf16", "f32", "f64",
          "f8_e4m3", "f8_e5m2", "c64", "c128", "f8_e4m3fnuz", "f8_e5m2fnuz", "f8_e8m0", "c32",
          "q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q8_1", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k", "q8_k",
          "iq2_xxs", "iq2_xs", "iq3_xxs", "iq1_s", "iq4_nl", "iq3_s", "iq2_s", "iq4_xs", "iq1_m", "tq1_0", "tq2_0",
          "mxfp4")
SLOW = ("raw_context",)  # 12 ms, and a seed is run 5000 times; smaller ones have such streams too


def dtype_in(name):
    """The number of the dtype that the name of a golden file tells."""
    words = name.split("_")
    found = (DTYPES.index(dtype) for i in range(len(words)) for dtype in ("_".join(words[i:i + 2]), words[i]) if dtype in DTYPES)
    return next(found, 0)


def seeds():
    made = {}
    for path in sorted(GOLDEN.glob("*.chunk.bin")):
        name = path.name.split(".")[0]
        if name in SLOW:
            continue
        n_bytes = path.with_name(f"{name}.decoded.bin").stat().st_size
        made[name] = bytes([dtype_in(name)]) + n_bytes.to_bytes(3, "little") + path.read_bytes()
    return made
