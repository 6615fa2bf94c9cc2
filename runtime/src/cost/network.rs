//! The link between the parties.

use super::CostError;
use super::price::Split;
use super::protocol::Directions;
use std::str::FromStr;

/// A network: what it is called, how long a round trip takes and how much it carries.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// `lan`, `wan`, `mobile`, or as the user spelt it.
    pub name: String,
    /// Round-trip time in seconds.
    pub rtt_s: f64,
    /// Bandwidth in bits a second, each way.
    pub bandwidth_bit_s: f64,
    /// A party's computing time over that of the machine a cost model was measured on.
    pub compute: f64,
}

/// The networks with a name: (name, round trip in seconds, bits a second).
const NAMED: [(&str, f64, f64); 3] = [("lan", 0.5e-3, 1e9), ("wan", 40e-3, 100e6), ("mobile", 80e-3, 20e6)];

impl Network {
    /// `lan`, `wan` and `mobile`.
    pub fn named() -> Vec<Network> {
        let network = |(name, rtt_s, bandwidth_bit_s): (&str, f64, f64)| Network {
            name: name.into(),
            rtt_s,
            bandwidth_bit_s,
            compute: 1.0,
        };
        NAMED.map(network).into()
    }
    /// Seconds of communication: exchanges × round trip / 2 + the larger direction, or both in turn, / bandwidth.
    pub fn communication(&self, s: &Split, d: Directions) -> f64 {
        s.rounds * self.rtt_s / 2.0 + d.bytes(s.sent, s.recv) * 8.0 / self.bandwidth_bit_s
    }
    /// Where a dealer is best: on the LAN of the party that asks it.
    pub fn to_dealer() -> Network {
        let (name, rtt_s, bandwidth_bit_s) = NAMED[0];
        Network { name: name.into(), rtt_s, bandwidth_bit_s, compute: 1.0 }
    }
    /// Seconds of requests to a dealer, each of which is waited for.
    pub fn asking(&self, requests: f64, bytes: f64) -> f64 {
        requests * self.rtt_s + bytes * 8.0 / self.bandwidth_bit_s
    }
    /// Round trip and bandwidth in words, as `40 ms, 100 Mbit/s`.
    pub fn describe(&self) -> String {
        let b = self.bandwidth_bit_s;
        let (v, unit) = if b >= 1e9 {
            (b / 1e9, "Gbit/s")
        } else if b >= 1e6 {
            (b / 1e6, "Mbit/s")
        } else {
            (b / 1e3, "kbit/s")
        };
        format!("{} ms, {} {unit}", trim(self.rtt_s * 1e3), trim(v))
    }
}

fn trim(v: f64) -> f64 {
    (v * 1e6).round() / 1e6
}

const UNITS_TIME: &[(&str, f64)] = &[("us", 1e-6), ("ms", 1e-3), ("s", 1.0)];
const UNITS_RATE: &[(&str, f64)] = &[("kbit", 1e3), ("mbit", 1e6), ("gbit", 1e9), ("bit", 1.0)];

const UNITS_FACTOR: &[(&str, f64)] = &[("x", 1.0), ("", 1.0)];

/// A number with one of these units.
fn measure(s: &str, units: &[(&str, f64)]) -> Option<f64> {
    let s = s.trim().to_ascii_lowercase();
    let s = s.strip_suffix("/s").unwrap_or(&s);
    let (number, factor) = units.iter().find_map(|(u, f)| s.strip_suffix(u).map(|n| (n, *f)))?;
    number.trim().parse::<f64>().ok().map(|n| n * factor)
}

/// Seconds of a time such as `1.5s` or `40ms`.
pub fn parse_seconds(s: &str) -> Option<f64> {
    measure(s, UNITS_TIME)
}

impl FromStr for Network {
    type Err = CostError;

    /// A name, `rtt=40ms;bandwidth=100Mbit` or `40ms,100Mbit`; `;compute=2` makes parties half as fast.
    fn from_str(s: &str) -> Result<Network, CostError> {
        if let Some(n) = Network::named().into_iter().find(|n| n.name == s.trim()) {
            return Ok(n);
        }
        let bad = |why: &str| {
            CostError(format!(
                "network '{s}': {why}; say lan, wan, mobile, or a round trip and a bandwidth as rtt=40ms;bandwidth=100Mbit"
            ))
        };
        let (mut rtt, mut rate, mut compute) = (None, None, None);
        let parts: Vec<&str> = s.split([';', ',']).map(str::trim).filter(|p| !p.is_empty()).collect();
        if !(2..=3).contains(&parts.len()) {
            return Err(bad("it is no known name"));
        }
        for (i, part) in parts.iter().enumerate() {
            let (key, value) = part.split_once('=').unwrap_or((["rtt", "bandwidth", "compute"][i], part));
            let (slot, units, what) = match key.trim() {
                "rtt" => (&mut rtt, UNITS_TIME, "a time such as 40ms"),
                "bandwidth" => (&mut rate, UNITS_RATE, "a rate such as 100Mbit"),
                "compute" => (&mut compute, UNITS_FACTOR, "a factor such as 2 or 0.5x"),
                other => return Err(bad(&format!("unknown key '{other}'"))),
            };
            let v = measure(value, units).ok_or_else(|| bad(&format!("'{value}' is not {what}")))?;
            if slot.replace(v).is_some() {
                return Err(bad(&format!("{key} is given twice")));
            }
        }
        let compute = compute.unwrap_or(1.0);
        if !(compute > 0.0 && compute.is_finite()) {
            return Err(bad("compute is a factor above 0"));
        }
        let rtt = rtt.filter(|r| (0.0..=3600.0).contains(r));
        let rate = rate.filter(|r| (1.0..=1e18).contains(r));
        let (Some(rtt_s), Some(bandwidth_bit_s)) = (rtt, rate) else {
            return Err(bad("a round trip is from 0 to an hour, a bandwidth from 1 bit/s to 1e18"));
        };
        Ok(Network { name: s.trim().to_string(), rtt_s, bandwidth_bit_s, compute })
    }
}
