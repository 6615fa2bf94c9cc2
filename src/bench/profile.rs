//! Where the time of a repetition goes, by kernel and by what it works on.

use super::clock;
use crate::error::Result;
use serde::Serialize;
use std::fmt;
use std::time::Instant;

/// One kind of work, or one kind of work on values of one size.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// The kernel.
    pub kernel: String,
    /// What it works on; nothing for all together.
    pub on: Option<String>,
    /// Calls.
    pub calls: u64,
    /// Wall-clock time of all calls.
    pub seconds: f64,
    /// Share of the repetition in percent.
    pub percent: f64,
    /// Floating-point operations a second, in 10⁹, of those that are counted.
    pub gflops: Option<f64>,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match &self.on {
            None => self.kernel.clone(),
            Some(on) => format!("    {on}"),
        };
        write!(
            f,
            "{name:<44} {:>9.2} ms {:>5.1} % {:>4} calls",
            1e3 * self.seconds,
            self.percent,
            self.calls
        )?;
        self.gflops.map_or(Ok(()), |g| write!(f, " {g:>6.1} GFLOP/s"))
    }
}

/// Repeats once more and says where the time went: kernels by their time, each followed by what it worked on.
pub(super) fn of(once: &mut dyn FnMut() -> Result<()>) -> Result<Vec<Line>> {
    clock::start();
    let start = Instant::now();
    let done = once();
    let all = start.elapsed().as_secs_f64();
    let sums = clock::stop();
    done?;
    let line = |kernel: &str, on: Option<&str>, s: clock::Spent| Line {
        kernel: kernel.into(),
        on: on.map(str::to_string),
        calls: s.calls,
        seconds: s.seconds,
        percent: 100.0 * s.seconds / all,
        gflops: (s.flops > 0.0).then(|| s.flops / s.seconds / 1e9),
    };
    let mut groups: Vec<Vec<Line>> = vec![];
    for of_kernel in sums.chunk_by(|a, b| a.0 == b.0) {
        let total = of_kernel.iter().fold(clock::Spent::default(), |t, (_, _, s)| clock::Spent {
            calls: t.calls + s.calls,
            seconds: t.seconds + s.seconds,
            flops: t.flops + s.flops,
        });
        let mut lines = vec![line(of_kernel[0].0, None, total)];
        if of_kernel.len() > 1 || !of_kernel[0].1.is_empty() {
            lines.extend(of_kernel.iter().map(|(kernel, on, s)| line(kernel, Some(on), *s)));
        }
        groups.push(lines);
    }
    let counted: f64 = groups.iter().map(|g| g[0].seconds).sum();
    let rest = clock::Spent { calls: 1, seconds: all - counted, flops: 0.0 };
    groups.push(vec![line("everything else", None, rest)]);
    groups.sort_by(|a, b| b[0].seconds.total_cmp(&a[0].seconds));
    Ok(groups.concat())
}

/// One line for work that runs beside a repetition of so many seconds.
pub(super) fn beside(what: &str, repetition: f64, work: impl FnOnce() -> Result<()>) -> Result<Vec<Line>> {
    let start = Instant::now();
    work()?;
    let seconds = start.elapsed().as_secs_f64();
    let percent = 100.0 * seconds / repetition;
    Ok(vec![Line { kernel: what.into(), on: None, calls: 1, seconds, percent, gflops: None }])
}
