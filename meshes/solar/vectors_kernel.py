"""Give compiled code vectors of numbers to reckon with.

LLVM turns loops into vector instructions only where it can prove that arrays lie apart,
which it cannot for numba's. So here are types that are vectors from the start: `REALS` of
eight doubles, `WORDS` of eight 64-bit words and `CHOICES` of eight truth values. Inside
functions compiled by numba, operators work on them number by number; single numbers are
spread. They live in registers and are loaded from and stored to rows of arrays (n, 8).
`CELLS` are the 64 floats that belong to the bits of a word.
"""
# mypy: ignore-errors

import operator

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model

COUNT = 8
"""Numbers in a vector."""

WIDTH = 64
"""Bits of a word, and numbers of `CELLS`."""

_WORD = ir.IntType(64)
_REALS = ir.VectorType(ir.DoubleType(), COUNT)
_WORDS = ir.VectorType(_WORD, COUNT)
_CHOICES = ir.VectorType(ir.IntType(1), COUNT)
_CELLS = ir.VectorType(ir.FloatType(), WIDTH)


class _Vector(types.Type):
    """A vector in a register; its type is known by its name."""

    count = COUNT

    def __init__(self):
        """Name the type."""
        super().__init__(name=f"{type(self).__name__}{self.count}")


class Reals(_Vector):
    """Eight doubles."""


class Words(_Vector):
    """Eight unsigned 64-bit integers."""


class Choices(_Vector):
    """Eight truth values."""


class Cells(_Vector):
    """Sixty-four floats."""

    count = WIDTH


REALS, WORDS, CHOICES, CELLS = Reals(), Words(), Choices(), Cells()


def _model(vector):
    """Return how LLVM holds a type: as a vector."""

    class Model(models.PrimitiveModel):
        def __init__(self, dmm, fe_type):
            super().__init__(dmm, fe_type, vector)

    return Model


for _kind, _held in (
    (Reals, _REALS),
    (Words, _WORDS),
    (Choices, _CHOICES),
    (Cells, _CELLS),
):
    register_model(_kind)(_model(_held))


def _spread(builder, value, kind):
    """Return a vector whose numbers are all the same."""
    vector = builder.insert_element(ir.Constant(kind, ir.Undefined), value, _lane(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), kind.count), [0] * kind.count)
    return builder.shuffle_vector(vector, ir.Constant(kind, ir.Undefined), zeros)


def _lane(k):
    return ir.Constant(ir.IntType(32), k)


def _as_reals(context, builder, value, kind):
    """Return an argument as eight doubles."""
    if isinstance(kind, Reals):
        return value
    return _spread(builder, context.cast(builder, value, kind, types.float64), _REALS)


def _as_words(context, builder, value, kind):
    """Return an argument as eight words."""
    if isinstance(kind, Words):
        return value
    return _spread(builder, context.cast(builder, value, kind, types.uint64), _WORDS)


def _define(symbol, vector, result, emit):
    """Let an operator work on vectors of one type and on single numbers beside them."""
    to_vector = _as_reals if vector is Reals else _as_words

    @intrinsic
    def apply(_typing, a, b):
        def build(context, builder, signature, arguments):
            x, y = (
                to_vector(context, builder, value, kind)
                for value, kind in zip(arguments, signature.args, strict=True)
            )
            return emit(builder, x, y)

        return result(a, b), build

    @overload(symbol)
    def choose(a, b):
        if isinstance(a, vector) and isinstance(b, (vector, types.Number)):
            return lambda a, b: apply(a, b)
        if isinstance(b, vector) and isinstance(a, types.Number):
            return lambda a, b: apply(a, b)
        return None


