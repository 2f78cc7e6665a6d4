"""Seeds of the decoder of deltas: the golden chunks that have a base."""
from seeds.decode_chunk import golden_chunks


def seeds():
    return {name: bytes([dtype]) + n_decoded.to_bytes(3, "little") + len(base).to_bytes(3, "little") + base + chunk
            for name, dtype, chunk, n_decoded, base in golden_chunks() if base}
