"""Ranges and quartiles, and what scikit-learn asks of a scaler."""

from __future__ import annotations

import numpy as np
import pytest

from tinygrad_edu.data import LeakError, MinMax, Robust, Scaler, Standardizer, load_wine

# Quartiles by hand: of 0 … 8 they are 2, 4, 6; of the powers, 4, 16, 64.
X = np.stack([np.arange(9.0), 2.0 ** np.arange(9), np.full(9, 0.1)], axis=1)


def test_min_max_by_hand() -> None:
    scaler = MinMax()
    z = scaler.fit_transform(X)
    np.testing.assert_allclose(z[:, 0], np.arange(9) / 8, rtol=1e-15)
    np.testing.assert_allclose(z[:, 1], (2.0 ** np.arange(9) - 1) / 255, rtol=1e-15)
    assert (z[:, 2] == 0).all()
    assert scaler.constant.tolist() == [2]
    assert scaler.transform(2 * X[-1:])[0, 0] == 2  # others may lie outside
    np.testing.assert_allclose(scaler.inverse(z), X, rtol=1e-15)


def test_robust_by_hand_and_an_outlier_hardly_matters() -> None:
    z = Robust().fit_transform(X)
    np.testing.assert_allclose(z[:, 0], (np.arange(9) - 4) / 4, rtol=1e-15)
    np.testing.assert_allclose(z[:, 1], (2.0 ** np.arange(9) - 16) / 60, rtol=1e-15)
    far = np.vstack([X, [1e9, 1e9, 0.1]])
    assert Robust().fit(far).scale[0] == pytest.approx(4, abs=0.6)
    assert MinMax().fit(far).scale[0] == 1e9


@pytest.mark.parametrize("make", [MinMax, Robust, Standardizer])
def test_the_guard_is_the_same(make: type[Scaler]) -> None:
    scaler = make().fit(X)
    with pytest.raises(LeakError, match=f"fit: {make.__name__}"):
        scaler.fit_transform(X[:5])
    with pytest.raises(RuntimeError, match=r"call fit\(x_train\) first"):
        make().transform(X)
    assert repr(make()) == f"{make.__name__}(not fitted)"
    with pytest.raises(TypeError, match="real numbers were expected, dtype complex128"):
        make().fit(X + 0j)


@pytest.mark.parametrize("make", [MinMax, Robust, Standardizer])
@pytest.mark.parametrize("size", [1e-300, 1.0, 1e300])
def test_units_do_not_matter(make: type[Scaler], size: float) -> None:
    x = load_wine().x / 2000
    np.testing.assert_allclose(make().fit_transform(size * x), make().fit_transform(x), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("make", [MinMax, Robust, Standardizer])
def test_scikit_learns_protocol(make: type[Scaler]) -> None:
    """What `clone` and `Pipeline` do: make anew from the parameters, pass y along, use their names."""
    fitted = make().fit(X, np.zeros(9))
    again = type(fitted)(**fitted.get_params(deep=False))
    assert again.fingerprint is None
    assert again.set_params() is again
    np.testing.assert_array_equal(again.fit_transform(X, None), fitted.transform(X))
    np.testing.assert_array_equal(fitted.inverse_transform(X), fitted.inverse(X))
    with pytest.raises(ValueError, match="no parameters were expected, copy came"):
        again.set_params(copy=True)
