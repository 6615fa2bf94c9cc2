//! Small graphs in text, several of each operation.

/// A graph: its input's type, its body, whose last value is `%y`.
pub struct Case {
    pub name: &'static str,
    pub input: &'static str,
    pub body: &'static str,
    /// Its gradient is compared with finite differences.
    pub smooth: bool,
}

const fn case(name: &'static str, input: &'static str, body: &'static str) -> Case {
    Case { name, input, body, smooth: true }
}

/// A graph that jumps, or whose output has no gradient.
const fn stepped(name: &'static str, input: &'static str, body: &'static str) -> Case {
    Case { name, input, body, smooth: false }
}

pub const LINEAR: &[Case] = &[
    case("conv", "f32[N,3,5,6]", "%w = const f32[4,3,3,3] rand(seed=1)\n%y = conv(%x, %w)"),
    case(
        "conv with bias and asymmetric padding",
        "f32[N,3,5,6]",
        "%w = const f32[4,3,3,2] rand(seed=1)\n%b = const f32[4] rand(seed=2)
         %y = conv(%x, %w, %b) {strides=[2,1], pads=[0,1,2,1]}",
    ),
    case(
        "dilated conv in groups",
        "f32[N,4,7,6]",
        "%w = const f32[6,2,3,2] rand(seed=1)\n%b = const f32[6] rand(seed=2)
         %y = conv(%x, %w, %b) {dilations=[2,3], pads=[1,2,3,0], group=2}",
    ),
    case(
        "depthwise conv",
        "f32[N,4,6,5]",
        "%w = const f32[8,1,3,3] rand(seed=1)\n%y = conv(%x, %w) {strides=[2,2], pads=[1,0,0,1], group=4}",
    ),
    case(
        "pointwise conv of stride 2",
        "f32[N,3,5,4]",
        "%w = const f32[2,3,1,1] rand(seed=1)\n%b = const f32[2] rand(seed=2)\n%y = conv(%x, %w, %b) {strides=[2,2]}",
    ),
    case(
        "3×3 conv of padding 1",
        "f32[N,8,9,10]",
        "%w = const f32[16,8,3,3] rand(seed=1, scale=0.3)\n%y = conv(%x, %w) {pads=[1,1,1,1]}",
    ),
    case(
        "linear of ranks 2 and 3",
        "f32[N,2,4]",
        "%w = const f32[3,4] rand(seed=1)\n%b = const f32[3] rand(seed=2)\n%v = const f32[5,3] rand(seed=3)
         %a = linear(%x, %w, %b)\n%y = linear(%a, %v)",
    ),
    case(
        "gemm",
        "f32[N,4]",
        "%w = const f32[4,3] rand(seed=1)\n%c = const f32[3] rand(seed=2)\n%y = gemm(%x, %w, %c) {alpha=0.5, beta=-2}",
    ),
    case(
        "gemm without addend",
        "f32[N,4]",
        "%w = const f32[3,4] rand(seed=1)\n%y = gemm(%x, %w) {trans_b=true}",
    ),
    case(
        "gemm of a transposed batch, scalar addend",
        "f32[N,4]",
        "%w = const f32[3,4] rand(seed=1)\n%c = const f32[] [0.5]
         %y = gemm(%w, %x, %c) {trans_b=true, alpha=2}",
    ),
    case(
        "gemm with a transposed weight on the left",
        "f32[N,4]",
        "%w = const f32[4,3] rand(seed=1)\n%c = const f32[3,1] rand(seed=2)
         %y = gemm(%w, %x, %c) {trans_a=true, trans_b=true}",
    ),
    case("matmul by a matrix", "f32[N,4]", "%w = const f32[4,3] rand(seed=1)\n%y = matmul(%x, %w)"),
    case(
        "matmul of rank 3 by a matrix",
        "f32[N,2,4]",
        "%w = const f32[4,3] rand(seed=1)\n%y = matmul(%x, %w)",
    ),
    case("matmul by a stack", "f32[N,1,2,4]", "%w = const f32[3,4,2] rand(seed=1)\n%y = matmul(%x, %w)"),
    case("matmul from the left", "f32[N,4,2]", "%w = const f32[3,4] rand(seed=1)\n%y = matmul(%w, %x)"),
    case(
        "attention",
        "f32[N,2,3,4]",
        "%t = transpose(%x) {perm=[0,1,3,2]}\n%p = matmul(%x, %t)\n%s = softmax(%p) {axis=3}\n%y = matmul(%s, %x)",
    ),
    case(
        "batch_norm of a map",
        "f32[N,3,2,2]",
        "%g = const f32[3] [0.5, -1.5, 1]\n%b = const f32[3] rand(seed=2)\n%m = const f32[3] rand(seed=3)
         %v = const f32[3] [0.5, 1, 2]\n%y = batch_norm(%x, %g, %b, %m, %v) {eps=0.01}",
    ),
    case(
        "batch_norm of a vector",
        "f32[N,3]",
        "%g = const f32[3] [0.5, -1.5, 1]\n%b = const f32[3] rand(seed=2)\n%m = const f32[3] rand(seed=3)
         %v = const f32[3] [0.5, 1, 2]\n%y = batch_norm(%x, %g, %b, %m, %v)",
    ),
];

