"""Shared code of the end-to-end tests: running commands, making small hubs, comparing directory trees.

Run a test as `ELVES_BIN=build/release/bin python3 tests/e2e/NAME_test.py`. It needs Python 3, numpy and mpirun.
ELVES_CORPUS may name a directory with a real hub in its folder `hub`.
"""

import atexit
import hashlib
import json
import os
import shutil
import signal
import stat
import struct
import subprocess
import tempfile
import time
import unittest

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.abspath(os.environ.get("ELVES_BIN", os.path.join(ROOT, "build", "release", "bin")))
TIMEOUT_SECONDS = 120
MIB = 1 << 20

# Exit codes (frozen).
DONE, FAILED, USAGE, SOME_SKIPPED, DIFFERENT, LOCKED, STOPPED = 0, 1, 2, 3, 4, 11, 75


# ---------------------------------------------------------------- running commands

_session_folder = None


def session_folder():
    """A folder for the files that OpenMPI leaves behind. It is removed at exit."""
    global _session_folder
    if _session_folder is None:
        _session_folder = tempfile.mkdtemp(prefix="e2e-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp")
        os.chmod(_session_folder, 0o1777)
        atexit.register(shutil.rmtree, _session_folder, True)
    return _session_folder


def environment(threads=1):
    env = dict(os.environ)
    env.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMPI_MCA_rmaps_base_oversubscribe="1",
               OMPI_MCA_mpi_yield_when_idle="1", OMP_NUM_THREADS=str(threads), LC_ALL="C.UTF-8", TMPDIR=session_folder(),
               OMPI_MCA_btl_vader_backing_directory=session_folder())
    return env


def command_line(ranks, command, *args):
    """With ranks = 0 the command alone, without mpirun."""
    words = ["mpirun", "--bind-to", "none", "-n", str(ranks)] if ranks else []
    return words + [os.path.join(BIN, command), *map(os.fspath, args)]


def start(ranks, command, *args, threads=1, prefix=()):
    """Starts a command in a new process group."""
    return subprocess.Popen([*prefix, *command_line(ranks, command, *args)], env=environment(threads), stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, errors="surrogateescape", start_new_session=True)


def finish(process, timeout=TIMEOUT_SECONDS):
    """Waits for a command. After `timeout` seconds kills it and fails."""
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        for pid in [process.pid, *descendants(process.pid)]:
            kill_quietly(pid)
        out, err = process.communicate()
        raise AssertionError(f"hangs: no end after {timeout} s: {process.args}\n{out}\n{err}") from None
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def run(ranks, command, *args, expect=DONE, threads=1, timeout=TIMEOUT_SECONDS, prefix=()):
    """Runs a command and checks its exit code. `prefix`: words before mpirun, such as setpriv."""
    done = finish(start(ranks, command, *args, threads=threads, prefix=prefix), timeout)
    if done.returncode != expect:
        raise AssertionError(f"exit code {done.returncode}, expected {expect}: {' '.join(map(str, done.args))}\n{done.stdout}\n{done.stderr}")
    return done


def archive(ranks, corpus, archive_path, *args, expect=DONE, threads=1, **more):
    """Runs elves-mpi and returns its report."""
    with tempfile.TemporaryDirectory(prefix="elves-e2e-") as folder:
        os.chmod(folder, 0o777)
        report = os.path.join(folder, "report.json")
        run(ranks, "elves-mpi", "--corpus", corpus, "--archive", archive_path, "--report", report, "--progress", "none", *args,
            expect=expect, threads=threads, **more)
        with open(report) as file:
            return json.load(file)


def restore(ranks, archive_path, to, *args, expect=DONE, **more):
    return run(ranks, "elves-restore", "--archive", archive_path, "--to", to, *args, expect=expect, **more)


def verify(ranks, archive_path, *args, expect=DONE, **more):
    return run(ranks, "elves-verify", "--archive", archive_path, *args, expect=expect, **more)


def listing(archive_path, *args):
    return json.loads(run(0, "elves-ls", "--archive", archive_path, "--layers", "--json", *args).stdout)


def regular_files(archive_path):
    """{path: row with its layers} of the regular files that elves-ls lists."""
    return {file["path"]: file for file in listing(archive_path)["files"] if file["kind"] == "file"}


def said(done, command):
    """The lines of standard error that the command wrote, without its name in front. Other lines are of mpirun."""
    return [line[len(command) + 2:] for line in done.stderr.splitlines() if line.startswith(command + ": ")]


