"""Layers of PyTorch: gradients, replacement of layers, state dicts, training on a population of chips."""

import copy
import io
import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="SKIPPED: torch is not installed, so its layers are not tested")

import phaseloom as pl
import phaseloom.torch as pt

PROCESS = {"splitter_error": {"sigma_rad": 0.02}, "phase_error": {"sigma_rad": 0.05}, "insertion_loss": {"loss_db": 0.1}}
NOISE = pl.Link(laser_power_w=1e-3, shot_noise=True)
torch.manual_seed(1)


def weight(rows, columns, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, columns)) / np.sqrt(columns)


def test_gradients_of_phases_weights_and_inputs_are_those_of_finite_differences():
    x = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)
    layer = pt.Linear(weight(7, 5), core=pl.Core(4), process=PROCESS)
    phases = layer.phases.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x, p: pt._ByPhases.apply(x, p, layer._layer), (x, phases))
    held = pt.Linear(weight(7, 5), core=pl.Core(4), process=PROCESS, hold="weights")
    assert torch.autograd.gradcheck(lambda x: pt._ByWeights.apply(x, held.weight, held._layer), (x,))
    held(x).sum().backward()
    assert torch.allclose(held.weight.grad, x.detach().sum(0).expand(7, 5))


@pytest.mark.parametrize("kind", [torch.float64, torch.complex128])
def test_gradients_of_a_mesh_are_those_of_finite_differences(kind):
    program = pl.program(pl.haar_unitary(4, seed=3))
    mesh = pt.Mesh(program, pl.Process(**PROCESS).fabricate(program, seed=2))
    x = torch.randn(2, 4, dtype=kind, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda x, p: pt._ByChip.apply(x, p, program, mesh._chip), (x, mesh.phases.detach().requires_grad_())
    )


def test_a_layer_without_errors_is_that_of_torch():
    x = torch.randn(2, 3, 6)
    exact = torch.nn.Linear(6, 4)
    assert torch.allclose(pt.to_photonic(exact)(x), exact(x), atol=1e-6)
    pictures = torch.randn(2, 3, 9, 8, dtype=torch.float64)
    for options in [{}, {"stride": 2, "padding": (1, 2)}, {"dilation": 2, "bias": False}, {"padding": "same"}]:
        conv = torch.nn.Conv2d(3, 5, (3, 2), **options).double()
        assert torch.allclose(pt.to_photonic(conv, pl.Core(8))(pictures), conv(pictures), atol=1e-10), options
    signals = torch.randn(2, 3, 11, dtype=torch.float64)
    for options in [{}, {"stride": 2, "padding": 1}, {"dilation": 2}, {"padding": "same"}]:
        conv = torch.nn.Conv1d(3, 5, 3, **options).double()
        assert torch.allclose(pt.to_photonic(conv)(signals), conv(signals), atol=1e-10), options


def model():
    torch.manual_seed(2)
    return torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))


def test_layers_are_replaced_by_pattern():
    photonic = pt.to_photonic(model(), pl.Core(4), PROCESS, pattern="2")
    assert [type(layer) for layer in photonic] == [torch.nn.Linear, torch.nn.ReLU, pt.Linear]
    with pytest.raises(pl.ArrayError, match="expected one of 0, 2"):
        pt.to_photonic(model(), pattern="encoder.*")
    with pytest.raises(pl.ArrayError, match="groups=2"):
        pt.to_photonic(torch.nn.Conv2d(2, 2, 3, groups=2))
    with pytest.raises(pl.ArrayError, match="hold"):
        pt.to_photonic(model(), hold="light")


def test_a_layer_with_two_names_stays_one():
    shared = torch.nn.Linear(4, 4)
    photonic = pt.to_photonic(torch.nn.Sequential(shared, torch.nn.ReLU(), shared))
    assert photonic[0] is photonic[2] and isinstance(photonic[0], pt.Linear)


def test_an_example_sets_the_scales_of_the_modulators():
    x = 5 * torch.randn(100, 6)
    link = {"laser_power_w": 1.0, "shot_noise": True}
    exact = model()
    errors = [
        (pt.to_photonic(exact, pl.Core(8), None, link, example=example)(x) - exact(x)).abs().max()
        for example in (None, x)
    ]
    assert errors[1] < 0.05 < errors[0]  # inputs beyond the scale are clipped


def test_state_dicts_pickles_and_copies_keep_phases_and_chips():
    x = torch.randn(5, 6)
    one = pt.to_photonic(model(), pl.Core(4), PROCESS, trial=3)
    with torch.no_grad():
        for layer in pt.photonic_layers(one):
            layer.phases += 0.1
    other = pt.to_photonic(model(), pl.Core(4), PROCESS)
    other.load_state_dict(one.state_dict())
    assert torch.equal(one(x), other(x))
    assert torch.equal(one(x), copy.deepcopy(one)(x))
    assert torch.equal(one(x), pickle.loads(pickle.dumps(one))(x))
    file = io.BytesIO()
    torch.save(one.state_dict(), file)
    file.seek(0)
    other = pt.to_photonic(model(), pl.Core(4), PROCESS, hold="phases")
    other.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(one(x), other(x))


def test_noise_differs_from_call_to_call():
    layer = pt.Linear(weight(4, 4), link=NOISE)
    x = torch.randn(3, 4)
    assert not torch.equal(layer(x), layer(x))


@pytest.mark.parametrize("hold", ["phases", "weights"])
def test_training_on_a_population_of_chips(hold):
    x = torch.randn(200, 6)
    y = (x[:, 0] * x[:, 1] > 0).long() + (x[:, 2] > 1).long()
    net = pt.to_photonic(model(), pl.Core(8), {"phase_error": {"sigma_rad": 0.05}}, NOISE, hold=hold, example=x)
    adam = torch.optim.Adam(net.parameters(), lr=0.02)

    def loss(trial):
        pt.fabricate(net, trial)
        return torch.nn.functional.cross_entropy(net(x), y)

    def on_new_chips():
        with torch.no_grad():
            return np.mean([loss(trial).item() for trial in range(1000, 1010)])

    before = on_new_chips()
    for step in range(100):
        adam.zero_grad()
        loss(step).backward()
        adam.step()
    assert on_new_chips() < 0.75 * before


def test_phases_of_a_chip_with_errors_are_trained():
    program = pl.program(pl.haar_unitary(6, seed=1))
    chip = pl.Process(phase_error={"sigma_rad": 0.1}).fabricate(program)
    mesh, target = pt.Mesh(program, chip), torch.from_numpy(program.target.T.copy())
    adam = torch.optim.Adam(mesh.parameters(), lr=0.02)
    x = torch.eye(6, dtype=torch.complex128)
    losses = []
    for _ in range(200):
        adam.zero_grad()
        loss = (mesh(x) - target).abs().square().sum()
        loss.backward()
        adam.step()
        losses.append(loss.item())
    assert losses[-1] < 0.02 * losses[0]
