//! What a user may ask for: `50000`, `50k`, `18%`, `latency=…`.

use crate::cost::{Network, parse_seconds};
use std::fmt;
use std::str::FromStr;

/// A budget as the user wrote it.
#[derive(Debug, Clone, PartialEq)]
pub enum Budget {
    /// A number of ReLUs.
    Relus(usize),
    /// A share of the graph's ReLUs, in percent.
    Percent(f64),
    /// A time a query may take.
    Latency(Latency),
}

/// `latency=1.5s@cheetah/wan`: a time, a cost model and a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Latency {
    /// As written.
    pub text: String,
    /// Seconds a query may take.
    pub seconds: f64,
    /// The cost model's name or file.
    pub protocol: String,
    /// The network.
    pub network: Network,
}

/// Why a budget cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BudgetError {
    /// Not a budget.
    #[error(
        "budget '{0}' is not a number of ReLUs (50000, 50k), a share of them (18%) or a time (latency=1.5s@cheetah/wan)"
    )]
    Syntax(String),
    /// A time where only a number helps.
    #[error("budget '{0}' is a time; here a number of ReLUs or a share of them is needed")]
    Latency(String),
    /// A share so small that it is none. Who wants none writes 0.
    #[error("budget {budget} is 0 of the graph's {total} ReLUs; give more, or write 0 to keep none")]
    Zero {
        /// As written.
        budget: String,
        /// In the graph.
        total: usize,
    },
    /// More than there is.
    #[error("budget {budget} is {asked} ReLUs, but the graph has only {total}; give at most {total} or 100%")]
    TooLarge {
        /// As written.
        budget: String,
        /// In ReLUs.
        asked: usize,
        /// In the graph.
        total: usize,
    },
}

/// Above it numbers are not whole ones for sure.
const MOST: f64 = (1u64 << 53) as f64;

impl FromStr for Budget {
    type Err = BudgetError;
    fn from_str(s: &str) -> Result<Budget, BudgetError> {
        let bad = || BudgetError::Syntax(s.to_string());
        let t = s.trim();
        if t.starts_with("latency=") {
            return Latency::read(t).map(Budget::Latency).ok_or_else(bad);
        }
        if let Some(p) = t.strip_suffix('%') {
            let p: f64 = p.trim().parse().map_err(|_| bad())?;
            return if p.is_finite() && p >= 0.0 { Ok(Budget::Percent(p)) } else { Err(bad()) };
        }
        let (digits, unit) = match t.strip_suffix(['k', 'K']) {
            Some(d) => (d, 1e3),
            None => {
                (t.strip_suffix(['m', 'M']).unwrap_or(t), if t.ends_with(['m', 'M']) { 1e6 } else { 1.0 })
            }
        };
        let digits: String = digits.chars().filter(|c| !matches!(c, ',' | '_')).collect();
        let v: f64 = digits.parse::<f64>().map_err(|_| bad())? * unit;
        let whole = (0.0..=MOST).contains(&v) && (v.round() - v).abs() < 1e-6;
        if whole { Ok(Budget::Relus(v.round() as usize)) } else { Err(bad()) }
    }
}

impl Latency {
    fn read(text: &str) -> Option<Latency> {
        let (time, place) = text.strip_prefix("latency=")?.split_once('@')?;
        let seconds = parse_seconds(time).filter(|s| s.is_finite() && *s > 0.0)?;
        // A network may hold a slash (100Mbit/s), and so may a file of constants.
        let (protocol, network) = place
            .match_indices('/')
            .filter_map(|(i, _)| Some((&place[..i], place[i + 1..].parse::<Network>().ok()?)))
            .next()?;
        let protocol = protocol.to_string();
        Some(Latency { text: text.into(), seconds, protocol, network }).filter(|l| !l.protocol.is_empty())
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Budget::Relus(n) => write!(f, "{n}"),
            Budget::Percent(p) => write!(f, "{p}%"),
            Budget::Latency(l) => f.write_str(&l.text),
        }
    }
}

impl Budget {
    /// The number of ReLUs to keep out of `total`; a percentage is floor(share × total).
    ///
    /// # Errors
    /// More than there are, a share above zero that comes to none, a time.
    pub fn relus(&self, total: usize) -> Result<usize, BudgetError> {
        let asked = match self {
            Budget::Relus(n) => *n,
            // The tolerance keeps 18 % of 50 at 9 although 0.18·50 is below 9 in binary.
            Budget::Percent(p) => (p / 100.0 * total as f64 + 1e-9).floor() as usize,
            Budget::Latency(l) => return Err(BudgetError::Latency(l.text.clone())),
        };
        if asked == 0 && !matches!(self, Budget::Relus(0) | Budget::Percent(0.0)) {
            return Err(BudgetError::Zero { budget: self.to_string(), total });
        }
        if asked > total {
            return Err(BudgetError::TooLarge { budget: self.to_string(), asked, total });
        }
        Ok(asked)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn relus(s: &str, total: usize) -> usize {
        s.parse::<Budget>().unwrap().relus(total).unwrap()
    }

    #[test]
    fn spellings() {
        assert_eq!(relus("50000", 188_416), 50_000);
        assert_eq!(relus("50k", 188_416), 50_000);
        assert_eq!(relus("49.4k", 188_416), 49_400);
        assert_eq!(relus("18,841", 188_416), 18_841);
        assert_eq!(relus("10%", 188_416), 18_841);
        assert_eq!(relus("18%", 50), 9);
        assert_eq!(relus("100%", 7), 7);
    }

    #[test]
    fn times() {
        let read = |s: &str| match s.parse::<Budget>().unwrap() {
            Budget::Latency(l) => (l.seconds, l.protocol, l.network.rtt_s),
            b => panic!("{b}"),
        };
        assert_eq!(read("latency=1.5s@cheetah/wan"), (1.5, "cheetah".into(), 0.04));
        let file = read("latency=250ms@out/mine.yaml/rtt=10ms;bandwidth=100Mbit/s");
        assert_eq!(file, (0.25, "out/mine.yaml".into(), 0.01));
    }

    #[test]
    fn no_budget_when_malformed_or_too_large() {
        assert_eq!((relus("0", 7), relus("0%", 7)), (0, 0));
        let tenth: Budget = "10%".parse().unwrap();
        assert!(matches!(tenth.relus(7), Err(BudgetError::Zero { total: 7, .. })));
        for s in ["", "ten", "-5", "-1%", "1.5", "nan", "nan%", "50%%", "%", "inf"] {
            assert!(s.parse::<Budget>().is_err(), "{s}");
        }
        for s in [
            "latency=1s@lan",
            "latency=1@semi2k/lan",
            "latency=0s@semi2k/lan",
            "latency=1s@/lan",
            "latency=1s@semi2k/moon",
        ] {
            assert!(matches!(s.parse::<Budget>(), Err(BudgetError::Syntax(_))), "{s}");
        }
        let time = "latency=1s@semi2k/lan".parse::<Budget>().unwrap();
        assert!(matches!(time.relus(10), Err(BudgetError::Latency(_))));
        assert!(matches!(
            "101%".parse::<Budget>().unwrap().relus(100),
            Err(BudgetError::TooLarge { asked: 101, .. })
        ));
    }
}
