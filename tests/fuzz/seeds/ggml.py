"""Seeds of the ggml parser."""
import struct

GGML, GGMF, GGJT, GGLA = 0x67676D6C, 0x67676D66, 0x67676A74, 0x67676C61


def ints(*values):
    return struct.pack(f"<{len(values)}I", *values)


def vocabulary(n, scores=False):
    return b"".join(ints(i % 4) + b"t" * (i % 4) + (bytes(4) if scores else b"") for i in range(n))


def file(header, tensors, alignment=1):
    """Tensors are (name, dims innermost first, type, bytes of data)."""
    out = header
    for name, dims, kind, n in tensors:
        out += ints(len(dims), len(name), kind, *dims) + name
        out += bytes(-len(out) % alignment) + bytes(i * 7 % 251 for i in range(n))
    return out


LLAMA = (6, 8, 256, 4, 2, 2, 1)
PLAIN = [(b"tok_embeddings.weight", (4, 6), 1, 48), (b"norm.weight", (4,), 0, 16)]
NEW = [(b"q4_0", (32, 2), 2, 36), (b"q5_1", (32,), 7, 24), (b"q8_0", (32,), 8, 34), (b"q4_k", (256,), 12, 144)]
OLD = [(b"q4_0", (32, 2), 2, 40), (b"q4_1", (32,), 3, 24), (b"q4_2", (16,), 4, 10), (b"q4_3", (16,), 5, 12),
       (b"q5_0", (32,), 6, 22), (b"q8_0", (32,), 8, 36)]


def seeds():
    whisper = ints(GGML, 20, 1500, 8, 2, 1, 448, 8, 2, 1, 3, 1, 3, 5) + bytes(60) + ints(4) + vocabulary(4)
    silero = ints(GGML, 10) + b"silero-16k" + ints(6, 2, 0, 512, 64, 1, 129, 128, 3, 128, 128, 128, 1)
    scored = ints(*LLAMA) + vocabulary(6, scores=True)
    return {
        "llama": file(ints(GGML, *LLAMA) + vocabulary(6), PLAIN),
        "llama_old_blocks": file(ints(GGML, *LLAMA) + vocabulary(6), OLD),
        "llama_new_blocks": file(ints(GGML, *LLAMA) + vocabulary(6), NEW),
        "llama_vocabulary": ints(GGML, *LLAMA) + vocabulary(6),
        "ggmf": file(ints(GGMF, 1) + scored, PLAIN),
        "ggjt_1": file(ints(GGJT, 1) + scored, OLD, 32),
        "ggjt_2": file(ints(GGJT, 2) + scored, PLAIN + OLD[:1], 32),
        "ggjt_3": file(ints(GGJT, 3) + scored, NEW, 32),
        "ggla": file(ints(GGLA, 1, 8, 16), [(b"wq.loraA", (8, 2), 0, 64), (b"wq.loraB", (8, 2), 1, 32)], 32),
        "whisper": file(whisper, PLAIN),
        "whisper_vocabulary": whisper,
        "silero": file(silero, [(b"conv", (3, 2, 2), 1, 24), (b"bias", (), 0, 4), (b"stft", (4, 1, 2), 1, 16)]),
        "gpt2": file(ints(GGML, 6, 128, 8, 4, 2, 1, 6) + vocabulary(6), PLAIN),
        "mpt": file(ints(GGML, 8, 128, 4, 2, 6, 0, 0, 1) + vocabulary(6), PLAIN),
        "rwkv": file(ints(GGMF, 101, 6, 8, 1, 1), PLAIN),
        "cut": file(ints(GGML, *LLAMA) + vocabulary(6), PLAIN)[:-1],
        "version_4": ints(GGJT, 4, 0, 0),
    }
