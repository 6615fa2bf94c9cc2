//! What a user may ask for: `50000`, `50k`, `18%`, `latency=…`.

use std::fmt;
use std::str::FromStr;

/// A budget as the user wrote it.
#[derive(Debug, Clone, PartialEq)]
pub enum Budget {
    /// A number of ReLUs.
    Relus(usize),
    /// A share of the graph's ReLUs, in percent.
    Percent(f64),
}

/// Why a budget cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BudgetError {
    /// Not a budget.
    #[error("budget '{0}' is not a number of ReLUs (50000, 50k) or a share of them (18%)")]
    Syntax(String),
    /// Announced, not built.
    #[error(
        "budget '{0}': latency budgets are announced but not built yet; give a number of ReLUs or a percentage"
    )]
    Latency(String),
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

impl FromStr for Budget {
    type Err = BudgetError;
    fn from_str(s: &str) -> Result<Budget, BudgetError> {
        let bad = || BudgetError::Syntax(s.to_string());
        let t = s.trim();
        if t.starts_with("latency=") {
            return Err(BudgetError::Latency(s.into()));
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
        let whole = v.is_finite() && v >= 0.0 && (v.round() - v).abs() < 1e-6;
        if whole { Ok(Budget::Relus(v.round() as usize)) } else { Err(bad()) }
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Budget::Relus(n) => write!(f, "{n}"),
            Budget::Percent(p) => write!(f, "{p}%"),
        }
    }
}

impl Budget {
    /// The number of ReLUs to keep out of `total`; a percentage is floor(share × total).
    pub fn relus(&self, total: usize) -> Result<usize, BudgetError> {
        let asked = match self {
            Budget::Relus(n) => *n,
            // The tolerance keeps 18 % of 50 at 9 although 0.18·50 is below 9 in binary.
            Budget::Percent(p) => (p / 100.0 * total as f64 + 1e-9).floor() as usize,
        };
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
        assert_eq!(relus("0", 7), 0);
    }

    #[test]
    fn no_budget_when_malformed_or_too_large() {
        for s in ["", "ten", "-5", "-1%", "1.5", "nan%", "inf"] {
            assert!(s.parse::<Budget>().is_err(), "{s}");
        }
        assert!(matches!("latency=1s@lan".parse::<Budget>(), Err(BudgetError::Latency(_))));
        assert!(matches!(
            "101%".parse::<Budget>().unwrap().relus(100),
            Err(BudgetError::TooLarge { asked: 101, .. })
        ));
    }
}
