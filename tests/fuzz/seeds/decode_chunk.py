"""Seeds of the chunk decoder: the golden chunks, which have every transform and kind of stream."""
import pathlib

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "golden" / "chunks"

DTYPES = ("bytes", "bool", "u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64", "f16", "bf16", "f32", "f64",
          "f8_e4m3", "f8_e5m2", "c64", "c128", "f8_e4m3fnuz", "f8_e5m2fnuz", "f8_e8m0", "c32",
          "q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q8_1", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k", "q8_k",
          "iq2_xxs", "iq2_xs", "iq3_xxs", "iq1_s", "iq4_nl", "iq3_s", "iq2_s", "iq4_xs", "iq1_m", "tq1_0", "tq2_0",
          "mxfp4")


def golden_chunks():
    """Yields (name, number of the dtype, chunk, size of the decoded bytes, base) of each golden file."""
    for path in sorted(GOLDEN.glob("*.golden")):
        head, data = path.read_bytes().split(b"\n", 1)
        dtype, n_chunk, n_decoded, n_base = head.split()
        chunk = data[:int(n_chunk)]
        yield path.stem, DTYPES.index(dtype.decode()), chunk, int(n_decoded), data[len(data) - int(n_base):]


def seeds():
    return {name: bytes([dtype]) + n_decoded.to_bytes(3, "little") + chunk
            for name, dtype, chunk, n_decoded, _ in golden_chunks()}