_define(operator.add, Reals, REALS, lambda b, x, y: b.fadd(x, y))
_define(operator.sub, Reals, REALS, lambda b, x, y: b.fsub(x, y))
_define(operator.mul, Reals, REALS, lambda b, x, y: b.fmul(x, y))
_define(operator.truediv, Reals, REALS, lambda b, x, y: b.fdiv(x, y))
_define(operator.lt, Reals, CHOICES, lambda b, x, y: b.fcmp_ordered("<", x, y))
_define(operator.le, Reals, CHOICES, lambda b, x, y: b.fcmp_ordered("<=", x, y))
_define(operator.gt, Reals, CHOICES, lambda b, x, y: b.fcmp_ordered(">", x, y))
_define(operator.ge, Reals, CHOICES, lambda b, x, y: b.fcmp_ordered(">=", x, y))
_define(operator.or_, Words, WORDS, lambda b, x, y: b.or_(x, y))
_define(operator.and_, Words, WORDS, lambda b, x, y: b.and_(x, y))
_define(operator.lshift, Words, WORDS, lambda b, x, y: b.shl(x, y))
_define(operator.rshift, Words, WORDS, lambda b, x, y: b.lshr(x, y))


def _define_choice(symbol, emit):
    """Let an operator work on truth values."""

    @intrinsic
    def apply(_typing, a, b):
        def build(_context, builder, _signature, arguments):
            return emit(builder, *arguments)

        return CHOICES(a, b), build

    @overload(symbol)
    def choose(a, b):
        if isinstance(a, Choices) and isinstance(b, Choices):
            return lambda a, b: apply(a, b)
        return None


_define_choice(operator.and_, lambda b, x, y: b.and_(x, y))
_define_choice(operator.or_, lambda b, x, y: b.or_(x, y))
_define_choice(operator.xor, lambda b, x, y: b.xor(x, y))


def _row_pointer(context, builder, kind, value, row, vector):
    """Return where a row of an array (n, 8) lies."""
    array = context.make_array(kind)(context, builder, value)
    at = builder.mul(row, ir.Constant(row.type, COUNT))
    place = builder.gep(array.data, [at])
    return builder.bitcast(place, vector.as_pointer())


@intrinsic
def load(_typing, array, row):
    """Return a row of an array (n, 8) of float64 or uint64."""
    is_real = array.dtype == types.float64
    result, vector = (REALS, _REALS) if is_real else (WORDS, _WORDS)

    def build(context, builder, signature, arguments):
        index = context.cast(builder, arguments[1], signature.args[1], types.intp)
        place = _row_pointer(
            context, builder, signature.args[0], arguments[0], index, vector
        )
        return builder.load(place, align=8)

    return result(array, row), build


@intrinsic
def store(_typing, array, row, value):
    """Write a vector to a row of an array (n, 8)."""

    def build(context, builder, signature, arguments):
        kinds = signature.args
        is_real = kinds[0].dtype == types.float64
        to_vector, vector = (_as_reals, _REALS) if is_real else (_as_words, _WORDS)
        index = context.cast(builder, arguments[1], kinds[1], types.intp)
        place = _row_pointer(context, builder, kinds[0], arguments[0], index, vector)
        builder.store(to_vector(context, builder, arguments[2], kinds[2]), place, align=8)
        return context.get_dummy_value()

    return types.void(array, row, value), build


@intrinsic
def pick(_typing, choice, a, b):
    """Return the numbers of one vector where a choice holds, else those of another."""
    is_word = isinstance(a, Words) or isinstance(b, Words)
    result, to_vector = (WORDS, _as_words) if is_word else (REALS, _as_reals)

    def build(context, builder, signature, arguments):
        x, y = (
            to_vector(context, builder, arguments[k], signature.args[k]) for k in (1, 2)
        )
        return builder.select(arguments[0], x, y)

    return result(choice, a, b), build


def _folded(builder, value, join):
    """Join the numbers of a vector, halves first."""
    width = COUNT
    while width > 1:
        width //= 2
        kind = ir.VectorType(ir.IntType(32), width)
        halves = (
            builder.shuffle_vector(
                value, value, ir.Constant(kind, [start + k for k in range(width)])
            )
            for start in (0, width)
        )
        value = join(*halves)
    return builder.extract_element(value, _lane(0))


