//! The micro-graphs: StableHLO programs of one operation each, and the sizes a law sees.

use relinc_runtime::cost::Quantities;
use serde::Serialize;
use std::fmt::Write;

/// An argument of a program.
#[derive(Debug, Clone, Serialize)]
pub struct Arg {
    /// Dimensions.
    pub shape: Vec<usize>,
    /// It is a weight: the setting says who knows it.
    pub weight: bool,
}

/// One program.
#[derive(Debug, Clone, Serialize)]
pub struct Micro {
    /// What it is, for messages.
    pub name: String,
    /// StableHLO.
    pub text: String,
    /// Its arguments, in order.
    pub args: Vec<Arg>,
    /// How often it is called.
    pub calls: usize,
    /// The law it belongs to.
    #[serde(skip)]
    pub kind: &'static str,
    /// Its sizes.
    #[serde(skip)]
    pub q: Quantities,
}

/// Elements of elementwise operations.
pub const SIZES: [usize; 8] = [1, 64, 256, 1_024, 4_096, 8_192, 16_384, 32_768];

/// Input channels, output channels, side of the kernel, stride, side of the input.
pub const CONVOLUTIONS: [[usize; 5]; 8] = [
    [3, 16, 3, 1, 32],
    [16, 16, 3, 1, 32],
    [16, 32, 3, 2, 32],
    [32, 32, 3, 1, 16],
    [32, 64, 3, 2, 16],
    [64, 64, 3, 1, 8],
    [16, 32, 1, 2, 32],
    [8, 24, 5, 1, 8],
];

/// Rows, inner side, columns.
pub const LINEAR: [[usize; 3]; 8] = [
    [1, 64, 10],
    [1, 128, 20],
    [1, 256, 10],
    [1, 512, 100],
    [4, 100, 30],
    [8, 32, 5],
    [16, 64, 33],
    [1, 1024, 50],
];

fn ty(shape: &[usize]) -> String {
    shape.iter().fold("tensor<".to_string(), |s, d| format!("{s}{d}x")) + "f32>"
}

/// A program of these arguments; `body` defines `%y`.
fn program(args: &[Arg], out: &[usize], body: &str) -> String {
    let mut head = String::new();
    for (i, a) in args.iter().enumerate() {
        let _ = write!(head, "{}%a{i}: {}", if i > 0 { ", " } else { "" }, ty(&a.shape));
    }
    let out = ty(out);
    format!(
        "module @micro {{\n  func.func @main({head}) -> {out} {{\n{body}\n    return %y : {out}\n  }}\n}}\n"
    )
}

/// An elementwise operation of `n` elements; `constant` is a second operand that is written into the program.
fn elementwise(
    kind: &'static str,
    op: &str,
    n: usize,
    constant: Option<f32>,
    weight: Option<bool>,
    calls: usize,
) -> Micro {
    let mut args = vec![Arg { shape: vec![n], weight: false }];
    args.extend(weight.map(|weight| Arg { shape: vec![n], weight }));
    let t = ty(&[n]);
    let body = match constant {
        Some(c) => {
            format!("    %c = stablehlo.constant dense<{c:?}> : {t}\n    %y = stablehlo.{op} %a0, %c : {t}")
        }
        None => format!("    %y = stablehlo.{op} %a0, %a1 : {t}"),
    };
    Micro {
        name: format!("{kind} of {n}"),
        text: program(&args, &[n], &body),
        args,
        calls,
        kind,
        q: Quantities::elementwise(n),
    }
}

fn convolution([cin, cout, k, stride, side]: [usize; 5], calls: usize) -> Micro {
    let (pad, args) = (k / 2, |shape: Vec<usize>, weight| Arg { shape, weight });
    let o = (side + 2 * pad - k) / stride + 1;
    let args = vec![args(vec![1, cin, side, side], false), args(vec![cout, cin, k, k], true)];
    let out = [1, cout, o, o];
    let body = format!(
        "    %y = stablehlo.convolution(%a0, %a1) dim_numbers = [b, f, 0, 1]x[o, i, 0, 1]->[b, f, 0, 1], window = {{stride = \
         [{stride}, {stride}], pad = [[{pad}, {pad}], [{pad}, {pad}]], rhs_dilate = [1, 1]}} {{batch_group_count = 1 : i64, \
         feature_group_count = 1 : i64}} : ({}, {}) -> {}",
        ty(&args[0].shape),
        ty(&args[1].shape),
        ty(&out)
    );
    let q = product(o * o, cin * k * k, cout);
    let q = Quantities { inputs: (cin * side * side) as f64, im2col: q.rows * q.inner, ..q };
    let name = format!("{k}x{k} s{stride} {cin}->{cout} on {side}");
    Micro { name, text: program(&args, &out, &body), args, calls, kind: "conv", q }
}

fn product(rows: usize, inner: usize, columns: usize) -> Quantities {
    Quantities {
        inputs: (rows * inner) as f64,
        weights: (inner * columns) as f64,
        macs: (rows * inner * columns) as f64,
        rows: rows as f64,
        inner: inner as f64,
        columns: columns as f64,
        ..Quantities::elementwise(rows * columns)
    }
}

fn linear([rows, inner, columns]: [usize; 3], calls: usize) -> Micro {
    let args = vec![
        Arg { shape: vec![rows, inner], weight: false },
        Arg { shape: vec![columns, inner], weight: true },
    ];
    let out = [rows, columns];
    let body = format!(
        "    %y = stablehlo.dot_general %a0, %a1, contracting_dims = [1] x [1] : ({}, {}) -> {}",
        ty(&args[0].shape),
        ty(&args[1].shape),
        ty(&out)
    );
    let name = format!("[{rows},{inner}]x[{inner},{columns}]");
    Micro {
        name,
        text: program(&args, &out, &body),
        args,
        calls,
        kind: "linear",
        q: product(rows, inner, columns),
    }
}

/// A ReLU of `n` elements.
pub fn relu(n: usize, calls: usize) -> Micro {
    elementwise("relu", "maximum", n, Some(0.0), None, calls)
}

/// What costs the same whoever knows the weights.
pub fn any(calls: usize) -> Vec<Micro> {
    let each = |f: &dyn Fn(usize) -> Micro| SIZES.iter().map(|&n| f(n)).collect::<Vec<_>>();
    [
        each(&|n| relu(n, calls)),
        each(&|n| elementwise("mul_const", "multiply", n, Some(0.3), None, calls)),
        each(&|n| elementwise("mul", "multiply", n, None, Some(false), calls)),
        each(&|n| elementwise("local", "add", n, None, Some(false), calls)),
    ]
    .concat()
}

/// What depends on who knows the weights.
pub fn weighted(calls: usize) -> Vec<Micro> {
    let each = |f: &dyn Fn(usize) -> Micro| SIZES.iter().map(|&n| f(n)).collect::<Vec<_>>();
    [
        CONVOLUTIONS.iter().map(|&c| convolution(c, calls)).collect::<Vec<_>>(),
        LINEAR.iter().map(|&l| linear(l, calls)).collect(),
        each(&|n| elementwise("mul_weight", "multiply", n, None, Some(true), calls)),
        each(&|n| elementwise("add_weight", "add", n, None, Some(true), calls)),
    ]
    .concat()
}
