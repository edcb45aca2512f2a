"""Layers of PyTorch that multiply by light.

>>> import torch, phaseloom as pl, phaseloom.torch as pt
>>> model = torch.nn.Sequential(torch.nn.Linear(8, 6), torch.nn.ReLU(), torch.nn.Linear(6, 3))
>>> photonic = pt.to_photonic(model, pl.Core(8), pl.Process.preset("thermo-optic-silicon"))
>>> photonic(torch.randn(5, 8)).shape
torch.Size([5, 3])

A layer holds phases, or weights that are programmed at every step. Gradients by phases and inputs come from the adjoint method, as
those of ``phaseloom train`` do. Biases and activations are electronic. Every vector has noise of its own, if the link has noise.
"""

from __future__ import annotations

import copy
import fnmatch
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from . import _phaseloom as _p
from ._functions import program as _program
from .errors import ArrayError

__all__ = ["Conv1d", "Conv2d", "Linear", "Mesh", "Photonic", "fabricate", "photonic_layers", "to_photonic"]


def _numpy(tensor: Tensor) -> np.ndarray[Any, Any]:
    return tensor.detach().resolve_conj().resolve_neg().cpu().numpy()


def _like(array: np.ndarray[Any, Any], tensor: Tensor) -> Tensor:
    """An array as a tensor on the device of another one, in its precision."""
    return torch.from_numpy(array).to(device=tensor.device, dtype=tensor.dtype)


