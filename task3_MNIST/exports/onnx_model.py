"""ONNX: one file with the network and its weights, which onnxruntime and many other tools run."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

OPSET = 26  # the newest that onnxruntime 1.30 supports officially
EXPORTED = 23  # the newest that PyTorch 2.14 writes; onnx raises it
OUTPUT = "logits"


def to_bytes(model: nn.Module, example: Tensor, metadata: Mapping[str, str]) -> bytes:
    """Return a model as an ONNX file that takes any number of images.

    Args:
        model: in evaluation mode, on the CPU.
        example: at least two of its inputs.
        metadata: written into the file; its `input` names the input.
    """
    import onnx.version_converter

    program = torch.onnx.export(
        model,
        (example,),
        dynamo=True,
        opset_version=EXPORTED,
        input_names=[metadata["input"]],
        output_names=[OUTPUT],
        dynamic_shapes=({0: "batch"},),
        verbose=False,
    )
    proto = onnx.version_converter.convert_version(program.model_proto, OPSET)
    for part in (
        *proto.graph.node,
        *proto.graph.value_info,
        *proto.graph.input,
        *proto.graph.output,
    ):
        del part.metadata_props[:]  # where in which file of this machine each part was made
    onnx.helper.set_model_props(proto, dict(metadata))
    onnx.checker.check_model(proto, full_check=True)
    return proto.SerializeToString(deterministic=True)


def from_bytes(content: bytes, _: nn.Module) -> Callable[[Tensor], Tensor]:
    """Return what gives the logits (B, classes) of inputs (B, 1, 28, 28), by onnxruntime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    [taken] = session.get_inputs()

    def logits(images: Tensor) -> Tensor:
        return torch.from_numpy(session.run([OUTPUT], {taken.name: images.numpy()})[0])

    return logits
