"""Products by light as functions of JAX, with gradients by the adjoint method; they work under ``jit``, ``grad`` and ``vmap``.

>>> import jax, numpy as np, phaseloom as pl, phaseloom.jax as pj
>>> jax.config.update("jax_enable_x64", True)
>>> layer = pl.Layer(pl.program(np.sin(np.arange(12.0).reshape(3, 4))), {"splitter_error": {"sigma_rad": 0.02}})
>>> multiply = pj.product(layer)
>>> y = jax.jit(multiply)(layer.parameters, np.ones((5, 4)))
>>> y.shape
(5, 3)

The functions are pure: noise follows from the argument ``first_vector``, so that another step passes another number. Without
``jax_enable_x64`` phases are rounded to single precision.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from . import _phaseloom as _p

__all__ = ["propagate", "product"]

_Array = Any


def _each(lead: tuple[int, ...]) -> Any:
    return itertools.product(*(range(size) for size in lead))


def _picked(array: _Array, at: tuple[int, ...]) -> _Array:
    """The part of an array at an index of leading axes, of which those of length 1 are shared."""
    return array[tuple(0 if size == 1 else k for size, k in zip(array.shape, at))]


def _over(function: Callable[..., tuple[_Array, ...]], shapes: list[Any], arrays: list[_Array], ranks: list[int]) -> Any:
    """Calls a function for every index of the axes that ``vmap`` put in front of its arguments."""
    axes = arrays[0].ndim - ranks[0]
    if axes == 0:
        results = function(*arrays)
        return tuple(np.asarray(r, s.dtype).reshape(s.shape) for r, s in zip(results, shapes))
    lead = np.broadcast_shapes(*(array.shape[:axes] for array in arrays))
    out = [np.empty((*lead, *shape.shape), shape.dtype) for shape in shapes]
    for at in _each(lead):
        for whole, part in zip(out, function(*(_picked(array, at) for array in arrays))):
            whole[at] = np.asarray(part, whole.dtype).reshape(whole[at].shape)
    return tuple(out)


def _call(function: Callable[..., tuple[_Array, ...]], shapes: list[Any], arrays: list[_Array]) -> Any:
    ranks = [array.ndim for array in arrays]
    return jax.pure_callback(
        lambda *given: _over(function, shapes, [np.asarray(one) for one in given], ranks),
        tuple(shapes),
        *arrays,
        vmap_method="expand_dims",
    )


def product(layer: _p.Layer) -> Callable[..., _Array]:
    """The product of a layer as a function of JAX.

    Parameters
    ----------
    layer : Layer
        Its chips at the time of a call are used: after ``layer.fabricate(trial)`` a compiled function computes on the new ones.

    Returns
    -------
    callable
        ``multiply(parameters, x, first_vector=0)`` with the parameters of the layer, ``x`` of shape (…, inputs), real, and the
        number of the first vector, which addresses its noise. The result has the shape (…, outputs).
    """
    rows, columns = layer.shape

    def forward(parameters: _Array, x: _Array, first: _Array) -> tuple[_Array]:
        y, _ = layer.record(parameters, x.reshape(-1, columns).T, int(first))
        return (y.T.reshape(*x.shape[:-1], rows),)

    def backward(parameters: _Array, x: _Array, first: _Array, gradient: _Array) -> tuple[_Array, _Array]:
        _, trace = layer.record(parameters, x.reshape(-1, columns).T, int(first))
        by_parameters, by_x = trace.gradient(gradient.reshape(-1, rows).T)
        assert by_parameters is not None and by_x is not None
        return by_parameters, by_x.T.reshape(x.shape)

    @jax.custom_vjp
    def multiply(parameters: _Array, x: _Array, first: _Array) -> _Array:
        shape = jax.ShapeDtypeStruct((*x.shape[:-1], rows), x.dtype)
        return _call(forward, [shape], [parameters, x, first])[0]

    def multiply_forward(parameters: _Array, x: _Array, first: _Array) -> Any:
        return multiply(parameters, x, first), (parameters, x, first)

    def multiply_backward(kept: Any, gradient: _Array) -> Any:
        parameters, x, first = kept
        shapes = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in (parameters, x)]
        by_parameters, by_x = _call(backward, shapes, [parameters, x, first, gradient])
        return by_parameters, by_x, None

    multiply.defvjp(multiply_forward, multiply_backward)

    def checked(parameters: _Array, x: _Array, first_vector: Any = 0) -> _Array:
        return multiply(*_floating(parameters, x), jnp.asarray(first_vector))

    return checked


def propagate(program: _p.Program, chip: _p.Chip | None = None) -> Callable[[_Array, _Array], _Array]:
    """Fields through the meshes of a chip as a function of JAX.

    Parameters
    ----------
    program : Program
    chip : Chip, optional
        The default has no errors.

    Returns
    -------
    callable
        ``send(phases, x)`` with the phases of the program (rad) and ``x`` of shape (…, inputs), real or complex. The result is
        complex, of shape (…, outputs). JAX counts gradients by complex numbers conjugated, ∂L/∂Re x − i·∂L/∂Im x.
    """
    rows, columns = program.shape
    own = _p.Process().fabricate(program) if chip is None else chip

    def passed(phases: _Array, x: _Array) -> _p.Pass:
        return own.record(program.with_phases(phases), x.reshape(-1, columns).T)

    def forward(phases: _Array, x: _Array) -> tuple[_Array]:
        return (passed(phases, x).output.T.reshape(*x.shape[:-1], rows),)

    def backward(phases: _Array, x: _Array, gradient: _Array) -> tuple[_Array, _Array]:
        found = passed(phases, x).gradient(np.conj(gradient).reshape(-1, rows).T)
        by_x = np.conj(found.inputs.T) if np.iscomplexobj(x) else found.inputs.T.real
        return found.phases, by_x.reshape(x.shape)

    @jax.custom_vjp
    def send(phases: _Array, x: _Array) -> _Array:
        shape = jax.ShapeDtypeStruct((*x.shape[:-1], rows), jnp.result_type(x.dtype, jnp.complex64))
        return _call(forward, [shape], [phases, x])[0]

    def send_forward(phases: _Array, x: _Array) -> Any:
        return send(phases, x), (phases, x)

    def send_backward(kept: Any, gradient: _Array) -> Any:
        phases, x = kept
        shapes = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in (phases, x)]
        return _call(backward, shapes, [phases, x, gradient])

    send.defvjp(send_forward, send_backward)
    return lambda phases, x: send(*_floating(phases, x))


def _floating(*arrays: _Array) -> list[_Array]:
    """Arrays of whole numbers as floating-point numbers."""
    given = [jnp.asarray(array) for array in arrays]
    return [a if jnp.issubdtype(a.dtype, jnp.inexact) else a.astype(jnp.result_type(float)) for a in given]
