"""Requests for memory: what is learned, from how much, and what is refused."""

import json
import math
import random
import statistics
from collections.abc import Callable, Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.examples import examples

from flowc.sizing.choice import Known, choose
from flowc.sizing.fitted import SLACK_BYTES
from flowc.sizing.measurement import FAILED, MOST_BYTES, OOM, Measurement
from flowc.sizing.memory import (
    FEWEST_FAILURES,
    KEPT,
    LEAST_WASTE,
    FittedMemory,
    MemoryModel,
    fit_memory,
)
from flowc.units import GIB, MIB

Draw = Callable[[random.Random], tuple[float, float]]
# fmt: off
RULES: dict[str, Draw] = {  # what kinds of rules there are: input size, peak
    "always the same":     lambda r: (r.uniform(1, 9) * GIB, 2 * GIB),
    "a little noise":      lambda r: (r.uniform(1, 9) * GIB, r.gauss(2, 0.05) * GIB),
    "grows with input":    lambda r: ((x := r.uniform(1, 9) * GIB), x / 2 + r.gauss(1, 0.1) * GIB),
    "proportional, noisy": lambda r: ((x := r.uniform(1, 9) * GIB), x * r.lognormvariate(0, 0.1)),
    "up to a limit":       lambda r: ((x := r.uniform(1, 9) * GIB), min(x, 4 * GIB)),
    "two kinds":           lambda r: (r.uniform(1, 9) * GIB, r.choice([1, 1, 1, 3]) * GIB),
    "shrinks with input":  lambda r: ((x := r.uniform(1, 9) * GIB), 6 * GIB - 0.5 * x),
    "tiny":                lambda r: (r.uniform(1, 9) * MIB, r.uniform(3, 12) * MIB),
}
# fmt: on


def measured(draw: Draw, count: int, seed: int = 1) -> list[Measurement]:
    rng = random.Random(seed)
    tasks = [draw(rng) for _ in range(count)]
    return [Measurement(peak, size, rng.expovariate(1 / 60)) for size, peak in tasks]


def waste(fitted: FittedMemory, tasks: list[Measurement]) -> tuple[float, float]:
    """Wasted / used, and the share that is killed at least once."""
    wasted = used = killed = 0.0
    for task in tasks:
        peak, wall = task.peak_bytes or 0.0, task.wall_s or 0.0
        used += peak * wall
        attempt, request = 1, fitted.request(task.input_bytes).bytes
        while request < peak:
            wasted += request * wall
            attempt += 1
            request = fitted.request(task.input_bytes, attempt, request).bytes
        wasted += (request - peak) * wall
        killed += attempt > 1
    return wasted / used, killed / len(tasks)


@pytest.mark.parametrize("name", RULES)
def test_learned_from_forty_it_wastes_less_than_the_peak_so_far(name: str) -> None:
    """And never much more, whatever the rule does."""
    ours, peaks, killed = [], [], []
    for seed in range(5):
        history, rest = measured(RULES[name], 40, seed), measured(RULES[name], 200, seed + 99)
        wasted, lost = waste(fit_memory(history), rest)
        most = max(m.peak_bytes or 0.0 for m in history)
        plain = FittedMemory(40, most, most)
        ours.append(wasted)
        peaks.append(waste(plain, rest)[0])
        killed.append(lost)
    tiny = SLACK_BYTES / (6 * MIB) if name == "tiny" else 0.02
    assert statistics.mean(ours) <= statistics.mean(peaks) * 1.05 + tiny
    assert statistics.mean(killed) <= (0.3 if name == "two kinds" else 0.08)


def test_memory_that_grows_is_asked_for_by_the_size_of_the_input() -> None:
    fitted = fit_memory(measured(RULES["grows with input"], 40))
    assert fitted.varies
    small, large = fitted.request(2 * GIB), fitted.request(8 * GIB)
    assert 2 * GIB < small.bytes < 2.6 * GIB
    assert 5 * GIB < large.bytes < 5.6 * GIB
    assert "grows 0.5" in large.why and "40 measurements" in large.why
    pilot = fitted.request(90 * GIB)  # ten times what was measured
    assert 44 * GIB < pilot.bytes < 50 * GIB
    assert fitted.request(None).bytes >= fitted.largest_bytes  # it may be any of them


def test_memory_that_does_not_grow_is_not() -> None:
    fitted = fit_memory(measured(RULES["always the same"], 40))
    assert not fitted.varies
    assert fitted.request(GIB).bytes == fitted.request(999 * GIB).bytes == 2 * GIB + SLACK_BYTES