def _extreme(sign):
    """Return what picks the number of a vector that stands before all others."""

    @intrinsic
    def apply(_typing, value):
        def build(_context, builder, _signature, arguments):
            def join(x, y):
                return builder.select(builder.fcmp_ordered(sign, x, y), x, y)

            return _folded(builder, arguments[0], join)

        return types.float64(value), build

    return apply


least, largest = _extreme("<"), _extreme(">")


@intrinsic
def common(_typing, value):
    """Return the bits that all words of a vector have set."""

    def build(_context, builder, _signature, arguments):
        return _folded(builder, arguments[0], builder.and_)

    return types.uint64(value), build


@intrinsic
def any_of(_typing, choice):
    """Tell whether a choice holds anywhere."""

    def build(_context, builder, _signature, arguments):
        bits = builder.bitcast(arguments[0], ir.IntType(COUNT))
        return builder.icmp_unsigned("!=", bits, ir.Constant(ir.IntType(COUNT), 0))

    return types.boolean(choice), build


def _rounding(name):
    @intrinsic
    def apply(_typing, value):
        def build(_context, builder, _signature, arguments):
            function = cgutils.get_or_insert_function(
                builder.module,
                ir.FunctionType(_REALS, [_REALS]),
                f"llvm.{name}.v{COUNT}f64",
            )
            return builder.call(function, [arguments[0]])

        return REALS(value), build

    return apply


ceiling, floor, size = _rounding("ceil"), _rounding("floor"), _rounding("fabs")


@intrinsic
def as_words(_typing, value):
    """Return whole numbers that are not negative as words."""

    def build(_context, builder, _signature, arguments):
        return builder.fptosi(arguments[0], _WORDS)

    return WORDS(value), build


@intrinsic
def without(_typing, a, b):
    """Return the bits of ``a`` that ``b`` has not."""

    def build(_context, builder, _signature, arguments):
        return builder.and_(arguments[0], builder.not_(arguments[1]))

    return WORDS(a, b), build


@intrinsic
def spread_word(_typing, value):
    """Return a vector whose words are all the same."""

    def build(context, builder, signature, arguments):
        return _as_words(context, builder, arguments[0], signature.args[0])

    return WORDS(value), build


def _cell_pointer(context, builder, kind, value, word):
    """Return where the cells of a word lie in an array of float32."""
    array = context.make_array(kind)(context, builder, value)
    at = builder.mul(word, ir.Constant(word.type, WIDTH))
    return builder.bitcast(builder.gep(array.data, [at]), _CELLS.as_pointer())


@intrinsic
def load_cells(_typing, array, word):
    """Return the cells of a word from an array of float32, 64 a word."""

    def build(context, builder, signature, arguments):
        index = context.cast(builder, arguments[1], signature.args[1], types.intp)
        place = _cell_pointer(context, builder, signature.args[0], arguments[0], index)
        return builder.load(place, align=4)

    return CELLS(array, word), build


@intrinsic
def store_cells(_typing, array, word, cells):
    """Write the cells of a word."""

    def build(context, builder, signature, arguments):
        index = context.cast(builder, arguments[1], signature.args[1], types.intp)
        place = _cell_pointer(context, builder, signature.args[0], arguments[0], index)
        builder.store(arguments[2], place, align=4)
        return context.get_dummy_value()

    return types.void(array, word, cells), build


@intrinsic
def add_where(_typing, cells, bits, amount):
    """Return cells with an amount added to those whose bit is set."""

    def build(context, builder, signature, arguments):
        cells, bits, amount = arguments
        kind = ir.VectorType(ir.IntType(1), WIDTH)
        amount = context.cast(builder, amount, signature.args[2], types.float32)
        sums = builder.fadd(cells, _spread(builder, amount, _CELLS))
        return builder.select(builder.bitcast(bits, kind), sums, cells)

    return CELLS(cells, bits, amount), build
