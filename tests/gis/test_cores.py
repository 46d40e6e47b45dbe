"""Prove that the number of threads has no say."""

import threading

import numpy as np
import pytest
import shapely

from gis.cores import CHUNK, in_chunks, query_tree, spread, usable_cores

CORES = [1, 2, 5]


@pytest.fixture(scope="module")
def squares():
    """More squares than a thread takes at once, many of them over each other."""
    x, y = np.random.default_rng(3).uniform(0, 300, (2, CHUNK * 2 + 77))
    return shapely.box(x, y, x + 2.0, y + 3.0)


@pytest.mark.parametrize("cores", CORES)
def test_results_come_in_the_order_of_the_items(cores):
    # The first item waits until a later one is done, if there is a thread for that.
    later = threading.Event()

    def work(item):
        if item == 0 and cores > 1:
            assert later.wait(10.0)
        later.set()
        return item**2

    assert list(spread(work, range(50), cores=cores)) == [n**2 for n in range(50)]


@pytest.mark.parametrize("cores", CORES)
def test_an_error_comes_in_its_turn_and_ends_the_work(cores):
    begun = []

    def work(item):
        begun.append(item)
        return 1 / (3 - item)

    results = spread(work, range(1000), cores=cores)
    assert [next(results) for _ in range(3)] == [1 / 3, 1 / 2, 1.0]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert len(begun) <= 4 + 2 * cores


@pytest.mark.parametrize("cores", CORES)
def test_items_are_taken_as_they_are_needed(cores):
    taken = []

    def items():
        for item in range(1000):
            taken.append(item)
            yield item

    results = spread(str, items(), cores=cores)
    assert next(results) == "0"
    assert len(taken) <= cores + 1
    results.close()


@pytest.mark.parametrize("cores", CORES)
def test_elementwise_functions_give_the_same_to_the_bit(squares, cores):
    other = np.roll(squares, 1)
    shared = in_chunks(shapely.distance, squares, other, cores=cores)
    assert np.array_equal(shared, shapely.distance(squares, other))
    ends = shapely.get_coordinates(squares).reshape(-1, 5, 2)
    lines = in_chunks(shapely.linestrings, ends, cores=cores)
    assert shapely.equals_identical(lines, shapely.linestrings(ends)).all()
    assert len(in_chunks(shapely.area, squares[:0], cores=cores)) == 0


@pytest.mark.parametrize("cores", CORES)
def test_a_tree_gives_the_same_hits_in_the_same_order(squares, cores):
    tree = shapely.STRtree(squares[::3])
    expected = tree.query(squares, predicate="intersects")
    assert len(expected[0]) > len(squares)
    found = query_tree(tree, squares, cores=cores, predicate="intersects")
    assert np.array_equal(found, expected)
    none = query_tree(tree, squares[:0], cores=cores)
    assert [len(n) for n in none] == [0, 0]


def test_there_is_a_core():
    assert usable_cores() >= 1
