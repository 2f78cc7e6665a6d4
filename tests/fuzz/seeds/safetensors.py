"""Seeds of the safetensors parser."""
import json
import struct


def file(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def seeds():
    return {
        "empty": file({}),
        "one_layer": file({"w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}, bytes(24)),
        "metadata_and_two": file({"__metadata__": {"format": "pt"},
                                  "a": {"dtype": "BF16", "shape": [4], "data_offsets": [0, 8]},
                                  "b": {"dtype": "I64", "shape": [], "data_offsets": [8, 16]}}, bytes(16)),
        "unknown_dtype": file({"w": {"dtype": "F4", "shape": [2], "data_offsets": [0, 1]}}, bytes(1)),
        "nested": file(b'{"w":{"x":{"y":[1,{"z":null}]},"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'),
    }
