from __future__ import annotations

import re

import numpy as np
import pytest
from layers_reference import called, cases, compare

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn.attention import attention_weights, causal_mask
from tinygrad_edu.nn.transformer import sinusoidal_positions


@pytest.mark.parametrize("i", cases("MultiheadAttention", "TransformerEncoderLayer", "LayerNorm"), ids=called)
def test_as_in_torch(i):
    compare(i)


# ---- weights ----


def test_equal_keys_get_equal_weights(rng):
    key = rng.normal(size=(1, 4))
    weights = attention_weights(rng.normal(size=(3, 4)), np.repeat(key, 5, axis=0))
    np.testing.assert_allclose(weights, np.full((3, 5), 0.2), rtol=1e-14)


def test_a_large_product_takes_nearly_all():
    weights = attention_weights(np.array([[40.0, 0]]), np.eye(2))
    assert weights[0, 0] == pytest.approx(1 / (1 + np.exp(-40 / np.sqrt(2))), rel=1e-14)


def test_scores_of_random_vectors_have_variance_1_at_any_length(rng):
    for d in (4, 400):
        Q, K = rng.normal(size=(2, 300, d))
        log = np.log(attention_weights(Q, K))
        scores = log - log.mean(axis=1, keepdims=True)
        assert scores.var() == pytest.approx(1, rel=0.05)


def test_a_mask_leaves_out_and_the_others_share(rng):
    Q, K = rng.normal(size=(2, 3)), rng.normal(size=(4, 3))
    mask = np.array([False, True, False, True])
    weights = attention_weights(Q, K, np.broadcast_to(mask, (2, 4)))
    np.testing.assert_array_equal(weights[:, mask], 0)
    np.testing.assert_allclose(weights[:, ~mask], attention_weights(Q, K[~mask]), rtol=1e-14)


def test_numbers_may_be_learned(rng):
    """A mask of numbers that is a node: the derivative by it is that of the scores."""
    Q, K = rng.normal(size=(2, 3)), rng.normal(size=(4, 3))
    report = tg.check(
        lambda m: attention_weights(tg.tensor(Q), tg.tensor(K), m)[:, 0].sum(), rng.normal(size=(2, 4))
    )
    assert report


def test_a_question_without_an_answer(rng):
    Q, K = rng.normal(size=(2, 3)), rng.normal(size=(4, 3))
    for mask in (np.array([[False] * 4, [True] * 4]), np.array([[0.0] * 4, [-np.inf] * 4])):
        with pytest.raises(ValueError, match="leaves one without any"):
            attention_weights(Q, K, mask)


# ---- heads ----


def test_one_head_is_the_formula(rng):
    layer = nn.MultiheadAttention(3, 1, batch_first=True, rng=rng)
    x = rng.normal(size=(1, 4, 3))
    for leaf in (layer.in_proj_bias, layer.out_proj.bias):
        leaf.assign(rng.normal(size=leaf.shape))
    W, b = layer.in_proj_weight.numpy(), layer.in_proj_bias.numpy()
    Q, K, V = (x[0] @ W[i : i + 3].T + b[i : i + 3] for i in (0, 3, 6))
    scores = np.exp(Q @ K.T / np.sqrt(3))
    wanted = scores / scores.sum(axis=1, keepdims=True)
    y, weights = layer(x, x, x)
    np.testing.assert_allclose(weights.numpy(), [wanted], rtol=1e-12)
    U, c = layer.out_proj.weight.numpy(), layer.out_proj.bias.numpy()
    np.testing.assert_allclose(y.numpy(), [wanted @ V @ U.T + c], rtol=1e-12)


def test_keys_and_values_may_have_other_lengths(rng):
    layer = nn.MultiheadAttention(4, 2, kdim=3, vdim=5, rng=rng)
    assert [p.shape for p in layer.parameters()] == [(4, 4), (4, 3), (4, 5), (12,), (4, 4), (4,)]
    with pytest.raises(
        ShapeError, match=re.escape("(time, batch, 4), (time, batch, 3), (time, batch, 5) were expected")
    ):
        layer(np.zeros((2, 1, 4)), np.zeros((2, 1, 4)), np.zeros((2, 1, 4)))