def descendants(pid):
    """Processes that descend from `pid`, nearest first."""
    children = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat") as file:
                parent = int(file.read().rpartition(")")[2].split()[1])
        except (OSError, IndexError, ValueError):
            continue
        children.setdefault(parent, []).append(int(name))
    found = list(children.get(pid, []))
    for child in found:
        found.extend(children.get(child, []))
    return found


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def kill_quietly(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def wait_until(condition, timeout=TIMEOUT_SECONDS, step=0.001):
    """Whether the condition became true in time."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(step)
    return False


def shards(archive_path):
    if not os.path.isdir(archive_path):
        return []
    return sorted(name for name in os.listdir(archive_path) if name.startswith("shard-"))


def leftovers(archive_path):
    """Names in an archive other than shards and archive.json. A finished job must not leave any."""
    return sorted(name for name in os.listdir(archive_path) if not name.startswith("shard-") and name != "archive.json")


# ---------------------------------------------------------------- comparing trees

def _digest(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(MIB), b""):
            digest.update(block)
    return digest.hexdigest()


def snapshot(root, with_times=True):
    """({path: its properties} of everything below root, groups of hard links)."""
    root = os.fsencode(root)
    entries, names_of_inode = {}, {}
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            full = os.path.join(folder, name)
            path = os.path.relpath(full, root)
            status = os.lstat(full)
            entry = {"kind": stat.S_IFMT(status.st_mode), "owner": (status.st_uid, status.st_gid)}
            if with_times:
                entry["mtime_ns"] = status.st_mtime_ns
            if stat.S_ISLNK(status.st_mode):
                entry["target"] = os.readlink(full)
            else:
                entry["mode"] = stat.S_IMODE(status.st_mode)
            if stat.S_ISREG(status.st_mode):
                entry["size"] = status.st_size
                entry["sha256"] = _digest(full)
                names_of_inode.setdefault((status.st_dev, status.st_ino), []).append(path)
            entries[path] = entry
    groups = {tuple(sorted(names)) for names in names_of_inode.values() if len(names) > 1}
    return entries, groups


def differences(a, b):
    """A line for each difference of two snapshots; empty if they are equal."""
    lines = []
    (left, left_groups), (right, right_groups) = a, b
    for path in sorted(left.keys() | right.keys()):
        if path not in right or path not in left:
            lines.append(f"{path!r}: only in the {'first' if path in left else 'second'}")
            continue
        for key in left[path].keys() | right[path].keys():
            if left[path].get(key) != right[path].get(key):
                lines.append(f"{path!r}: {key} {left[path].get(key)} and {right[path].get(key)}")
    for group in left_groups ^ right_groups:
        lines.append(f"hard links {group} only in the {'first' if group in left_groups else 'second'}")
    return lines


def tree_equal(a, b):
    """The differences of two trees in names, kinds, bytes, owners, modes, mtimes (ns), symlink targets and hard-link groups."""
    return differences(snapshot(a), snapshot(b))


# ---------------------------------------------------------------- making a hub

DTYPE_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}


def tensor(array, dtype=None):
    """A tensor as (dtype, shape, bytes); `dtype` names types that numpy does not have."""
    names = {"float64": "F64", "float32": "F32", "float16": "F16", "int64": "I64", "int32": "I32", "int16": "I16", "int8": "I8",
             "uint8": "U8", "bool": "BOOL"}
    return (dtype or names[array.dtype.name], list(array.shape), np.ascontiguousarray(array).tobytes())


def bfloat16(array):
    """float32 cut to its upper half."""
    return tensor((array.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16), "BF16")


def safetensors(tensors, metadata=None):
    """The bytes of a safetensors file of {name: tensor}."""
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    pieces = []
    at = 0
    for name, (dtype, shape, content) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(content)]}
        at += len(content)
        pieces.append(content)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    data = b"".join(pieces)
    return struct.pack("<Q", len(text)) + text + data


def weights(rng, *shape, sigma=0.02):
    return rng.normal(0.0, sigma, shape).astype(np.float32)


class Tree:
    """Writes files below a root and records the layers of the weight files."""

    def __init__(self, root):
        self.root = root
        self.layers = {}  # path: {layer name: (dtype, shape)}
        os.makedirs(root, exist_ok=True)

    def path(self, name):
        return os.path.join(self.root, name)

    def write(self, name, content, mode=0o644):
        full = self.path(name)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        os.chmod(full, mode)
        return full

    def write_model(self, name, tensors, metadata=None, mode=0o644):
        self.layers[name] = {key: (dtype, shape) for key, (dtype, shape, _) in tensors.items()}
        return self.write(name, safetensors(tensors, metadata), mode)

    def age(self, seed=1):
        """Sets old times with nanoseconds on everything below the root, deepest paths first."""
        rng = np.random.default_rng(seed)
        root = os.fsencode(self.root)
        paths = []
        for folder, folders, files in os.walk(root, topdown=False):
            paths += [os.path.join(folder, name) for name in sorted(files)] + [os.path.join(folder, name) for name in sorted(folders)]
        for path in sorted(paths, key=lambda path: (-path.count(b"/"), path)):
            ns = int(rng.integers(946684800, 1600000000)) * 10**9 + int(rng.integers(1, 10**9))
            os.utime(path, ns=(ns, ns), follow_symlinks=False)


def base_layers(rng):
    """A small float32 model, one layer of which is larger than two chunks of 4 MiB."""
    layers = {"embed.weight": tensor(weights(rng, 2200, 1000))}
    for i in range(4):
        layers[f"block.{i}.weight"] = tensor(weights(rng, 256, 384, sigma=0.01 * (i + 1)))
        layers[f"block.{i}.bias"] = tensor(weights(rng, 384))
    return layers


def fine_tuned(rng, layers):
    """Two of the four blocks are changed a little, all other layers are duplicates."""
    tuned = dict(layers)
    for i in (0, 1):
        dtype, shape, content = layers[f"block.{i}.weight"]
        moved = np.frombuffer(content, np.float32) + weights(rng, *shape, sigma=1e-4).ravel()
        tuned[f"block.{i}.weight"] = (dtype, shape, moved.astype(np.float32).tobytes())
    return tuned


def layers_of_all_types(rng):
    normal = weights(rng, 300, 500)
    return {
        "bf16": bfloat16(normal), "f16": tensor(normal.astype(np.float16)), "f64": tensor(rng.normal(0, 0.05, (200, 300))),
        "f8_e4m3": tensor(rng.integers(0, 256, (128, 96), np.uint8), "F8_E4M3"),
        "f8_e5m2": tensor(rng.integers(0, 256, (128, 96), np.uint8), "F8_E5M2"),
        "i64": tensor(rng.integers(-2**40, 2**40, 3000)), "i32": tensor(rng.integers(-1000, 1000, 5000).astype(np.int32)),
        "i16": tensor(rng.integers(-300, 300, 5001).astype(np.int16)), "i8": tensor(rng.integers(-100, 100, 7777).astype(np.int8)),
        "u8": tensor(rng.integers(0, 255, 4097).astype(np.uint8)), "bool": tensor(rng.integers(0, 2, 999).astype(bool)),
        "none": tensor(np.zeros((0, 16), np.float32)), "scalar": tensor(np.float32(0.25).reshape(())),
        "one": tensor(np.full(4096, 0.5, np.float32)), "repeating": tensor(np.tile(weights(rng, 64), 500)),
    }


def layers_of_odd_values(rng):
    odd = weights(rng, 64, 1024)
    flat = odd.reshape(-1).view(np.uint32)
    for at, bits in enumerate([0x7FC00000, 0x7F800001, 0xFFC12345, 0x7F800000, 0xFF800000, 0x80000000, 0x00000001, 0x807FFFFF, 0x3F800000,
                               0x3F7FFFFF, 0xBF800000, 0x7F7FFFFF]):
        flat[at * 997::20011] = bits
    return {
        "odd": tensor(odd), "tiny": tensor(weights(rng, 200, 200, sigma=1e-9)), "large": tensor(weights(rng, 100, 100, sigma=300)),
        "denormals": tensor((rng.integers(0, 2**23, 5000, np.uint32) | 0).view(np.float32)),
        "odd.f16": tensor(np.concatenate([np.array([0x7E01, 0x7C00, 0xFC00, 0x8000, 0x0001, 0x3C00, 0x3BFF], np.uint16).view(np.float16),
                                          weights(rng, 2000).astype(np.float16)])),
        "odd.f64": tensor(np.concatenate([np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324, 1.0]), rng.normal(0, 0.01, 2000)])),
    }


def make_hub(root, seed=7):
    """About 30 MB with families, duplicates, all dtypes, links, unusual names, modes and times."""
    rng = np.random.default_rng(seed)
    hub = Tree(root)
    base = base_layers(rng)
    tuned = fine_tuned(rng, base)
    hub.write_model("acme/base/model.safetensors", base, {"format": "pt"})
    hub.write("acme/base/config.json", json.dumps({"model_type": "tiny", "hidden_size": 1000}))
    hub.write("acme/base/README.md", "---\nlicense: apache-2.0\n---\n# base\n")
    hub.write_model("acme/tuned/model.safetensors", tuned, {"format": "pt", "note": "tuned"}, mode=0o600)
    hub.write("acme/tuned/README.md", "---\nbase_model: acme/base\n---\n# tuned\n")
    hub.write_model("copies/of-base/model.safetensors", base, {"format": "pt"})
    hub.write_model("kinds/types/model.safetensors", layers_of_all_types(rng), mode=0o444)
    hub.write_model("kinds/odd-values/weights.safetensors", layers_of_odd_values(rng))
    hub.write("kinds/damaged/model.safetensors", safetensors({"w": tensor(weights(rng, 200, 200))})[:100000])
    hub.write("kinds/damaged/noise.bin", rng.bytes(150001))
    hub.write("kinds/empty-file/empty.txt", b"")
    hub.write("kinds/one-byte/a", b"x", mode=0o755)
    hub.write("kinds/run me/tokenizer.json", json.dumps({"vocab": {f"word{i}": i for i in range(3000)}}), mode=0o755)
    hub.write("top-level.txt", "beside the models\n")
    with open(os.path.join(os.fsencode(root), b"kinds", b"one-byte", b"caf\xe9 \xff.bin"), "wb") as file:
        file.write(b"a name that is not UTF-8")
    os.makedirs(hub.path("kinds/empty-folder/deeper"))
    os.chmod(hub.path("kinds/empty-folder"), 0o700)

    # A Hugging Face cache: blobs without extension, snapshots that link to them.
    cache = "models--acme--cached"
    cached = {"w": tensor(weights(rng, 400, 300)), "b": bfloat16(weights(rng, 300))}
    hub.write_model(f"{cache}/blobs/0123456789abcdef", cached)
    hub.write(f"{cache}/blobs/fedcba9876543210", "{}")
    hub.write(f"{cache}/refs/main", "1111111111111111")
    snapshot_folder = f"{cache}/snapshots/1111111111111111"
    os.makedirs(hub.path(snapshot_folder))
    os.symlink("../../blobs/0123456789abcdef", hub.path(f"{snapshot_folder}/model.safetensors"))
    os.symlink("../../blobs/fedcba9876543210", hub.path(f"{snapshot_folder}/config.json"))

    # Links of other kinds.
    os.makedirs(hub.path("links/hard"))
    os.link(hub.path("acme/tuned/model.safetensors"), hub.path("links/hard/same.safetensors"))
    os.link(hub.path("acme/tuned/model.safetensors"), hub.path("links/hard/third.safetensors"))
    os.symlink("/nowhere/at all", hub.path("links/dangling"))
    os.symlink("../acme", hub.path("links/folder"))
    os.symlink("loop", hub.path("links/loop"))
    hub.age()
    return hub


def many_models(root, n_models, layers_each=4, rows=256, columns=1024, seed=3):
    """A hub of equal small models, to make many waves: layers_each * rows * columns * 4 bytes each."""
    rng = np.random.default_rng(seed)
    hub = Tree(root)
    for i in range(n_models):
        hub.write_model(f"org{i % 3}/model-{i:03d}/model.safetensors",
                        {f"layer.{k}": tensor(weights(rng, rows, columns)) for k in range(layers_each)})
        hub.write(f"org{i % 3}/model-{i:03d}/config.json", json.dumps({"n": i}))
    hub.age()
    return hub


def real_corpus():
    """The hub of ELVES_CORPUS, or of ../shared/corpus; None where there is none."""
    place = os.environ.get("ELVES_CORPUS", os.path.join(ROOT, "..", "shared", "corpus"))
    hub = os.path.join(place, "hub")
    return os.path.abspath(hub) if os.path.isdir(hub) else None


# ---------------------------------------------------------------- reading safetensors back

def read_layers(path):
    """{layer name: (dtype, shape, bytes)} of a safetensors file."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    header.pop("__metadata__", None)
    return {name: (row["dtype"], row["shape"], data[row["data_offsets"][0]:row["data_offsets"][1]]) for name, row in header.items()}


# ---------------------------------------------------------------- test cases

class EndToEnd(unittest.TestCase):
    """Makes a temporary folder for each test, and one for the class."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="elves-e2e-")
        cls.addClassCleanup(folder.cleanup)
        cls.shared = folder.name

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="elves-e2e-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def at(self, name):
        """The path of `name` in the folder of this test."""
        return os.path.join(self.folder, name)

    def assert_same_tree(self, a, b):
        self.assertEqual(tree_equal(a, b), [])

    def assert_one_error(self, done, command, *words):
        """The command wrote exactly one line of errors, and the line has the words."""
        lines = said(done, command)
        self.assertEqual(len(lines), 1, f"expected one line from {command}:\n{done.stderr}")
        for word in words:
            self.assertIn(word, lines[0])


def main():
    if not os.access(os.path.join(BIN, "elves-mpi"), os.X_OK):
        raise SystemExit(f"no elves-mpi in {BIN}: build first, or set ELVES_BIN")
    result = unittest.main(verbosity=2, exit=False).result
    if result.testsRun > 0 and len(result.skipped) == result.testsRun:
        raise SystemExit(77)  # all skipped
    raise SystemExit(0 if result.wasSuccessful() else 1)
