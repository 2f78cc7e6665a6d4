"""Seeds of the decoder of differences: the golden chunks that have a base."""
from seeds.decode_chunk import GOLDEN, dtype_in

SLOW = ("delta_bf16",)  # 40 kB of base: smaller ones have such streams too


def seeds():
    made = {}
    for path in sorted(GOLDEN.glob("*.base.bin")):
        name = path.name.split(".")[0]
        if name in SLOW:
            continue
        base = path.read_bytes()
        n_bytes = path.with_name(f"{name}.decoded.bin").stat().st_size
        sizes = n_bytes.to_bytes(3, "little") + len(base).to_bytes(3, "little")
        made[name] = bytes([dtype_in(name)]) + sizes + base + path.with_name(f"{name}.chunk.bin").read_bytes()
    return made
