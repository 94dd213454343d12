"""From a converted network to a graph of operations that deployment understands."""

from __future__ import annotations

import operator
from dataclasses import dataclass

from torch import fx, nn

from agnsim.errors import AgnsimError, ConversionError
from agnsim.nn.deploy.operations import Operation, Role, recognise
from agnsim.nn.layers import ApproxLayer, approx_layers
from agnsim.nn.modes import evaluating

_MULTIPLYING = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear, nn.Bilinear, nn.modules.conv._ConvTransposeNd)


@dataclass(frozen=True)
class Traced:
    """A network as a graph.

    Attributes:
        graph: Its nodes in the order of execution, without those that do nothing.
        operations: What each of them is.
    """

    graph: fx.Graph
    operations: dict[fx.Node, Operation]

    def tensors(self, node: fx.Node) -> list[fx.Node]:
        """Return the tensors a node reads, sizes left out."""
        return [n for n in node.all_input_nodes if self.operations[n].role is not Role.NUMBER]


def trace(model: nn.Module) -> Traced:
    """Return the graph of a converted network in evaluation.

    Raises:
        ConversionError: It can't be followed, a layer multiplies in float, or an operation has no integer form.
    """
    layers = approx_layers(model)
    if not layers:
        raise ConversionError("nothing to deploy: the network has no converted layer; use agnsim.convert first.")
    for name, layer in layers.items():
        if layer.arithmetic.kind not in ("quantized", "emulated"):
            raise ConversionError(
                f"layer {name!r} has {layer.arithmetic.kind} arithmetic, which is no integer arithmetic; use "
                "agnsim.nn.assign or agnsim.nn.restore_quantized first."
            )
    _check_no_float_layer(model)
    graph = _traced(model)
    modules = dict(model.named_modules())
    _remove_unread(graph, modules)
    operations = _understood(graph, modules)
    if sum(operation.role is Role.INPUT for operation in operations.values()) != 1:
        raise ConversionError("the network takes more than one input; deployment follows networks of one tensor.")
    for node in list(graph.nodes):
        if operations[node].role is Role.SKIP:
            node.replace_all_uses_with(node.all_input_nodes[0])
            graph.erase_node(node)
            del operations[node]
    _check_output(graph, operations)
    return Traced(graph, operations)


class _Tracer(fx.Tracer):
    """Converted layers are leaves, like PyTorch's own."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, ApproxLayer) or super().is_leaf_module(m, module_qualified_name)


def _traced(model: nn.Module) -> fx.Graph:
    try:
        with evaluating(model):
            return _Tracer().trace(model)
    except AgnsimError:
        raise
    except Exception as error:  # tracing runs the network's own code on stand-ins, and that fails in any way
        raise ConversionError(
            f"the network can't be traced by torch.fx ({type(error).__name__}: {error}), so deployment can't follow "
            "it. Its forward must not branch on tensor values or sizes."
        ) from error


def _check_no_float_layer(model: nn.Module) -> None:
    left = [n for n, m in model.named_modules() if isinstance(m, _MULTIPLYING) and not isinstance(m, ApproxLayer)]
    if left:
        raise ConversionError(
            f"layers left in float: {', '.join(map(repr, left))}. A deployed network has none: convert them too "
            "(quantization.exclude, first_layer, last_layer: 'exact' keeps 8-bit integers with exact products)."
        )


def _remove_unread(graph: fx.Graph, modules: dict[str, nn.Module]) -> None:
    for node in reversed(list(graph.nodes)):
        if not node.users and node.op.startswith(("call_", "get_attr")) and not _is_in_place(node, modules):
            graph.erase_node(node)


def _understood(graph: fx.Graph, modules: dict[str, nn.Module]) -> dict[fx.Node, Operation]:
    operations: dict[fx.Node, Operation] = {}
    numbers: set[fx.Node] = set()
    position = {node: index for index, node in enumerate(graph.nodes)}
    for node in graph.nodes:
        try:
            operation = recognise(node, modules, numbers)
        except ConversionError as error:
            raise ConversionError(f"{_place(node, modules)}: {error}") from error
        if operation is None:
            raise ConversionError(
                f"{_place(node, modules)}: deployment has no integer form of it. It follows convolutions, linear "
                "layers, batch norm, ReLU and clamp, additions, padding, slices, concatenation, pooling, means and "
                "reshapes; write the network with these, or evaluate its training graph."
            )
        if operation.role is Role.NUMBER:
            numbers.add(node)
        elif _is_in_place(node, modules) and any(
            position[user] > position[node]
            for alias in _aliases(node.all_input_nodes[0], operations)
            for user in alias.users
        ):
            raise ConversionError(
                f"{_place(node, modules)}: it changes its input in place, which is read again later, itself or through "
                "a view; make it not in place."
            )
        operations[node] = operation
    return operations


def _aliases(node: fx.Node, operations: dict[fx.Node, Operation]) -> set[fx.Node]:
    """Return the nodes before this point that may share a tensor's memory: views, and views of them."""

    def is_view(other: fx.Node) -> bool:
        operation = operations.get(other)
        return operation is not None and operation.role in (Role.MOVE, Role.SKIP) and operation.step is None

    root = node
    while is_view(root):
        root = root.all_input_nodes[0]
    found, new = {root}, [root]
    while new:
        views = [user for user in new.pop().users if user not in found and is_view(user)]
        found.update(views)
        new += views
    return found


def _is_in_place(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    if node.op == "call_module":
        return bool(getattr(modules[str(node.target)], "inplace", False))
    name = str(node.target) if node.op == "call_method" else getattr(node.target, "__name__", "")
    in_place = node.target is operator.iadd or (name.endswith("_") and not name.endswith("__"))
    return in_place or bool(node.kwargs.get("inplace", False))


def _place(node: fx.Node, modules: dict[str, nn.Module]) -> str:
    """Return where in the network a node is, for messages."""
    if node.op == "call_module":
        return f"module {str(node.target)!r} ({type(modules[str(node.target)]).__name__})"
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    path = next((str(entry[0]) for entry in reversed(stack) if entry[0]), "")
    what = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))
    return f"operation {what!r} (node {node.name!r}" + (f" in module {path!r})" if path else " of the network)")


def _check_output(graph: fx.Graph, operations: dict[fx.Node, Operation]) -> None:
    result = graph.output_node().args[0]
    if not isinstance(result, fx.Node) or operations[result].role is Role.NUMBER:
        raise ConversionError(
            f"the network returns {type(result).__name__}, not one tensor; deployment follows networks of one output."
        )
