//! From the calls of micro-graphs to the text of a law.

use super::graphs::Micro;
use super::runner::Call;
use relinc_runtime::cost::fit::{Fit, Sample, fit};
use relinc_runtime::cost::{Ciphertexts, Packing, Quantities, Side, Weights, find};

/// Above this an affine law gives way to straight lines between the measured points.
const AFFINE_LIMIT: f64 = 0.1;

/// Coefficients of CHEETAH's polynomials at a ring of 64 bits.
const DEGREE: u32 = 8192;

/// A quantity: its key in a protocol file and how to read it.
type Column = (&'static str, fn(&Quantities) -> f64);

const FIXED: Column = ("fixed", |_| 1.0);
const ELEMENTS: Column = ("elements", |q| q.elements);

fn columns(kind: &str) -> &'static [Column] {
    match kind {
        "conv" => &[FIXED, ("im2col", |q| q.im2col), ("weights", |q| q.weights), ("outputs", |q| q.outputs)],
        "linear" => {
            &[FIXED, ("inputs", |q| q.inputs), ("weights", |q| q.weights), ("outputs", |q| q.outputs)]
        }
        _ => &[FIXED, ELEMENTS],
    }
}

/// What all later calls of one kind measured.
pub struct Measured<'a> {
    /// The programs.
    pub micros: Vec<&'a Micro>,
    /// The mean of the later calls of each; of their seconds the least.
    pub means: Vec<Call>,
    /// How many later calls.
    pub repeats: usize,
}

