"""Seeds of the parsers of lineage: model cards, configs, lists of bases."""


def card(*lines, end="\n", fence="---"):
    return end.join([fence, *lines, fence, "# a model", ""]).encode()


def seeds():
    return {
        "plain": card("license: mit", "base_model: org/base # the one", "tags:", "- x"),
        "quoted": card("base_model: \"org/\\\"base\\\"\"", "'base_model': 'org/it''s'"),
        "block": card("base_model:", "- org/a", "- 'org/b' # and", "", "# no", "- \"org/c\"", "  - d", "x: y"),
        "indented": card("base_model:", "  org/base"),
        "flow": card("base_model: [org/a, \"org/b\", 'org/c',]"),
        "flow_lines": card("base_model: [", "  org/a, # one", "  org/b", "]", "x: y"),
        "open": b"---\nbase_model: [org/a, \"b",
        "windows": b"\xef\xbb\xbf" + card("base_model: org/a", "base_model:", "- b", end="\r\n"),
        "marks": card("base_model: &a !!str {b: c}", "base_model: |", "  text"),
        "bytes": b"---\nbase_model: org/\xff\x00\n---\n",
        "path": card("base_model: C:\\models\\x", "base_model: /a/hub/models--org--name/snapshots/1"),
        "address": card("base_model: https://huggingface.co/org/name/tree/main"),
        "config": b'{"architectures": ["X"], "_name_or_path": "../org/base", "n": 1.5e3, "x": {"y": [null, true]}}',
        "adapter": b'{"base_model_name_or_path": "org/base", "_name_or_path": "\\u00e9", "r": 8}',
        "deep": b'{"x": ' + b"[" * 100 + b"]" * 100 + b"}",
        "list": b"# model\tbase\norg/tuned\torg/base\r\n\n",
        "bad_list": b"org/tuned org/base\n",
    }