pub const ELEMENTWISE: &[Case] = &[
    case("relu", "f32[N,3,4]", "%y = relu(%x)"),
    case("relu of a vector, twice", "f32[N,7]", "%a = relu(%x)\n%b = neg(%x)\n%c = relu(%b)\n%d = mul(%c, %c)\n%y = add(%a, %d)"),
    case("capped_relu", "f32[N,3,4]", "%y = capped_relu(%x) {cap=0.25}"),
    case("leaky_relu", "f32[N,7]", "%y = leaky_relu(%x) {slope=0.2}"),
    case("prelu by channel", "f32[N,3,2,2]", "%s = const f32[3,1,1] [0.1, 0.5, -1]\n%y = prelu(%x, %s)"),
    case("prelu by a scalar", "f32[N,3]", "%s = const f32[] [0.25]\n%y = prelu(%x, %s)"),
    case("clip", "f32[N,9]", "%y = clip(%x) {min=-0.5, max=0.25}"),
    case("clip from below", "f32[N,9]", "%y = clip(%x) {min=-0.25}"),
    case("clip from above", "f32[N,9]", "%y = clip(%x) {max=0.25}"),
    case("clip of nothing", "f32[N,9]", "%y = clip(%x)"),
    case("neg", "f32[N,5]", "%y = neg(%x)"),
    case("abs", "f32[N,5]", "%y = abs(%x)"),
    case("exp", "f32[N,5]", "%y = exp(%x)"),
    case("log", "f32[N,5]", "%k = const f32[] [2]\n%p = add(%x, %k)\n%y = log(%p)"),
    case("sqrt", "f32[N,5]", "%k = const f32[] [2]\n%p = add(%x, %k)\n%y = sqrt(%p)"),
    case("reciprocal", "f32[N,5]", "%k = const f32[] [2]\n%p = add(%x, %k)\n%y = reciprocal(%p)"),
    case("sigmoid", "f32[N,5]", "%y = sigmoid(%x)"),
    case("tanh", "f32[N,5]", "%y = tanh(%x)"),
    case("erf", "f32[N,9]", "%k = const f32[] [2]\n%p = mul(%x, %k)\n%y = erf(%p)"),
    case("silu", "f32[N,5]", "%y = silu(%x)"),
    case("hard_swish", "f32[N,9]", "%k = const f32[] [5]\n%p = mul(%x, %k)\n%y = hard_swish(%p)"),
    case("hard_sigmoid", "f32[N,9]", "%k = const f32[] [5]\n%p = mul(%x, %k)\n%y = hard_sigmoid(%p)"),
    case("softplus", "f32[N,5]", "%y = softplus(%x)"),
    case("functions far from 0", "f32[N,9]", "%k = const f32[] [200]\n%p = mul(%x, %k)
         %a = softplus(%p)\n%b = silu(%p)\n%c = tanh(%p)\n%d = sigmoid(%p)\n%e = erf(%p)
         %f = add(%a, %b)\n%g = add(%c, %d)\n%h = add(%f, %g)\n%y = add(%h, %e)"),
    stepped("floor", "f32[N,9]", "%k = const f32[] [4]\n%p = mul(%x, %k)\n%y = floor(%p)"),
    stepped("ceil", "f32[N,9]", "%k = const f32[] [4]\n%p = mul(%x, %k)\n%y = ceil(%p)"),
    case("add of one shape", "f32[N,2,3]", "%a = neg(%x)\n%b = exp(%x)\n%y = add(%a, %b)"),
    case("add to itself", "f32[N,2,3]", "%y = add(%x, %x)"),
    case("add a constant of lower rank", "f32[N,2,3]", "%k = const f32[3] rand(seed=1)\n%y = add(%x, %k)"),
    case("sub, the constant first", "f32[N,2,3]", "%k = const f32[2,1] rand(seed=1)\n%y = sub(%k, %x)"),
    case("mul that stretches both", "f32[N,1,3]", "%k = const f32[2,1] rand(seed=1)\n%y = mul(%x, %k)"),
    case("div", "f32[N,2,3]", "%k = const f32[3] [2, -3, 0.5]\n%y = div(%x, %k)"),
    case("div by a value", "f32[N,2,3]", "%k = const f32[] [2]\n%d = add(%x, %k)\n%y = div(%x, %d)"),
    case("max", "f32[N,2,3]", "%k = const f32[3] [0.25, -0.5, 0]\n%y = max(%x, %k)"),
    case("min, stretching", "f32[N,1,3]", "%k = const f32[2,3] rand(seed=1)\n%y = min(%k, %x)"),
    case("pow by 2 of any sign", "f32[N,2,3]", "%k = const f32[] [2]\n%y = pow(%x, %k)"),
    case("pow by 3 of any sign", "f32[N,2,3]", "%k = const f32[] [3]\n%y = pow(%x, %k)"),
    case("pow by one half", "f32[N,2,3]", "%k = const f32[] [2]\n%p = add(%x, %k)\n%h = const f32[3] [0.5, -0.5, 1.5]\n%y = pow(%p, %h)"),
    case("pow by a value", "f32[N,2,3]", "%k = const f32[3] [2, 0.5, 1]\n%y = pow(%k, %x)"),
    case("greater as a gate", "f32[N,2,3]", "%k = const f32[3] [0.25, -0.5, 0]\n%c = greater(%x, %k)\n%f = cast(%c) {to=f32}\n%y = mul(%x, %f)"),
    stepped("greater", "f32[N,2,3]", "%k = const f32[3] [0.25, -0.5, 0]\n%y = greater(%x, %k)"),
    stepped("greater_equal", "f32[N,2,3]", "%y = greater_equal(%x, %x)"),
    stepped("less", "f32[N,1,3]", "%k = const f32[2,1] [0.25, -0.5]\n%y = less(%x, %k)"),
    stepped("less_equal", "f32[N,1,3]", "%k = const f32[2,1] [0.25, -0.5]\n%y = less_equal(%k, %x)"),
    stepped("equal", "f32[N,2,3]", "%f = floor(%x)\n%k = const f32[] [-1]\n%y = equal(%f, %k)"),
    case("where", "f32[N,2,3]", "%k = const f32[3] [0.25, -0.5, 0]\n%c = greater(%x, %k)\n%e = exp(%x)\n%y = where(%c, %e, %k)"),
    case("where by a constant, stretching", "f32[N,1,3]", "%c = const bool[2,1] [true, false]\n%z = const f32[] [0.5]\n%y = where(%c, %x, %z)"),
    stepped("cast to integers and back", "f32[N,9]", "%k = const f32[] [4]\n%p = mul(%x, %k)\n%i = cast(%p) {to=i64}\n%y = cast(%i) {to=f32}"),
    stepped("cast to bool", "f32[N,9]", "%r = relu(%x)\n%y = cast(%r) {to=bool}"),
    stepped("cast to bytes", "f32[N,9]", "%k = const f32[] [9]\n%a = abs(%x)\n%p = mul(%a, %k)\n%y = cast(%p) {to=u8}"),
    stepped("integer arithmetic", "f32[N,9]", "%k = const f32[] [40]\n%p = mul(%x, %k)\n%i = cast(%p) {to=i64}
         %t = const i64[] [3]\n%d = div(%i, %t)\n%a = abs(%d)\n%n = neg(%a)\n%s = sub(%n, %i)\n%c = clip(%s) {min=-7.5, max=9}\n%m = max(%c, %t)\n%y = mul(%m, %t)"),
    case("identity and dropout", "f32[N,5]", "%a = identity(%x)\n%y = dropout(%a)"),
    case("softmax over channels", "f32[N,3,2,2]", "%y = softmax(%x) {axis=1}"),
    case("softmax over the last axis", "f32[N,5]", "%y = softmax(%x) {axis=1}"),
    case("log_softmax", "f32[N,2,4]", "%k = const f32[] [30]\n%p = mul(%x, %k)\n%y = log_softmax(%p) {axis=2}"),
];

pub const WINDOWS: &[Case] = &[
    case("max_pool", "f32[N,2,6,6]", "%y = max_pool(%x) {kernel=[2,2], strides=[2,2]}"),
    case(
        "max_pool, padded unevenly",
        "f32[N,2,5,6]",
        "%y = max_pool(%x) {kernel=[3,2], strides=[2,1], pads=[0,1,2,0]}",
    ),
    case(
        "max_pool, rounded up",
        "f32[N,2,6,5]",
        "%y = max_pool(%x) {kernel=[3,2], strides=[2,2], ceil=true}",
    ),
    case(
        "max_pool, rounded up and padded",
        "f32[N,2,6,7]",
        "%y = max_pool(%x) {kernel=[3,3], strides=[2,3], pads=[1,1,0,2], ceil=true}",
    ),
    case(
        "max_pool of negative values",
        "f32[N,2,4,4]",
        "%k = const f32[] [3]\n%n = sub(%x, %k)\n%y = max_pool(%n) {kernel=[3,3], strides=[2,2], pads=[1,1,1,1]}",
    ),
    case(
        "max_pool, no window starts in the trailing padding",
        "f32[N,1,4,5]",
        "%y = max_pool(%x) {kernel=[2,2], strides=[3,3], pads=[0,0,1,1], ceil=true}",
    ),
    case("avg_pool", "f32[N,2,6,6]", "%y = avg_pool(%x) {kernel=[2,3], strides=[2,3]}"),
    case(
        "avg_pool, padding counted",
        "f32[N,2,5,6]",
        "%y = avg_pool(%x) {kernel=[3,2], strides=[2,1], pads=[0,1,2,0], count_pad=true}",
    ),
    case(
        "avg_pool, padding not counted",
        "f32[N,2,5,6]",
        "%y = avg_pool(%x) {kernel=[3,2], strides=[2,1], pads=[0,1,2,0]}",
    ),
    case(
        "avg_pool, rounded up",
        "f32[N,2,6,5]",
        "%y = avg_pool(%x) {kernel=[3,2], strides=[2,2], ceil=true}",
    ),
    case(
        "avg_pool, rounded up, padding counted",
        "f32[N,2,6,7]",
        "%y = avg_pool(%x) {kernel=[3,3], strides=[2,3], pads=[1,1,0,2], ceil=true, count_pad=true}",
    ),
    case(
        "avg_pool, rounded up, padding not counted",
        "f32[N,2,6,7]",
        "%y = avg_pool(%x) {kernel=[3,3], strides=[2,3], pads=[1,1,0,2], ceil=true}",
    ),
    case("global_mean", "f32[N,3,2,4]", "%y = global_mean(%x)"),
    case("global_mean of a sequence, dropped", "f32[N,3,5]", "%y = global_mean(%x) {keep=false}"),
    case("reduce mean", "f32[N,3,2,4]", "%y = reduce(%x) {kind=mean, axes=[2,3]}"),
    case("reduce mean, dropped", "f32[N,3,2,4]", "%y = reduce(%x) {kind=mean, axes=[1,3], keep=false}"),
    case("reduce sum", "f32[N,3,2,4]", "%y = reduce(%x) {kind=sum, axes=[1], keep=false}"),
    case("reduce max", "f32[N,3,2,4]", "%y = reduce(%x) {kind=max, axes=[1,2,3]}"),
    case("reduce max, dropped", "f32[N,3,2,4]", "%y = reduce(%x) {kind=max, axes=[2], keep=false}"),
    stepped("arg_max", "f32[N,3,4]", "%y = arg_max(%x) {axis=1}"),
    stepped("arg_max of equals", "f32[N,3,4]", "%f = floor(%x)\n%y = arg_max(%f) {axis=2, keep=true}"),
];

pub const MOVEMENT: &[Case] = &[
    case("pad", "f32[N,2,3]", "%y = pad(%x) {before=[0,1,0], after=[0,0,2], value=-1.5}"),
    case("pad nothing", "f32[N,2,3]", "%y = pad(%x) {before=[0,0,0], after=[0,0,0]}"),
    case("pad channels and both sides", "f32[N,2,2,3]", "%y = pad(%x) {before=[0,1,2,0], after=[0,2,0,1]}"),
    case("slice", "f32[N,5,7]", "%y = slice(%x) {axes=[1,2], starts=[1,-5], ends=[4,-1]}"),
    case(
        "slice by steps",
        "f32[N,5,7]",
        "%y = slice(%x) {axes=[1,2], starts=[0,1], ends=[9223372036854775807,6], steps=[2,3]}",
    ),
    case(
        "slice backwards",
        "f32[N,5,7]",
        "%y = slice(%x) {axes=[1,2], starts=[-1,5], ends=[-9223372036854775808,0], steps=[-1,-2]}",
    ),
    case(
        "slice of one element by a huge step",
        "f32[N,5,7]",
        "%y = slice(%x) {axes=[1,2], starts=[2,4], ends=[5,0], steps=[9223372036854775807,-9223372036854775807]}",
    ),
    case("slice past the ends", "f32[N,5]", "%y = slice(%x) {axes=[1], starts=[-100], ends=[100]}"),
    case(
        "subsampling as in shortcuts",
        "f32[N,2,5,4]",
        "%s = slice(%x) {axes=[2,3], starts=[0,0], ends=[9223372036854775807,9223372036854775807], steps=[2,2]}\n%y = pad(%s) {before=[0,1,0,0], after=[0,1,0,0]}",
    ),
    case(
        "concat",
        "f32[N,2,3]",
        "%k = const f32[1,3] rand(seed=1)\n%e = exp(%x)\n%n = neg(%x)\n%y = concat(%x, %e, %n) {axis=1}",
    ),
    case("concat of one value twice", "f32[N,2,3]", "%y = concat(%x, %x) {axis=2}"),
    case("gather", "f32[N,4,2]", "%i = const i64[3] [2, -1, 2]\n%y = gather(%x, %i) {axis=1}"),
    case("gather by a scalar", "f32[N,4,2]", "%i = const i64[] [-2]\n%y = gather(%x, %i) {axis=1}"),
    case(
        "gather by a matrix",
        "f32[N,4,2]",
        "%i = const i64[2,3] [0, 1, 2, 3, -4, 0]\n%y = gather(%x, %i) {axis=1}",
    ),
    case("reshape", "f32[N,2,3]", "%y = reshape(%x) {dims=[N,3,2]}"),
    case(
        "flatten",
        "f32[N,2,3]",
        "%w = const f32[2,6] rand(seed=1)\n%f = reshape(%x) {dims=[N,6]}\n%y = linear(%f, %w)",
    ),
    case("transpose", "f32[N,2,3,4]", "%y = transpose(%x) {perm=[0,3,1,2]}"),
    case(
        "transpose of the batch",
        "f32[N,2,3]",
        "%t = transpose(%x) {perm=[2,0,1]}\n%k = const f32[3,1,1] rand(seed=1)\n%y = mul(%t, %k)",
    ),
    case("expand", "f32[N,1,3]", "%y = expand(%x) {dims=[N,2,3]}"),
    case("expand to a higher rank", "f32[N,3]", "%y = expand(%x) {dims=[2,N,3]}"),
    case("shape", "f32[N,2,3]", "%s = shape(%x) {start=0, end=3}\n%f = cast(%s) {to=f32}\n%y = mul(%x, %f)"),
    stepped("shape of a part", "f32[N,2,3]", "%y = shape(%x) {start=1, end=9}"),
    case(
        "pixel shuffle of rank 6",
        "f32[N,4,2,3]",
        "%a = reshape(%x) {dims=[N,1,2,2,2,3]}\n%b = transpose(%a) {perm=[0,1,4,2,5,3]}\n%y = reshape(%b) {dims=[N,1,4,6]}",
    ),
];

pub const WHOLE: &[Case] = &[
    case(
        "residual block",
        "f32[N,2,6,6]",
        "%w1 = const f32[4,2,3,3] rand(seed=1, scale=0.4)\n%w2 = const f32[4,4,3,3] rand(seed=2, scale=0.4)
         %ws = const f32[4,2,1,1] rand(seed=3)\n%g = const f32[4] [1, 0.5, -1, 2]\n%b = const f32[4] rand(seed=4)
         %m = const f32[4] rand(seed=5, scale=0.1)\n%v = const f32[4] [1, 2, 0.5, 1]
         %c1 = conv(%x, %w1) {strides=[2,2], pads=[1,1,1,1]}\n%n1 = batch_norm(%c1, %g, %b, %m, %v)\n%r1 = relu(%n1)
         %c2 = conv(%r1, %w2) {pads=[1,1,1,1]}\n%s = conv(%x, %ws) {strides=[2,2]}\n%a = add(%c2, %s)\n%r2 = relu(%a)
         %p = global_mean(%r2) {keep=false}\n%w = const f32[3,4] rand(seed=6)\n%y = linear(%p, %w)",
    ),
    case(
        "layer norm and GELU",
        "f32[N,3,4]",
        "%m = reduce(%x) {kind=mean, axes=[2]}\n%d = sub(%x, %m)\n%two = const f32[] [2]\n%q = pow(%d, %two)
         %v = reduce(%q) {kind=mean, axes=[2]}\n%e = const f32[] [0.01]\n%ve = add(%v, %e)\n%s = sqrt(%ve)
         %n = div(%d, %s)\n%g = const f32[4] rand(seed=1)\n%ng = mul(%n, %g)\n%r2 = const f32[] [1.4142135]
         %h = div(%ng, %r2)\n%f = erf(%h)\n%one = const f32[] [1]\n%f1 = add(%f, %one)\n%hf = mul(%ng, %f1)
         %half = const f32[] [0.5]\n%y = mul(%hf, %half)",
    ),
    case("an unused value", "f32[N,3]", "%a = exp(%x)\n%b = neg(%a)\n%y = tanh(%x)"),
    case("the input itself is read again at the end", "f32[N,3]", "%a = exp(%x)\n%b = tanh(%a)\n%y = mul(%b, %x)"),
];
