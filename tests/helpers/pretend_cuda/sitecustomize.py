"""A pretended CUDA device, for machines without one: on PYTHONPATH it is there when torch is.

Whatever is made on "cuda" or moved there is computed on the CPU, but refuses what a real device
refuses: to become a NumPy array by itself, and to meet a tensor of the CPU. It refuses float64
too, as MPS does. A tensor is on the device if its storage is registered, so views, gradients and
assignments to `.data` need no care. Python starts with this file in worker processes too.
"""

import importlib.abc
import importlib.util
import sys


class WhenTorchIsImported(importlib.abc.MetaPathFinder):
    """Call `pretend` right after the first import of torch."""

    def find_spec(self, name, path, target=None):
        """Return torch's own spec, with a loader that does more; None for all else."""
        if name != "torch":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        load = spec.loader.exec_module

        def load_and_pretend(module):
            load(module)
            pretend()

        spec.loader.exec_module = load_and_pretend
        return spec


def pretend():
    """Make torch believe in a CUDA device, in this thread."""
    import torch
    from torch.multiprocessing.reductions import StorageWeakRef
    from torch.overrides import TorchFunctionMode

    cuda = torch.device("cuda", 0)
    # by the address of a storage, which the weak reference keeps from being used again
    registered = {}

    def parts(values):
        """Yield what is in nested lists, tuples and dicts."""
        for value in values:
            if isinstance(value, list | tuple):
                yield from parts(value)
            elif isinstance(value, dict):
                yield from parts(value.values())
            else:
                yield value

    def on_device(value):
        return value.untyped_storage()._cdata in registered

    def register(value):
        reference = StorageWeakRef(value.untyped_storage())
        registered[reference.cdata] = reference

    def names_cuda(value):
        if isinstance(value, torch.device):
            return value.type == "cuda"
        return isinstance(value, str) and value.split(":")[0] == "cuda"

    def to_cpu(value):
        return torch.device("cpu") if names_cuda(value) else value

    tensor = torch.Tensor
    refused = (tensor.numpy, tensor.__array__)
    leaves_device = (tensor.cpu, tensor.tolist, tensor.item)
    # a device's name is no device; Module.to reads its arguments, then moves each tensor
    passed_through = (torch.device, torch._C._nn._parse_to)
    # a real device takes indices of the CPU, and copies from it
    mixes = (
        *(tensor.__getitem__, tensor.__setitem__, tensor.copy_, tensor.to),
        *(tensor.data.__set__, torch._has_compatible_shallow_copy_type),
    )
    device_of, is_cuda_of = tensor.device.__get__, tensor.is_cuda.__get__

    class Pretend(TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            kwargs = kwargs or {}
            if function in passed_through:
                return function(*args, **kwargs)
            values = list(parts((args, kwargs)))
            tensors = [value for value in values if isinstance(value, tensor)]
            there = [value for value in tensors if on_device(value)]
            asked = any(names_cuda(value) for value in values)
            if function == device_of and there:
                return cuda
            if function == is_cuda_of:
                return bool(there)
            if function in refused and there:
                raise TypeError("can't convert cuda:0 device type tensor to numpy: use .cpu()")
            if not there and not asked:
                return function(*args, **kwargs)
            elsewhere = any(value.dim() and not on_device(value) for value in tensors)
            if there and elsewhere and function not in mixes:
                raise RuntimeError(f"{function} got tensors on cuda:0 and cpu")
            moves = function in (tensor.cpu, tensor.to)
            if moves:  # to a copy, as between real devices
                args = (args[0].clone(), *args[1:])
            result = function(*map(to_cpu, args), **{k: to_cpu(v) for k, v in kwargs.items()})
            back = function is tensor.to and not asked and "cpu" in map(str, values)
            if function in leaves_device or back:
                return result
            for part in parts((result,)):
                if isinstance(part, tensor):
                    if part.dtype == torch.float64:
                        raise TypeError("this device has no float64, as MPS has none")
                    register(part)
            return result

    torch.cuda.is_available = lambda: True
    torch.cuda.get_device_name = lambda device=None: "Pretended GPU"
    torch.cuda.is_bf16_supported = lambda including_emulation=True: True
    torch.optim.Optimizer._accelerator_graph_capture_health_check = lambda self: None
    Pretend().__enter__()


sys.meta_path.insert(0, WhenTorchIsImported())