def test_nothing_flows_back_from_the_future(rng):
    layer = nn.MultiheadAttention(4, 2, batch_first=True, rng=rng)
    reach = tg.jacobian(lambda x: layer(x, x, x, is_causal=True)[0].sum(2))(
        rng.normal(size=(1, 5, 4))
    ).numpy()
    by_place = np.abs(reach).sum(axis=(0, 2, 4))  # output at a place, by the input at a place
    np.testing.assert_array_equal(by_place != 0, ~causal_mask(5))


def test_another_order_gives_the_same_in_that_order(rng):
    layer = nn.TransformerEncoderLayer(4, 2, 8, 0.0, batch_first=True, rng=rng)
    x, order = rng.normal(size=(2, 5, 4)), [3, 0, 4, 1, 2]
    np.testing.assert_allclose(layer(x[:, order]).numpy(), layer(x).numpy()[:, order], rtol=1e-11, atol=1e-12)


def test_with_positions_the_order_matters(rng):
    layer = nn.Sequential(
        nn.SinusoidalPositions(4, True), nn.TransformerEncoderLayer(4, 2, 8, 0.0, batch_first=True, rng=rng)
    )
    x = rng.normal(size=(1, 5, 4))
    assert not np.allclose(layer(x[:, ::-1]).numpy(), layer(x).numpy()[:, ::-1], rtol=0.01)


def test_dropout_leaves_weights_out_in_training_alone(rng):
    layer = nn.MultiheadAttention(4, 2, 0.5, batch_first=True, rng=rng)
    x = rng.normal(size=(2, 6, 4))
    _, weights = layer(x, x, x, average_attn_weights=False)
    assert 0.3 < (weights.numpy() == 0).mean() < 0.7
    _, weights = layer.eval()(x, x, x, average_attn_weights=False)
    np.testing.assert_allclose(weights.numpy().sum(axis=-1), 1, rtol=1e-14)


def test_padding_changes_nothing(rng):
    layer = nn.MultiheadAttention(4, 2, batch_first=True, rng=rng)
    x = rng.normal(size=(1, 3, 4))
    longer = np.concatenate([x, rng.normal(size=(1, 2, 4))], axis=1)
    y, _ = layer(longer, longer, longer, key_padding_mask=np.array([[False] * 3 + [True] * 2]))
    np.testing.assert_allclose(y.numpy()[:, :3], layer(x, x, x)[0].numpy(), rtol=1e-12, atol=1e-14)


def test_masks_of_both_sorts_at_once_stay_float32(rng):
    layer = nn.MultiheadAttention(4, 2, rng=rng, dtype=np.float32)
    x = rng.normal(size=(3, 2, 4)).astype(np.float32)
    y, weights = layer(x, x, x, attn_mask=rng.normal(size=(3, 3)), is_causal=True)
    assert y.dtype == weights.dtype == np.float32
    assert not weights.numpy()[:, causal_mask(3)].any()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda f, x: f(x, x[:, :1], x),
            "query, key and value (time, batch, 4), (time, batch, 4), (time, batch, 4) were expected",
        ),
        (
            lambda f, x: f(x[..., :2], x, x),
            "query, key and value (time, batch, 4), (time, batch, 4), (time, batch, 4) were expected",
        ),
        (
            lambda f, x: f(x, x, x, attn_mask=np.zeros((2, 3), bool)),
            "attn_mask (3, 3) or (4, 3, 3) was expected",
        ),
        (
            lambda f, x: f(x, x, x, np.zeros((3, 2), bool)),
            "key_padding_mask (2, 3) was expected, (3, 2) came",
        ),
        (
            lambda f, x: f(x[:2], x, x, is_causal=True),
            "as many questions as elements were expected with is_causal",
        ),
    ],
)
def test_shapes_that_do_not_fit(rng, call, words):
    with pytest.raises(ShapeError, match=re.escape(words)):
        call(nn.MultiheadAttention(4, 2, rng=rng), rng.normal(size=(3, 2, 4)))


# ---- blocks, positions, and their normalization ----