def test_first_requests_are_careful_and_say_so() -> None:
    model = MemoryModel()
    assert model.fitted() is None
    assert model.request(5, default_bytes=GIB) == (GIB, "nothing measured yet")
    assert model.request(5, 2, previous_bytes=GIB).bytes == 2 * GIB
    model.update(Measurement(GIB, 5))
    first = model.request(5)
    assert first.bytes == 1.5 * GIB + SLACK_BYTES
    assert first.why == "1 measurement, peak 1 GB, 50% headroom because there are so few"
    model.update(Measurement(GIB, 5))
    assert GIB < model.request(5).bytes < first.bytes


@pytest.mark.parametrize("name", RULES)
def test_a_fit_that_is_raised_is_enough(name: str) -> None:
    fitted = fit_memory(measured(RULES[name], 40))
    for size in (None, 2 * GIB, 20 * GIB):
        first = fitted.request(size).bytes
        assert fitted.raised(size, 2 * first).request(size).bytes >= 2 * first
        assert fitted.raised(size, (first - SLACK_BYTES) / 2) == fitted


def test_after_a_kill_the_largest_seen_then_twice() -> None:
    fitted = fit_memory(measured(RULES["grows with input"], 40))
    size = 2 * GIB
    first = fitted.request(size).bytes
    second = fitted.request(size, 2, first)
    assert second.bytes == math.ceil(fitted.largest_bytes + SLACK_BYTES)
    assert "the largest seen" in second.why
    third = fitted.request(size, 3, second.bytes)
    assert third.bytes == 2 * second.bytes and "twice" in third.why
    assert fitted.request(size, 3).bytes == third.bytes  # counts for itself


def test_no_request_is_above_what_there_is() -> None:
    fitted = fit_memory(measured(RULES["grows with input"], 40), total_bytes=3 * GIB)
    assert fitted.request(9 * GIB).bytes == 3 * GIB
    assert "all that there is" in fitted.request(9 * GIB).why
    assert fitted.request(GIB, 2, 3 * GIB).bytes == 3 * GIB


def test_a_limit_that_killed_is_not_asked_for_again() -> None:
    killed = Measurement(GIB, 5, requested_bytes=2 * GIB, outcome=OOM)
    fitted = fit_memory([Measurement(GIB, 5)] * 5 + [killed])
    assert fitted.request(5).bytes == 4 * GIB
    assert "killed at 2 GB" in fitted.explain()
    # once a job has shown what it takes, the limit that killed says nothing more
    fitted = fit_memory([Measurement(GIB, 5)] * 5 + [killed, Measurement(2.5 * GIB, 5)])
    assert fitted.lost_bytes == 0
    assert fit_memory([killed]).request(5).bytes == 4 * GIB


def test_a_job_that_failed_for_another_reason_teaches_nothing() -> None:
    model = MemoryModel()
    model.update(Measurement(9 * GIB, 5, outcome=FAILED))
    model.update(Measurement(None, 5))
    assert model.fitted() is None
    with pytest.raises(ValueError, match="no measurement tells of memory"):
        fit_memory([Measurement(None, 5)])


def test_sizes_of_some_only_give_a_constant() -> None:
    tasks = measured(RULES["grows with input"], 40)
    tasks[7] = tasks[7]._replace(input_bytes=None)
    assert not fit_memory(tasks).varies


def test_run_times_weigh() -> None:
    """Short jobs that are far larger than all others are given up; long ones are not."""
    many = [Measurement(GIB, 5, 60.0)] * 60
    short = fit_memory([*many, *[Measurement(8 * GIB, 5, 0.1)] * 2])
    assert short.request(5).bytes < 2 * GIB
    long = fit_memory([*many, *[Measurement(8 * GIB, 5, 60000.0)] * 2])
    assert long.request(5).bytes > 8 * GIB


def test_what_a_model_learns_online_is_what_a_fit_of_all_says() -> None:
    tasks = measured(RULES["proportional, noisy"], 30)
    model = MemoryModel()
    for task in tasks:
        model.request(task.input_bytes)
        model.update(task)
    assert model.fitted() == fit_memory(tasks)


