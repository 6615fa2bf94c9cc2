//! Not a test of results: `cargo test --release -p relinc-passes -- --ignored speed --nocapture`.
#![allow(clippy::print_stderr)]

use super::{random, rng};
use crate::interp::Interp;
use crate::ir::text::parse;
use std::fmt::Write;
use std::time::Instant;

/// A CIFAR ResNet of `6n+2` layers with folded batch norms, and its multiplications for one image.
pub(crate) fn resnet(n: usize) -> (String, f64) {
    let (mut s, mut macs) = (String::from("graph g {\n%x = input f32[N,3,32,32]\n"), 0.0);
    let mut at = 0;
    let mut conv = |s: &mut String,
                    from: &str,
                    (i, o): (usize, usize),
                    k: usize,
                    stride: usize,
                    size: usize| {
        let (name, pad) = (format!("c{at}"), k / 2);
        at += 1;
        macs += (i * o * k * k * size * size) as f64;
        let scale = 1.5 / ((i * k * k) as f32).sqrt();
        let _ = write!(
            s,
            "%w{name} = const f32[{o},{i},{k},{k}] rand(seed={at}, scale={scale})
             %b{name} = const f32[{o}] rand(seed={at}, scale=0.1)
             %{name} = conv({from}, %w{name}, %b{name}) {{strides=[{stride},{stride}], pads=[{pad},{pad},{pad},{pad}]}}\n"
        );
        format!("%{name}")
    };
    let relu = |s: &mut String, from: &str| {
        let _ = writeln!(s, "{from}r = relu({from})");
        format!("{from}r")
    };
    let first = conv(&mut s, "%x", (3, 16), 3, 1, 32);
    let mut x = relu(&mut s, &first);
    let mut width = 16;
    for (stage, size) in [32, 16, 8].into_iter().enumerate() {
        let out = 16 << stage;
        for block in 0..n {
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            let a = conv(&mut s, &x, (width, out), 3, stride, size);
            let a = relu(&mut s, &a);
            let b = conv(&mut s, &a, (out, out), 3, 1, size);
            let short = if stride == 2 { conv(&mut s, &x, (width, out), 1, 2, size) } else { x.clone() };
            let _ = writeln!(s, "{b}s = add({b}, {short})");
            x = relu(&mut s, &format!("{b}s"));
            width = out;
        }
    }
    let _ = write!(
        s,
        "%p = global_mean({x}) {{keep=false}}
         %wf = const f32[10,64] rand(seed=1, scale=0.1)
         %y = linear(%p, %wf)
         output y = %y }}"
    );
    (s, macs)
}

#[test]
#[ignore = "a measurement"]
fn speed() {
    let (text, macs) = resnet(9);
    let g = parse(&text).expect("parses");
    let i = Interp::new(&g).expect("plans");
    for batch in [1, 8, 64, 128, 256] {
        let x = random(&mut rng(1), &[batch, 3, 32, 32]);
        let rounds = 512usize.div_ceil(batch).min(20);
        let (mut best, cpu) = (f64::INFINITY, cpu_seconds());
        for _ in 0..rounds {
            let t = Instant::now();
            i.run(vec![x.clone()]).expect("runs");
            best = best.min(t.elapsed().as_secs_f64());
        }
        let rate = |n: usize, s: f64| 2.0 * macs * n as f64 / s / 1e9;
        eprintln!(
            "batch {batch}: {:.1} ms, {:.0} images/s, {:.1} GFLOP/s; {:.1} GFLOP/s per core of CPU time",
            best * 1e3,
            batch as f64 / best,
            rate(batch, best),
            rate(batch * rounds, cpu_seconds() - cpu)
        );
    }
}

/// CPU time of this process, which other processes on the machine do not stretch (Linux).
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    ticks.filter_map(|t| t.parse::<f64>().ok()).sum::<f64>() / 100.0
}