def test_layer_normalization_by_hand(rng):
    x = rng.normal(3, 5, size=(4, 6))
    wanted = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(nn.LayerNorm(6)(tg.tensor(x)).numpy(), wanted, rtol=1e-12)
    with pytest.raises(ShapeError, match=re.escape("x (…, 2, 6) was expected, (4, 6) came")):
        nn.LayerNorm((2, 6))(x)
    with pytest.raises(ValueError, match="eps > 0"):
        nn.LayerNorm(6, eps=0)


def test_a_shift_is_a_rotation_of_each_pair():
    positions = sinusoidal_positions(50, 8).reshape(50, 4, 2)
    complex_numbers = positions[..., 1] + 1j * positions[..., 0]
    for shift in (1, 7):
        turned = complex_numbers[shift:] / complex_numbers[:-shift]
        np.testing.assert_allclose(turned, np.broadcast_to(turned[0], turned.shape), rtol=1e-12)
    np.testing.assert_allclose(
        np.angle(complex_numbers[1]), 10000.0 ** -np.array([0, 0.25, 0.5, 0.75]), rtol=1e-12
    )


def test_positions_are_added_to_each_sequence(rng):
    x = rng.normal(size=(2, 5, 4))
    fixed = nn.SinusoidalPositions(4, batch_first=True)(x)
    np.testing.assert_allclose(
        fixed - x, np.broadcast_to(sinusoidal_positions(5, 4), x.shape), rtol=1e-12, atol=1e-15
    )
    learned = nn.LearnedPositions(7, 4, batch_first=True, rng=rng)
    y = learned(x)
    np.testing.assert_array_equal(y.numpy(), x + learned.weight.numpy()[:5])
    y.sum().backward()
    np.testing.assert_array_equal(learned.weight.grad.numpy(), [[2] * 4] * 5 + [[0] * 4] * 2)
    assert list(learned.state_dict()) == ["weight"]


def test_more_places_than_there_are(rng):
    with pytest.raises(ShapeError, match="at most 3 places were expected, 4 came"):
        nn.LearnedPositions(3, 2, rng=rng)(np.zeros((4, 1, 2)))
    with pytest.raises(ShapeError, match=re.escape("x (time, batch, 2) was expected, (4, 2) came")):
        nn.SinusoidalPositions(2)(np.zeros((4, 2)))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda rng: nn.MultiheadAttention(4, 3, rng=rng), "a multiple of num_heads"),
        (lambda rng: nn.MultiheadAttention(4, 2, kdim=0, rng=rng), "lengths and num_heads of at least 1"),
        (lambda rng: nn.MultiheadAttention(4, 2, 1.0, rng=rng), "a probability p"),
        (
            lambda rng: nn.TransformerEncoderLayer(4, 2, activation="tanh", rng=rng),
            "'relu' or 'gelu', or a function",
        ),
        (lambda rng: nn.LearnedPositions(0, 2, rng=rng), "lengths of at least 1 were expected"),
    ],
)
def test_numbers_outside_their_range(rng, make, words):
    with pytest.raises(ValueError, match=words):
        make(rng)


def test_how_it_is_shown(rng):
    assert (
        nn.MultiheadAttention(4, 2, batch_first=True, rng=rng).brief()
        == "MultiheadAttention(4, 2 heads, batch first)"
    )
    block = nn.TransformerEncoderLayer(4, 1, 8, activation=tg.tanh, norm_first=True, rng=rng)
    assert block.brief() == "TransformerEncoderLayer(4, norm first)"


@pytest.mark.parametrize("name", ["attn_mask", "key_padding_mask"])
def test_a_mask_of_integers_might_be_meant_as_either(rng, name):
    layer, x = nn.MultiheadAttention(4, 2, batch_first=True, rng=rng), rng.normal(size=(3, 3, 4))
    with pytest.raises(
        TypeError, match=r"True and False, or of floats .* int64 came: say mask\.astype\(bool\)"
    ):
        layer(x, x, x, **{name: np.triu(np.ones((3, 3), int), 1)})
    with pytest.raises(TypeError, match="int64 came"):
        attention_weights(x, x, np.zeros((3, 3), int))
