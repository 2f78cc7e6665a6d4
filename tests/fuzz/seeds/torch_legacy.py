"""Seeds of the parser of torch's format before 1.6, and a pickler that names modules that need not be installed."""
import io
import pickle
import struct

MAGIC = 0x1950a86a20f9469cfc6c


class Global:
    """A class or function given by its name."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Call:
    """The result of a call, with an optional state and optional items of a dict."""

    def __init__(self, function, args=(), state=None, pairs=()):
        self.function, self.args, self.state, self.pairs = function, args, state, pairs


class Persistent:
    def __init__(self, pid):
        self.pid = pid


class Pickler(pickle._Pickler):
    def persistent_id(self, obj):
        return obj.pid if isinstance(obj, Persistent) else None

    def save(self, obj, save_persistent_id=True):
        if isinstance(obj, Global):
            return self.save_name(obj)
        if isinstance(obj, Call):
            return self.save_call(obj)
        return super().save(obj, save_persistent_id)

    def save_name(self, obj):
        if id(obj) in self.memo:
            return self.write(self.get(self.memo[id(obj)][0]))
        if self.proto >= 4:
            self.save(obj.module)
            self.save(obj.name)
            self.write(pickle.STACK_GLOBAL)
        else:
            self.write(b"c" + obj.module.encode() + b"\n" + obj.name.encode() + b"\n")
        self.memoize(obj)

    def save_call(self, obj):
        if id(obj) in self.memo:
            return self.write(self.get(self.memo[id(obj)][0]))
        self.save(obj.function)
        self.save(tuple(obj.args))
        self.write(pickle.REDUCE)
        self.memoize(obj)
        if obj.pairs:
            self._batch_setitems(iter(obj.pairs))
        if obj.state is not None:
            self.save(obj.state)
            self.write(pickle.BUILD)


def dumps(obj, protocol=2):
    out = io.BytesIO()
    Pickler(out, protocol).dump(obj)
    return out.getvalue()


def torch(name):
    return Global("torch", name)


def utils(name):
    return Global("torch._utils", name)


def storage(key, n, kind="FloatStorage", view=None):
    return Persistent(("storage", torch(kind), key, "cpu", n, view))


def tensor(of, offset, shape, strides, function="_rebuild_tensor_v2", more=None):
    hooks = Call(Global("collections", "OrderedDict"))
    return Call(utils(function), (of, offset, tuple(shape), tuple(strides)) + (more or (False, hooks)))


def ordered(**pairs):
    return Call(Global("collections", "OrderedDict"), pairs=list(pairs.items()))


def file(obj, storages, protocol=2, little_endian=True):
    """`storages`: (key, count, data) in the order of the file."""
    system = {"protocol_version": 1001, "little_endian": little_endian, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    data = b"".join(dumps(each, protocol) for each in (MAGIC, 1001, system, obj, [key for key, _, _ in storages]))
    return data + b"".join(struct.pack("<q", count) + content for _, count, content in storages)


def checkpoint():
    fc = ordered(weight=tensor(storage("0", 6), 0, (2, 3), (3, 1)), bias=tensor(storage("1", 2), 0, (2,), (1,)))
    state = {3: {"step": 7, "exp_avg": tensor(storage("2", 6), 0, (3, 2), (1, 3))}}
    return {"model": fc, "optimizer": {"state": state, "param_groups": [{"lr": 0.1, "params": [3]}]}, "epoch": 12}


def module():
    parameter = Call(utils("_rebuild_parameter"), (tensor(storage("0", 4), 0, (4,), (1,)), True, ordered()))
    buffers = ordered(mean=tensor(storage("1", 2, "LongStorage"), 0, (2,), (1,)))
    state = {"training": True, "_parameters": ordered(weight=parameter), "_buffers": buffers, "_modules": ordered()}
    kind = Persistent(("module", Global("models", "Linear"), "models.py", "class Linear: pass"))
    linear = Call(kind, state=state)
    return Call(Global("models", "Net"), state={"_modules": ordered(fc=linear), "note": "x"})


def views():
    s = storage("a", 12)
    return [tensor(s, 0, (2, 3), (3, 1)), tensor(s, 6, (6,), (1,)), tensor(s, 0, (3, 2), (1, 3)),
            tensor(storage("b", 6), 1, (2, 2), (3, 1)), tensor(storage("c", 1), 0, (5,), (0,)),
            tensor(storage("d", 4, view=("e", 1, 2)), 0, (2,), (1,)), tensor(storage("f", 0), 0, (0, 3), (3, 1))]


def others():
    layout = Call(Global("torch.serialization", "_get_layout"), ("torch.sparse_coo",))
    parts = (tensor(storage("0", 2, "LongStorage"), 0, (1, 2), (2, 1)), tensor(storage("1", 2), 0, (2,), (1,)), (4,))
    scheme = (torch("per_channel_affine"), tensor(storage("3", 2, "DoubleStorage"), 0, (2,), (1,)),
              tensor(storage("4", 2, "LongStorage"), 0, (2,), (1,)), 0)
    quantized = tensor(storage("2", 4, "QInt8Storage"), 0, (2, 2), (2, 1), "_rebuild_qtensor", (scheme, False, ordered()))
    of_type = tensor(storage("5", 4, "UntypedStorage"), 0, (2,), (1,), "_rebuild_tensor_v3",
                     (False, ordered(), torch("uint16")))
    sub = Call(Global("torch._tensor", "_rebuild_from_type_v2"),
               (utils("_rebuild_tensor_v2"), Global("m", "Sub"), (storage("6", 1), 0, (), ()), {"extra": 1}))
    return {"sparse": Call(utils("_rebuild_sparse_tensor"), (layout, parts)), "q": quantized, "u16": of_type, "sub": sub,
            "meta": Call(utils("_rebuild_meta_tensor_no_storage"), (torch("float32"), (2,), (1,), False))}


def cyclic():
    value = {"w": tensor(storage("0", 2), 0, (2,), (1,))}
    value["self"] = [value]
    return value


def seeds():
    checkpoint_data = [("0", 6, bytes(24)), ("1", 2, bytes(8)), ("2", 6, bytes(24))]
    others_data = [("0", 2, bytes(16)), ("1", 2, bytes(8)), ("2", 4, bytes(4)), ("3", 2, bytes(16)),
                   ("4", 2, bytes(16)), ("5", 4, bytes(4)), ("6", 1, bytes(4))]
    found = {f"checkpoint_{p}": file(checkpoint(), checkpoint_data, p) for p in (2, 3, 4, 5)}
    return found | {
        "module": file(module(), [("0", 4, bytes(16)), ("1", 2, bytes(16))]),
        "views": file(views(), [("a", 12, bytes(48)), ("b", 6, bytes(24)), ("c", 1, bytes(4)), ("d", 4, bytes(16)),
                                ("f", 0, b"")]),
        "others": file(others(), others_data),
        "cyclic": file(cyclic(), [("0", 2, bytes(8))]),
        "big_endian": file(checkpoint(), checkpoint_data, little_endian=False),
        "negative": file(tensor(storage("0", 2), 0, (-2,), (1,)), [("0", 2, bytes(8))]),
    }
