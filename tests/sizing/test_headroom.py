"""Scales and headroom: what is said of a measurement by all others is what they would say."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.examples import examples

from flowc.sizing.headroom import Errors, headrooms, tail_size
from flowc.sizing.scales import (
    CONSTANT,
    LINE,
    POWER,
    STEPS,
    Scale,
    fit_constant,
    fit_half_line,
    fit_line,
    fit_power,
    fit_steps,
)

points = st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)), min_size=5, max_size=25)


@given(points)
def test_a_line_predicts_each_point_as_a_line_through_all_others_does(
    known: list[tuple[int, int]],
) -> None:
    x, y = [float(a) for a, _ in known], [float(b) for _, b in known]
    fit = fit_line(x, y)
    assume(fit is not None)
    assert fit is not None
    for k, apart in enumerate(fit.apart):
        others = fit_line(x[:k] + x[k + 1 :], y[:k] + y[k + 1 :])
        square = sum((v - sum(x) / len(x)) ** 2 for v in x)
        leverage = 1 / len(x) + (x[k] - sum(x) / len(x)) ** 2 / square
        if others is None or leverage > 0.99:
            continue  # all others have one size: there is no other line
        a, b = others.scale.numbers
        assert apart == pytest.approx(a + b * x[k], rel=1e-4, abs=2.0)


@given(points)
def test_half_a_line_is_halfway_between_the_mean_and_the_line(known: list[tuple[int, int]]) -> None:
    x, y = [float(a) for a, _ in known], [float(b) for _, b in known]
    whole, half = fit_line(x, y), fit_half_line(x, y)
    assert (whole is None) == (half is None)
    if whole is None or half is None:
        return
    for k, at in enumerate(x):
        mean, others = sum(y) / len(y), (sum(y) - y[k]) / (len(y) - 1)
        assert half.scale.at(at) == pytest.approx((mean + whole.scale.at(at)) / 2)
        assert half.apart[k] == pytest.approx((others + whole.apart[k]) / 2)


def test_each_scale_finds_its_own() -> None:
    x = [float(k) for k in range(1, 61)]
    line = fit_line(x, [3 + 2 * v for v in x])
    assert line is not None and line.scale.kind == LINE
    assert line.scale.numbers == pytest.approx((3, 2))
    power = fit_power(x, [5 * v**1.5 for v in x])
    assert power is not None and power.scale.kind == POWER
    assert power.scale.at(16.0) == pytest.approx(5 * 64)
    steps = fit_steps(x, [10.0 if v <= 30 else 70.0 for v in x])
    assert steps is not None and steps.scale.kind == STEPS
    assert (steps.scale.at(2.0), steps.scale.at(59.0), steps.scale.at(1e9)) == (10.0, 70.0, 70.0)
    assert fit_constant(x, x).scale == Scale(CONSTANT)


def test_where_no_scale_can_be_drawn_there_is_none() -> None:
    assert fit_line([5.0] * 9, [float(k) for k in range(9)]) is None  # one size
    assert fit_line([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]) is None  # too few
    assert fit_power([0.0, 1.0, 2.0, 3.0], [1.0] * 4) is None
    assert fit_power([1.0, 2.0, 3.0, 4.0], [1.0, 0.0, 1.0, 1.0]) is None
    assert fit_steps([5.0] * 40, [1.0] * 40) is None


# fmt: off
BEYOND = {  # scale, input size: prediction
    "grows, larger than any":    (Scale(LINE, (1.0, 2.0), 10, 20),   40.0, 81.0),
    "grows, smaller than any":   (Scale(LINE, (1.0, 2.0), 10, 20),   0.0,  21.0),
    "shrinks, larger than any":  (Scale(LINE, (90.0, -2.0), 10, 20), 40.0, 50.0),
    "shrinks, smaller than any": (Scale(LINE, (90.0, -2.0), 10, 20), 0.0,  70.0),
    "power, larger than any":    (Scale(POWER, (0.0, 2.0), 10, 20),  40.0, 1600.0),
    "power of nothing":          (Scale(POWER, (0.0, 2.0), 0, 20),   0.0,  1.0),
    "steps, smaller than any":   (Scale(STEPS, (15, 3, 7), 10, 20),  0.0,  3.0),
    "steps, at an end":          (Scale(STEPS, (15, 3, 7), 10, 20),  15.0, 7.0),
    "no scale":                  (Scale(),                           15.0, 0.0),
}
# fmt: on


@pytest.mark.parametrize(("scale", "size", "predicted"), BEYOND.values(), ids=BEYOND)
def test_beyond_what_was_measured(scale: Scale, size: float, predicted: float) -> None:
    assert scale.at(size) == pytest.approx(predicted)


errors_of = st.lists(st.integers(-1000, 1000), min_size=3, max_size=30)


def errors(values: list[int] | list[float], again: float = 5000.0) -> Errors:
    return Errors(values, [1.0] * len(values), [1.0] * len(values), again)


@examples(80)
@given(errors_of)
def test_a_headroom_without_a_point_is_that_of_all_others(values: list[int]) -> None:
    assume(len(values) > 3)
    for which, found in enumerate(headrooms(errors(values))):
        for k, apart in enumerate(found.apart):
            others = headrooms(errors(values[:k] + values[k + 1 :]))[which]
            if found.rule == "cheapest":
                # that all others together cost less by one is not gone into: it is no more than
                # the difference of two headrooms, for one job
                mine, best = (cost(values[:k] + values[k + 1 :], h) for h in (apart, others.size))
                assert mine <= best + max(values) - min(values)
            else:
                assert apart == pytest.approx(others.size)


def cost(values: list[int], size: float, again: float = 5000.0) -> float:
    return sum(size + (again if v > size else 0.0) for v in values)


@given(errors_of)
def test_the_cheapest_is_cheapest(values: list[int]) -> None:
    found = {h.rule: h.size for h in headrooms(errors(values))}["cheapest"]
    assert cost(values, found) == pytest.approx(min(cost(values, v) for v in values))


@given(
    st.floats(0.01, 100),
    st.integers(1, 50),
    st.integers(0, 50),
    st.floats(100, 1e6),
    st.floats(1, 9),
)
def test_the_tail_reaches_further_the_more_a_kill_costs(
    mean: float, above: int, below: int, again: float, times: float
) -> None:
    one, more = (
        tail_size(10.0, above * (10.0 + mean), above, above + below, a)
        for a in (again, again * times)
    )
    assert 10.0 <= one <= more < math.inf


def test_the_tail_is_long_where_little_is_known() -> None:
    """The same share and mean excess, from 3 of 12 errors and from 300 of 1200."""
    few = tail_size(0.0, 3.0, 3, 12, 1000.0)
    many = tail_size(0.0, 300.0, 300, 1200, 1000.0)
    exponential = math.log(0.25 * 1000.0)  # where (1/4) exp(-z) = 1/1000
    assert many == pytest.approx(exponential, rel=0.01)
    assert few > 1.5 * exponential


def test_nothing_above_the_cut_is_no_tail() -> None:
    assert tail_size(5.0, 0.0, 0, 3, 100.0) == 5.0
    assert tail_size(5.0, 10.0, 2, 3, 100.0) == 5.0  # all alike
