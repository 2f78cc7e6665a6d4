"""Seeds of the sniffer: runs of floats of every type, in files of no known format, and data without floats."""
import struct

import numpy as np


def seeds():
    random = np.random.RandomState(1)

    def weights(n, scale=0.05):
        return (random.standard_normal(n) * scale).astype("<f4")

    def bf16(values):
        return (values.view("<u4") >> 16).astype("<u2").tobytes()

    f32 = weights(1200).tobytes()
    f16 = weights(2300).astype("<f2").tobytes()
    return {
        "f32": struct.pack("<4i", 0, 2, 5, 1000) + f32,
        "f32_odd": b"\x0a\x07\x2a" + f32,
        "f16": struct.pack("<I", 0x01306B47) + f16,
        "bf16": bf16(weights(2300, 0.4)),
        "f64": weights(600).astype("<f8").tobytes(),
        "f32_f16": f32 + f16,
        "zeros_inside": f32[:2400] + bytes(1000) + f32[2400:],
        "positive": np.abs(weights(1100)).tobytes(),
        "tokens": (random.zipf(1.2, 1000) % 50257).astype("<u2").tobytes(),
        "offsets": np.cumsum(random.randint(1, 99, 300)).astype("<u4").tobytes(),
        "gzip": bytes.fromhex("1f8b0800000000000003"),
        "tar": bytes(257) + b"ustar\x0000" + bytes(247),
        "program": b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0",
        "text": b"name,value\n" * 20,
    }