def test_no_decision_waits_for_a_whole_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the number of measurements, an update looks at a few hundred; and what the steps
    come to is what a fit at once says."""
    looked_at = [0]

    def counted(base: FittedMemory, known: list[Known]) -> Iterator[FittedMemory | None]:
        for step in choose(base, known):
            looked_at[-1] += len(known)
            yield step

    monkeypatch.setattr("flowc.sizing.memory.choose", counted)
    model, fits = MemoryModel(), []
    tasks = measured(RULES["proportional, noisy"], 2 * KEPT)
    for task in tasks:
        looked_at.append(0)
        first = model.request(task.input_bytes)
        if len(looked_at) > KEPT:
            fits.append(first.why)
        model.update(task)
    assert max(looked_at) <= 1000
    assert len(set(fits)) > 5, "it learns all the while"
    sized = [model.request(task.input_bytes).bytes for task in tasks[-KEPT:]]
    at_once = fit_memory(tasks[-KEPT:])
    assert sum(sized) == pytest.approx(
        sum(at_once.request(task.input_bytes).bytes for task in tasks[-KEPT:]), rel=0.1
    )


def test_what_was_too_little_is_known_at_once() -> None:
    """The next attempt asks for the largest ever, though the fit is only being made anew."""
    model = MemoryModel()
    for task in measured(RULES["a little noise"], 100):
        model.update(task)
    small = model.request(5 * GIB)
    model.update(Measurement(7 * GIB, 5 * GIB, 60.0))
    assert model.request(5 * GIB).bytes >= 7 * GIB
    assert model.request(5 * GIB, 2, small.bytes).bytes == 7 * GIB + SLACK_BYTES
    model.update(Measurement(None, 5 * GIB, requested_bytes=9 * GIB, outcome=OOM))
    assert model.request(5 * GIB).bytes == 18 * GIB


def test_a_model_follows_a_change_and_keeps_its_size() -> None:
    model = MemoryModel()
    for _ in range(KEPT):
        model.update(Measurement(4 * GIB, 5))
    for _ in range(2 * KEPT):
        model.update(Measurement(GIB, 5))
    sized = model.request(5)
    assert sized.bytes < 1.1 * GIB
    assert model.request(5, 2, sized.bytes).bytes > 4 * GIB


def test_peaks_of_zero_and_no_time_at_all() -> None:
    fitted = fit_memory([Measurement(0, 0, 0.0)] * 20)
    assert fitted.request(0).bytes == SLACK_BYTES


# fmt: off
ABSURD = {
    "NaN":          (Measurement(math.nan),                     "peak_bytes is nan"),
    "infinite":     (Measurement(math.inf),                     "peak_bytes is inf"),
    "negative":     (Measurement(-1),                           "peak_bytes is -1"),
    "no float":     (Measurement(10**400),                      "more than there can be"),
    "too large":    (Measurement(2.0 * MOST_BYTES),             "more than there can be"),
    "text":         (Measurement("1 GB"),                       "which is no number"),  # type: ignore[arg-type]
    "a truth":      (Measurement(True),                         "which is no number"),
    "NaN input":    (Measurement(1, math.nan),                  "input_bytes is nan"),
    "negative run": (Measurement(1, 1, -0.5),                   "wall_s is -0.5"),
    "long run":     (Measurement(1, 1, 1e30),                   "wall_s is 1e"),
    "cores":        (Measurement(1, 1, 1, math.inf),            "cores_used is inf"),
    "outcome":      (Measurement(1, outcome="fine"),            "outcome is 'fine'"),
}
# fmt: on


@pytest.mark.parametrize(("absurd", "message"), ABSURD.values(), ids=ABSURD)
def test_absurd_figures_are_refused(absurd: Measurement, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit_memory([absurd])


def test_absurd_questions_are_refused() -> None:
    fitted = fit_memory([Measurement(1, 1)] * 5)
    for size in (math.nan, -1.0, math.inf):
        with pytest.raises(ValueError, match="input_bytes"):
            fitted.request(size)
        with pytest.raises(ValueError, match="previous_bytes"):
            fitted.request(1, 2, size)
        with pytest.raises(ValueError, match="total_bytes"):
            MemoryModel(total_bytes=size)
    with pytest.raises(ValueError, match="level is 'least'"):
        MemoryModel("least")


@pytest.mark.parametrize("name", RULES)
def test_a_function_is_read_back_from_json(name: str) -> None:
    fitted = fit_memory(measured(RULES[name], 40), FEWEST_FAILURES, 64 * GIB)
    again = FittedMemory.from_data(json.loads(json.dumps(fitted.to_data())))
    assert again == fitted
    for size in (None, 0, 3 * GIB, 99 * GIB):
        assert again.request(size) == fitted.request(size)


# fmt: off
MALFORMED = {
    "version":        ({"version": 2},                               "version"),
    "no scale":       ({"scale": "cubic"},                           "scale is 'cubic'"),
    "no list":        ({"numbers": 5},                               "numbers is no list"),
    "a text in it":   ({"scale": "line", "numbers": ["1", 2]},       "no number"),
    "too few":        ({"scale": "line", "numbers": [1]},            "1 members"),
    "even steps":     ({"scale": "steps", "numbers": [1, 2, 3, 4]},  "4 members"),
    "unknown":        ({"headrom": 1},                               "`headrom` is not known"),
    "a NaN":          ({"headroom": math.nan},                       "headroom is nan"),
    "negative":       ({"largest_bytes": -1},                        "largest_bytes is -1"),
    "a NaN of size":  ({"least_input_bytes": math.nan},              "least_input_bytes is nan"),
    "no number":      ({"constant_bytes": "many"},                   "no number"),
    "headroom text":  ({"headroom": "much"},                         "no number"),
    "no truth":       ({"is_ratio": "yes"},                          "is_ratio"),
    "count":          ({"measurements": -3},                         "measurements"),
    "killed":         ({"killed": 1.5},                              "killed"),
    "waste":          ({"waste": "small"},                           "waste"),
    "rule":           ({"rule": 5},                                  "rule"),
    "level":          ({"level": "none"},                            "level is 'none'"),
    "steps fall":     ({"scale": "steps", "numbers": [5, 4, 1, 1, 1]}, "do not rise"),
}
# fmt: on


@pytest.mark.parametrize(("change", "message"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_function_is_refused(change: dict[str, object], message: str) -> None:
    good = FittedMemory(3, 1.0, 2.0).to_data()
    assert FittedMemory.from_data(good) == FittedMemory(3, 1.0, 2.0)
    with pytest.raises(ValueError, match=message):
        FittedMemory.from_data({**good, **change})


sizes = st.floats(0, 1e13) | st.integers(0, 10**13)
measurements = st.builds(
    Measurement,
    peak_bytes=st.floats(0, 1e12) | st.sampled_from([0.0, 1.0, 1e9]),
    input_bytes=sizes | st.none(),
    wall_s=st.floats(0, 1e6) | st.none(),
    cores_used=st.none(),
    requested_bytes=st.floats(0, 1e12) | st.none(),
    outcome=st.sampled_from(["ok", "ok", "ok", "oom", "failed"]),
)


TINY = [(1.0, 81.0), (7e-126, 6.2e12), (7e-126, 6.0e12), (7.7e11, 6.6e12)]
"""Peaks and inputs for which a ratio to the prediction has no end."""


@examples(150)
@example([Measurement(peak, size, 1.0, None, None, "ok") for peak, size in TINY], 0.0, None)
@given(st.lists(measurements, min_size=1, max_size=40), sizes, st.sampled_from([None, 1e11]))
def test_whatever_was_measured_there_is_an_answer(
    tasks: list[Measurement], size: float, total: float | None
) -> None:
    """At least the slack, at most the total; attempts never ask for less; JSON gives the same."""
    for level in (LEAST_WASTE, FEWEST_FAILURES):
        try:
            fitted = fit_memory(tasks, level, total)
        except ValueError as fault:
            assert "no measurement" in str(fault)
            return
        first = fitted.request(size).bytes
        assert SLACK_BYTES <= first <= (total or MOST_BYTES)
        asked = [first]
        for attempt in range(2, 8):
            asked.append(fitted.request(size, attempt, asked[-1]).bytes)
        assert asked == sorted(asked)
        assert asked[-1] >= min(fitted.largest_bytes, total or MOST_BYTES)
        assert FittedMemory.from_data(json.loads(json.dumps(fitted.to_data()))) == fitted


@examples(60)
@given(st.integers(3, 150), st.integers(0, 10**6), st.sampled_from(sorted(RULES)))
def test_few_of_those_measured_are_given_up(count: int, seed: int, name: str) -> None:
    """Whatever they would have cost: of few measurements, none."""
    tasks = measured(RULES[name], count, seed)
    for level, part in ((LEAST_WASTE, 20), (FEWEST_FAILURES, 100)):
        fitted = fit_memory(tasks, level)
        few = [t for t in tasks if fitted.request(t.input_bytes).bytes < (t.peak_bytes or 0)]
        assert len(few) <= count / part


@examples(60)
@given(st.integers(4, 40), st.integers(0, 10**6), st.sampled_from(sorted(RULES)))
def test_units_do_not_matter(count: int, seed: int, name: str) -> None:
    """Run times in other units change nothing."""
    tasks = measured(RULES[name], count, seed)
    slower = [t._replace(wall_s=(t.wall_s or 0) * 1024) for t in tasks]
    one, other = fit_memory(tasks), fit_memory(slower)
    assert one.request(3 * GIB).bytes == pytest.approx(other.request(3 * GIB).bytes, rel=1e-6)
