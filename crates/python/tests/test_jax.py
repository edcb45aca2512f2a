"""Functions of JAX: gradients, jit, vmap, noise."""

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="SKIPPED: jax is not installed, so its functions are not tested")

import phaseloom as pl
import phaseloom.jax as pj

jax.config.update("jax_enable_x64", True)
import jax.test_util  # noqa: E402

jnp = jax.numpy
PROCESS = {"splitter_error": {"sigma_rad": 0.02}, "phase_error": {"sigma_rad": 0.05}}


def layer(link=None, rows=5, columns=3):
    weight = np.random.default_rng(0).normal(size=(rows, columns))
    return pl.Layer(pl.Core(4).program(weight), PROCESS, link)


def test_gradients_of_a_product_are_those_of_finite_differences():
    multiply = pj.product(made := layer())
    x = np.random.default_rng(1).normal(size=(2, 3))
    jax.test_util.check_grads(
        lambda p, x: multiply(p, x), (jnp.asarray(made.parameters), jnp.asarray(x)), order=1, modes=["rev"], rtol=1e-6
    )


@pytest.mark.parametrize("is_complex", [False, True])
def test_gradients_of_fields_are_those_of_finite_differences(is_complex):
    program = pl.program(pl.haar_unitary(4, seed=3))
    send = pj.propagate(program, pl.Process(**PROCESS).fabricate(program, seed=2))
    x = np.random.default_rng(1).normal(size=(2, 4, 2)) @ [1, 1j if is_complex else 0]
    x = jnp.asarray(x if is_complex else x.real)
    jax.test_util.check_grads(send, (jnp.asarray(program.phases), x), order=1, modes=["rev"], rtol=1e-6)


def test_jit_and_vmap_compute_the_same():
    made = layer()
    multiply, p = pj.product(made), jnp.asarray(made.parameters)
    x = jnp.asarray(np.random.default_rng(1).normal(size=(4, 3)))
    y = multiply(p, x)
    assert y.shape == (4, 5)
    assert jnp.allclose(y, made.record(made.parameters, np.asarray(x).T)[0].T)
    assert jnp.allclose(jax.jit(multiply)(p, x), y)
    assert jnp.allclose(jax.vmap(multiply, (None, 0))(p, x), y)

    def loss(p, x):
        return (multiply(p, x) ** 2).sum()

    whole = jax.grad(loss)(p, x)
    of_each = jax.jit(jax.vmap(jax.grad(loss), (None, 0)))(p, x)
    assert jnp.allclose(of_each.sum(0), whole)
    several = jnp.stack([p, p + 0.1])
    of_both = jax.vmap(multiply, (0, None))(several, x)
    assert jnp.allclose(of_both[1], multiply(p + 0.1, x))
    assert not jnp.allclose(of_both[0], of_both[1])


def test_noise_follows_from_the_number_of_the_vector():
    made = layer(pl.Link(laser_power_w=1e-4, shot_noise=True))
    multiply, p = pj.product(made), made.parameters
    x = np.full((2, 3), 0.5)
    assert jnp.array_equal(multiply(p, x, 7), multiply(p, x, 7))
    assert not jnp.array_equal(multiply(p, x, 7), multiply(p, x, 9))


def test_a_short_training_lowers_the_loss():
    made = layer()
    multiply, x = pj.product(made), np.random.default_rng(1).normal(size=(20, 3))
    target = x @ np.random.default_rng(0).normal(size=(5, 3)).T

    @jax.jit
    def step(p):
        value, slope = jax.value_and_grad(lambda p: ((multiply(p, x) - target) ** 2).mean())(p)
        return p - 0.05 * slope, value

    p, losses = jnp.asarray(made.parameters), []
    for _ in range(60):
        p, value = step(p)
        losses.append(float(value))
    assert losses[-1] < 0.2 * losses[0]