impl<'a> Measured<'a> {
    /// Leaves out the first call of each, which may pay for set-up. With `refills` a later one may pay for some too, so the
    /// least of them counts instead of the mean.
    pub fn new(micros: &'a [Micro], calls: &[Vec<Call>], kind: &str, refills: bool) -> Measured<'a> {
        let mut m = Measured { micros: vec![], means: vec![], repeats: 0 };
        for (g, calls) in micros.iter().zip(calls).filter(|(g, calls)| g.kind == kind && calls.len() > 1) {
            m.repeats = calls.len() - 1;
            let least = |get: fn(&Call) -> f64| calls[1..].iter().map(get).fold(f64::INFINITY, f64::min);
            let mean = |get: fn(&Call) -> f64| match refills {
                true => least(get),
                false => calls[1..].iter().map(get).sum::<f64>() / m.repeats as f64,
            };
            m.micros.push(g);
            m.means.push(Call {
                sent_bytes: mean(|c| c.sent_bytes),
                recv_bytes: mean(|c| c.recv_bytes),
                send_actions: mean(|c| c.send_actions),
                // The least: what the machine does besides only adds.
                seconds: least(|c| c.seconds),
            });
        }
        m
    }

    fn samples(&self, at: impl Fn(&Quantities) -> Vec<f64>, value: fn(&Call) -> f64) -> Vec<Sample> {
        self.micros.iter().zip(&self.means).map(|(m, c)| Sample { at: at(&m.q), value: value(c) }).collect()
    }

    fn affine(&self, columns: &[Column], value: fn(&Call) -> f64) -> Option<(String, f64)> {
        let f = fit(&self.samples(|q| columns.iter().map(|(_, get)| get(q)).collect(), value))?;
        let keys: Vec<&str> = columns.iter().map(|(k, _)| *k).collect();
        Some((map(&keys, &f.coefficients), f.largest_error))
    }

    /// Bytes of one direction and the largest relative error; straight lines between the points where nothing affine does.
    fn bytes(&self, kind: &str, side: Option<Side>, value: fn(&Call) -> f64) -> Option<(String, f64)> {
        if let Some(side) = side {
            return self.ciphertexts(side, value);
        }
        let columns = columns(kind);
        let (text, error) = self.affine(columns, value)?;
        if error <= AFFINE_LIMIT || columns.len() > 2 {
            return Some((text, error));
        }
        let mut points: Vec<(f64, f64)> =
            self.micros.iter().zip(&self.means).map(|(m, c)| (m.q.elements, value(c))).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let points: Vec<String> =
            points.iter().map(|(n, b)| format!("[{}, {}]", number(*n), number(*b))).collect();
        Some((format!("{{piecewise: {{of: elements, points: [{}]}}}}", points.join(", ")), 0.0))
    }

    fn ciphertexts(&self, side: Side, value: fn(&Call) -> f64) -> Option<(String, f64)> {
        let one = |request, response, sparse, coefficient| Ciphertexts {
            packing: Packing::CheetahMatmul,
            degree: DEGREE,
            side,
            request,
            response,
            sparse,
            coefficient,
        };
        let kinds = [
            one(1.0, 0.0, 0.0, 0.0),
            one(0.0, 1.0, 0.0, 0.0),
            one(0.0, 0.0, 1.0, 0.0),
            one(0.0, 0.0, 0.0, 1.0),
        ];
        let at = |q: &Quantities| kinds.iter().map(|k| k.at(q)).chain([q.outputs]).collect();
        let Fit { coefficients: c, largest_error } = fit(&self.samples(at, value))?;
        let name = match side {
            Side::Weights => "weights",
            Side::Activation => "activation",
            Side::Both => "both",
        };
        let text = format!(
            "{{outputs: {}, ciphertexts: {{packing: cheetah-matmul, degree: {DEGREE}, side: {name}, request: {}, response: {}, \
             sparse: {}, coefficient: {}}}}}",
            number(c[4]),
            number(c[0]),
            number(c[1]),
            number(c[2]),
            number(c[3])
        );
        Some((text, largest_error))
    }

    /// Exchanges by the built-in file, of the program in the middle: those of CHEETAH were measured with delays, which no counter
    /// of the runtime tells.
    fn exchanges(&self, kind: &str, weights: Weights) -> f64 {
        let Some(built_in) = find("spu-cheetah").ok() else { return 0.0 };
        let law = built_in.law(kind, weights);
        median(law.iter().flat_map(|l| self.micros.iter().map(|m| l.rounds.at(&m.q))).collect())
    }

    /// A law as it stands in a protocol file; none without measurements.
    pub fn law(&self, kind: &str, weights: Option<Weights>, cheetah: bool) -> Option<String> {
        let products = cheetah && matches!(kind, "conv" | "linear");
        let (sent, recv) = match weights.filter(|_| products) {
            Some(Weights::Secret) => (Some(Side::Both), Some(Side::Both)),
            Some(Weights::Server) => (Some(Side::Weights), Some(Side::Activation)),
            _ => (None, None),
        };
        let (sent, worst_sent) = self.bytes(kind, sent, |c| c.sent_bytes)?;
        let (recv, worst_recv) = self.bytes(kind, recv, |c| c.recv_bytes)?;
        let work: Column = if matches!(kind, "conv" | "linear") { ("macs", |q| q.macs) } else { ELEMENTS };
        let (seconds, worst_seconds) = self.affine(&[FIXED, work], |c| c.seconds)?;
        let rounds = match cheetah {
            true => self.exchanges(kind, weights.unwrap_or(Weights::Secret)),
            false => median(self.means.iter().map(|c| c.send_actions).collect()),
        };
        let sizes = |m: &&Micro| match columns(kind).len() {
            2 => format!("N = {}", m.q.elements),
            _ => m.name.clone(),
        };
        let names: Vec<String> = self.micros.iter().map(sizes).collect();
        Some(format!(
            "{{sent: {sent}, recv: {recv}, rounds: {}, seconds: {seconds}, from: \"{} calls each of {}; largest error {:.2} % \
             sent, {:.2} % received, {:.0} % of the seconds\"}}",
            number(rounds),
            self.repeats,
            names.join(", "),
            worst_sent * 100.0,
            worst_recv * 100.0,
            worst_seconds * 100.0,
        ))
    }
}

/// The value in the middle, the upper one of two; 0 of none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// Keys and values, without those that are 0.
fn map(keys: &[&str], values: &[f64]) -> String {
    let shown: Vec<String> = keys
        .iter()
        .zip(values)
        .filter(|(_, v)| **v != 0.0)
        .map(|(k, v)| format!("{k}: {}", number(*v)))
        .collect();
    format!("{{{}}}", shown.join(", "))
}

/// A number YAML reads back: whole, or with six significant digits.
pub fn number(v: f64) -> String {
    if v.fract() == 0.0 && v.abs() < 1e15 {
        return format!("{v:.0}");
    }
    let digits = (5 - v.abs().log10().floor() as i32).clamp(0, 15) as usize;
    let text = format!("{v:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::calibrate::graphs;
    use relinc_runtime::cost::Law;

    /// Chunks are no exchanges: those of CHEETAH come from the built-in file.
    #[test]
    fn cheetah_counts_no_exchanges() {
        let micros: Vec<Micro> = graphs::SIZES.iter().map(|&n| graphs::relu(n, 2)).collect();
        let call = Call { sent_bytes: 1.0, send_actions: 4_000.0, ..Call::default() };
        let calls: Vec<Vec<Call>> = micros.iter().map(|_| vec![call; 2]).collect();
        let rounds = |cheetah| {
            let text = Measured::new(&micros, &calls, "relu", cheetah).law("relu", None, cheetah).unwrap();
            serde_yaml::from_str::<Law>(&text).unwrap().rounds.at(&Quantities::elementwise(64))
        };
        assert_eq!((rounds(true), rounds(false)), (20.0, 4_000.0));
    }

    /// Calls as a protocol's own laws predict them.
    fn calls(protocol: &str, weights: Weights, micros: &[Micro]) -> Vec<Vec<Call>> {
        let p = find(protocol).unwrap();
        let of = |m: &Micro| {
            let law = p.law(m.kind, weights).unwrap();
            let c = Call {
                sent_bytes: law.sent.at(&m.q),
                recv_bytes: law.recv.at(&m.q),
                send_actions: law.rounds.at(&m.q),
                seconds: 1e-3 + 1e-6 * m.q.elements,
            };
            vec![Call { sent_bytes: 1e9, ..c }, c, c]
        };
        micros.iter().map(of).collect()
    }

    #[test]
    fn the_laws_behind_the_calls_come_back() {
        for (protocol, weights) in [
            ("semi2k", Weights::Secret),
            ("aby3", Weights::Server),
            ("cheetah", Weights::Server),
            ("cheetah", Weights::Secret),
        ] {
            let micros: Vec<Micro> =
                graphs::weighted(3).into_iter().filter(|m| m.kind != "mul_weight").collect();
            let calls = calls(protocol, weights, &micros);
            for kind in ["conv", "linear"] {
                let m = Measured::new(&micros, &calls, kind, protocol == "cheetah");
                let text = m.law(kind, Some(weights), protocol == "cheetah").unwrap();
                let law: Law = serde_yaml::from_str(&text).unwrap();
                for (g, c) in micros.iter().zip(&calls).filter(|(g, _)| g.kind == kind) {
                    let (sent, recv) = (law.sent.at(&g.q), law.recv.at(&g.q));
                    assert!((sent / c[1].sent_bytes - 1.0).abs() < 1e-3, "{protocol} {}: {text}", g.name);
                    assert!((recv / c[1].recv_bytes - 1.0).abs() < 1e-3, "{protocol} {}: {text}", g.name);
                }
            }
        }
    }

    #[test]
    fn what_is_not_affine_becomes_piecewise() {
        let micros: Vec<Micro> = graphs::SIZES.iter().map(|&n| graphs::relu(n, 2)).collect();
        let step = |n: f64| if n > 1000.0 { 5e6 } else { 100.0 };
        let calls: Vec<Vec<Call>> = micros
            .iter()
            .map(|m| vec![Call { sent_bytes: step(m.q.elements), ..Call::default() }; 2])
            .collect();
        let text = Measured::new(&micros, &calls, "relu", false).law("relu", None, false).unwrap();
        let law: Law = serde_yaml::from_str(&text).unwrap();
        assert!(law.sent.piecewise.is_some(), "{text}");
        assert_eq!(law.sent.at(&Quantities::elementwise(4096)), 5e6);
    }

    #[test]
    fn numbers_are_short() {
        let shown = [72.0, 9.333_333_3, 1.234_567_89e-7, 184_960.4].map(number);
        assert_eq!(shown, ["72", "9.33333", "0.000000123457", "184960"]);
    }
}