class _ByPhases(torch.autograd.Function):
    """``x`` (vectors × inputs) times the weights that the phases of a layer realise on its chips."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, phases: Tensor, layer: _p.Layer) -> Tensor:
        y, ctx.trace = layer.record(_numpy(phases), _numpy(x).T)
        ctx.save_for_backward(x, phases)
        return _like(y.T, x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, phases = ctx.saved_tensors
        needs_x, needs_phases, _ = ctx.needs_input_grad
        by_phases, by_x = ctx.trace.gradient(_numpy(gradient).T, parameters=needs_phases, inputs=needs_x)
        return (
            None if by_x is None else _like(by_x.T, x),
            None if by_phases is None else _like(by_phases, phases),
            None,
        )


class _ByWeights(torch.autograd.Function):
    """The same for weights that were programmed on a layer: the gradient by the weights is that of ideal hardware."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, layer: _p.Layer) -> Tensor:
        y, ctx.trace = layer.record(layer.parameters, _numpy(x).T)
        ctx.save_for_backward(x, weight)
        return _like(y.T, x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        needs_x, needs_weight, _ = ctx.needs_input_grad
        by_x = ctx.trace.gradient(_numpy(gradient).T, parameters=False)[1] if needs_x else None
        by_weight = (gradient.T @ x).to(weight.dtype) if needs_weight else None
        return None if by_x is None else _like(by_x.T, x), by_weight, None


class _ByChip(torch.autograd.Function):
    """``x`` (vectors × modes, complex) through the meshes of a chip, without detection."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, phases: Tensor, program: _p.Program, chip: _p.Chip) -> Tensor:
        ctx.light = chip.record(program.with_phases(_numpy(phases)), _numpy(x).T)
        ctx.save_for_backward(x, phases)
        kind = torch.complex64 if x.dtype in (torch.float32, torch.complex64) else torch.complex128
        return torch.from_numpy(ctx.light.output.T).to(device=x.device, dtype=kind)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, phases = ctx.saved_tensors
        found = ctx.light.gradient(_numpy(gradient).T)
        by_x = found.inputs.T if x.is_complex() else np.ascontiguousarray(found.inputs.T.real)
        return _like(by_x, x), _like(found.phases, phases), None, None


class Photonic(nn.Module):
    """A matrix on chips: what :class:`Linear`, :class:`Conv1d` and :class:`Conv2d` share.

    Parameters
    ----------
    weight : Tensor or array_like
        Outputs × inputs.
    bias : Tensor, array_like or None
        One number for each output; it is electronic.
    core : Core, optional
        The default has 64 ports, or as many as a smaller matrix needs.
    process : Process or dict, optional
    link : Link or dict, optional
    hold : {"phases", "weights"}
        The parameter of the layer: ``phases``, which are the phases (rad) of all cores with the logarithms of their gains; or
        ``weight``, which is programmed again after every change, with the gradient of ideal hardware ("straight through").
    seed, trial, index, first_core : int
        The address of the chips, see :class:`phaseloom.Layer`.

    Raises
    ------
    phaseloom.Error
        Weights that are not finite, a core, process or link that does not fit.
    """

    def __init__(
        self,
        weight: Any,
        bias: Any = None,
        core: _p.Core | None = None,
        process: Any = None,
        link: Any = None,
        *,
        hold: str = "phases",
        seed: int = 1,
        trial: int = 0,
        index: int = 0,
        first_core: int = 0,
    ) -> None:
        super().__init__()
        if hold not in ("phases", "weights"):
            raise ArrayError(f'hold: found {hold!r}, expected "phases" or "weights"')
        start = torch.as_tensor(weight).detach()
        self._core, self._process, self._link = core, process, link
        self._address: dict[str, Any] = {"seed": seed, "layer": index, "first_core": first_core}
        self._trial = trial
        self._layer = self._programmed(start)
        self._programmed_version: int | None = None
        if hold == "phases":
            self.phases = nn.Parameter(torch.from_numpy(self._layer.parameters).to(start.device))
            self.register_parameter("weight", None)
        else:
            self.weight = nn.Parameter(start.clone())
            self.register_parameter("phases", None)
        self.bias = None if bias is None else nn.Parameter(torch.as_tensor(bias).detach().clone())

    def _programmed(self, weight: Tensor) -> _p.Layer:
        array = _numpy(weight).astype(np.float64)
        program = _program(array) if self._core is None else self._core.program(array)
        return _p.Layer(program, self._process, self._link, trial=self._trial, **self._address)

    def multiply(self, x: Tensor) -> Tensor:
        """Multiplies vectors (vectors × inputs) by the realised weights, without the bias."""
        if self.phases is not None:
            return _ByPhases.apply(x, self.phases, self._layer)  # type: ignore[no-any-return]
        assert self.weight is not None
        if self._programmed_version != self.weight._version:
            self._layer, self._programmed_version = self._programmed(self.weight), self.weight._version
        return _ByWeights.apply(x, self.weight, self._layer)  # type: ignore[no-any-return]

    @property
    def core_count(self) -> int:
        """Number of cores, tiles of zeros included."""
        core = self._core
        rows, columns = self._layer.shape
        side = min(64, max(rows, columns)) if core is None else core.ports
        used = side - 1 if core is not None and core.detection == "offset" else side
        return -(-rows // side) * -(-columns // used)

    @property
    def trial(self) -> int:
        """The trial of the present chips."""
        return self._trial

    def fabricate(self, trial: int) -> None:
        """Fabricates the chips of another trial, on which the layer computes from now on."""
        self._trial = trial
        self._layer.fabricate(trial)

    def ideal_weight(self) -> Tensor:
        """The weights that chips without errors realise (outputs × inputs), without a gradient."""
        if self.phases is not None:
            return _like(np.ascontiguousarray(self._layer.weight(_numpy(self.phases))), self.phases)
        assert self.weight is not None
        return self.weight.detach().clone()

    def get_extra_state(self) -> Any:
        return {"trial": self._trial}

    def set_extra_state(self, state: Any) -> None:
        self._programmed_version = None
        self.fabricate(int(state["trial"]))

    def extra_repr(self) -> str:
        rows, columns = self._layer.shape
        held = "weights" if self.phases is None else f"{self.phases.numel()} phases"
        return f"{columns}, {rows}, bias={self.bias is not None}, {held}"


class Linear(Photonic):
    """``y = x Wᵀ + b``, multiplied by light; the shapes are those of ``torch.nn.Linear``. See :class:`Photonic`."""

    def forward(self, x: Tensor) -> Tensor:
        y = self.multiply(x.reshape(-1, x.shape[-1])).reshape(*x.shape[:-1], self._layer.shape[0])
        return y if self.bias is None else y + self.bias.to(y.dtype)


class Conv2d(Photonic):
    """A two-dimensional convolution whose patches are multiplied by light; the shapes are those of ``torch.nn.Conv2d``.

    Parameters
    ----------
    weight : Tensor
        Output channels × input channels × height × width.
    bias : Tensor or None
    stride, padding, dilation : int or pair of int
    **photonic
        Those of :class:`Photonic`: ``core``, ``process``, ``link``, ``hold``, …
    """

    def __init__(
        self, weight: Any, bias: Any = None, *, stride: Any = 1, padding: Any = 0, dilation: Any = 1, **photonic: Any
    ) -> None:
        weight = torch.as_tensor(weight)
        if weight.ndim != 4:
            raise ArrayError(f"weight: found {weight.ndim} dimensions, expected four")
        super().__init__(weight.reshape(weight.shape[0], -1), bias, **photonic)
        self._kernel = (int(weight.shape[2]), int(weight.shape[3]))
        self._stride, self._dilation = _pair(stride), _pair(dilation)
        self._padding = _padding(padding, self._kernel, self._dilation)

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim == 3:
            return self.forward(x.unsqueeze(0)).squeeze(0)
        top, bottom, left, right = self._padding
        x = nn.functional.pad(x, (left, right, top, bottom))
        patches = nn.functional.unfold(x, self._kernel, dilation=self._dilation, stride=self._stride)
        samples, size, places = patches.shape
        y = self.multiply(patches.transpose(1, 2).reshape(samples * places, size))
        if self.bias is not None:
            y = y + self.bias.to(y.dtype)
        sides = [
            (x.shape[2 + k] - self._dilation[k] * (self._kernel[k] - 1) - 1) // self._stride[k] + 1 for k in range(2)
        ]
        return y.reshape(samples, places, -1).transpose(1, 2).reshape(samples, -1, *sides)


class Conv1d(Photonic):
    """A one-dimensional convolution, as :class:`Conv2d`; the weight is output channels × input channels × width."""

    def __init__(
        self, weight: Any, bias: Any = None, *, stride: Any = 1, padding: Any = 0, dilation: Any = 1, **photonic: Any
    ) -> None:
        weight = torch.as_tensor(weight)
        if weight.ndim != 3:
            raise ArrayError(f"weight: found {weight.ndim} dimensions, expected three")
        super().__init__(weight.reshape(weight.shape[0], -1), bias, **photonic)
        self._width = int(weight.shape[2])
        self._stride, self._dilation = _single(stride), _single(dilation)
        self._padding = _padding(
            padding if isinstance(padding, str) else (0, _single(padding)), (1, self._width), (1, self._dilation)
        )

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim == 2:
            return self.forward(x.unsqueeze(0)).squeeze(0)
        x = nn.functional.pad(x, self._padding[2:]).unsqueeze(2)
        patches = nn.functional.unfold(x, (1, self._width), dilation=(1, self._dilation), stride=(1, self._stride))
        samples, size, places = patches.shape
        y = self.multiply(patches.transpose(1, 2).reshape(samples * places, size))
        if self.bias is not None:
            y = y + self.bias.to(y.dtype)
        return y.reshape(samples, places, -1).transpose(1, 2)


def _single(value: Any) -> int:
    return int(value[0] if isinstance(value, (tuple, list)) else value)


def _pair(value: Any) -> tuple[int, int]:
    return (int(value[0]), int(value[1])) if isinstance(value, (tuple, list)) else (int(value), int(value))


def _padding(value: Any, kernel: tuple[int, int], dilation: tuple[int, int]) -> tuple[int, int, int, int]:
    """Zeros above, below, left and right."""
    if value == "valid":
        return 0, 0, 0, 0
    if value == "same":
        totals = [dilation[k] * (kernel[k] - 1) for k in range(2)]
        return totals[0] // 2, totals[0] - totals[0] // 2, totals[1] // 2, totals[1] - totals[1] // 2
    if isinstance(value, str):
        raise ArrayError(f'padding: found {value!r}, expected numbers, "same" or "valid"')
    vertical, horizontal = _pair(value)
    return vertical, vertical, horizontal, horizontal


class Mesh(nn.Module):
    """Complex fields through the meshes of a chip, without detection; the phases are parameters.

    Parameters
    ----------
    program : Program
        Its phases are the first ones.
    chip : Chip, optional
        The default has no errors.

    Examples
    --------
    >>> import torch, phaseloom as pl, phaseloom.torch as pt
    >>> mesh = pt.Mesh(pl.program(pl.haar_unitary(4)))
    >>> y = mesh(torch.ones(3, 4, dtype=torch.complex128))
    >>> y.abs().square().sum().backward()
    >>> mesh.phases.grad.shape
    torch.Size([16])
    """

    def __init__(self, program: _p.Program, chip: _p.Chip | None = None) -> None:
        super().__init__()
        self._program = program
        self._chip = _p.Process().fabricate(program) if chip is None else chip
        self.phases = nn.Parameter(torch.from_numpy(program.phases))

    def forward(self, x: Tensor) -> Tensor:
        """Fields at the outputs (vectors × outputs, complex) for fields at the inputs (vectors × inputs)."""
        y = _ByChip.apply(x.reshape(-1, x.shape[-1]), self.phases, self._program, self._chip)
        return y.reshape(*x.shape[:-1], y.shape[-1])  # type: ignore[no-any-return]

    def program(self) -> _p.Program:
        """The program of the present phases."""
        return self._program.with_phases(_numpy(self.phases))


def to_photonic(
    model: nn.Module,
    core: _p.Core | None = None,
    process: Any = None,
    link: Any = None,
    *,
    pattern: str | Iterable[str] = "*",
    hold: str = "phases",
    seed: int = 1,
    trial: int = 0,
    example: Any = None,
) -> nn.Module:
    """A copy of a model whose linear and convolutional layers multiply by light.

    Parameters
    ----------
    model : torch.nn.Module
        Layers ``Linear``, ``Conv1d`` and ``Conv2d`` of one group and zero padding are replaced.
    core : Core, optional
    process : Process or dict, optional
    link : Link or dict, optional
        Of the detection of the core.
    pattern : str or iterable of str
        Names of the layers, with the wildcards ``*`` and ``?``, such as ``"encoder.*"``.
    hold : {"phases", "weights"}
        See :class:`Photonic`.
    seed, trial : int
        The chips are those of a run of this seed, trial by trial.
    example : Tensor or tuple, optional
        Arguments of one call of the model. Each layer then takes the largest input of this call as the input scale of its
        modulators. Without it all layers have the scale of the core.

    Returns
    -------
    torch.nn.Module

    Raises
    ------
    phaseloom.Error
        No layer has such a name, or one cannot be replaced.
    """
    patterns = [pattern] if isinstance(pattern, str) else list(pattern)
    kinds = (nn.Linear, nn.Conv1d, nn.Conv2d)
    named = dict(model.named_modules(remove_duplicate=False))
    names = [n for n, m in named.items() if isinstance(m, kinds) and any(fnmatch.fnmatch(n, p) for p in patterns)]
    if not names:
        known = ", ".join(n for n, m in named.items() if isinstance(m, kinds)) or "no such layer"
        raise ArrayError(f"pattern: {patterns} found no layer, expected one of {known}")
    scales = {} if example is None else _largest_inputs(model, names, example)
    photonic = copy.deepcopy(model)
    first_core = 0
    replaced: dict[nn.Module, Photonic] = {}  # a layer with several names stays one layer
    for name in names:
        parent, _, last = name.rpartition(".")
        if named[name] in replaced:
            setattr(photonic.get_submodule(parent), last, replaced[named[name]])
            continue
        own = core
        if name in scales:
            own = _scaled(core, named[name], scales[name])
        made = _replacement(
            photonic.get_submodule(name),
            name,
            core=own,
            process=process,
            link=link,
            hold=hold,
            seed=seed,
            trial=trial,
            index=len(replaced),
            first_core=first_core,
        )
        first_core += made.core_count
        if not name:
            return made
        replaced[named[name]] = made
        setattr(photonic.get_submodule(parent), last, made)
    return photonic


def _replacement(old: nn.Module, name: str, **photonic: Any) -> Photonic:
    if isinstance(old, nn.Linear):
        return Linear(old.weight, old.bias, **photonic)
    assert isinstance(old, (nn.Conv1d, nn.Conv2d))
    if old.groups != 1 or old.padding_mode != "zeros":
        found = f"groups={old.groups}, padding_mode={old.padding_mode!r}"
        raise ArrayError(f"{name}: found {found}, expected one group and zero padding; leave it out by `pattern`")
    kind = Conv1d if isinstance(old, nn.Conv1d) else Conv2d
    return kind(old.weight, old.bias, stride=old.stride, padding=old.padding, dilation=old.dilation, **photonic)


def _largest_inputs(model: nn.Module, names: list[str], example: Any) -> dict[str, float]:
    largest: dict[str, float] = {}

    def hook(name: str) -> Any:
        def keep(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            largest[name] = max(largest.get(name, 0.0), float(inputs[0].detach().abs().max()))

        return keep

    handles = [model.get_submodule(name).register_forward_pre_hook(hook(name)) for name in names]
    try:
        with torch.no_grad():
            model(*(example if isinstance(example, tuple) else (example,)))
    finally:
        for handle in handles:
            handle.remove()
    return {name: scale for name, scale in largest.items() if scale > 0.0}


def _scaled(core: _p.Core | None, old: nn.Module, scale: float) -> _p.Core:
    if core is None:
        weight = old.weight
        assert isinstance(weight, Tensor)
        core = _p.Core(min(64, max(weight.shape[0], weight[0].numel())))
    return _p.Core(
        core.ports, topology=core.topology, cell=core.cell, detection=core.detection, input_scale=scale
    )


def photonic_layers(model: nn.Module) -> Iterator[Photonic]:
    """The photonic layers of a model, in its order."""
    return (module for module in model.modules() if isinstance(module, Photonic))


def fabricate(model: nn.Module, trial: int) -> None:
    """Puts all photonic layers of a model on the chips of a trial.

    Training that fabricates new chips for every batch gives phases that work on the whole population of chips:
    ``fabricate(model, trial=step)`` before each step.
    """
    for layer in photonic_layers(model):
        layer.fabricate(trial)
