//! Values of options as text: YAML reads them with the words, the bounds and the errors of the command line.

use serde::de::{Deserialize, Deserializer, Error};
use serde_yaml::Value;
use std::fmt::Display;
use std::str::FromStr;

/// A value from what the command line would be given for it.
fn parsed<T: FromStr<Err: Display>, E: Error>(v: &Value) -> Result<T, E> {
    let text = match v {
        Value::String(s) => s.clone(),
        Value::Number(n) => n.to_string(),
        Value::Bool(b) => b.to_string(),
        Value::Null | Value::Sequence(_) | Value::Mapping(_) | Value::Tagged(_) => {
            return Err(E::custom("expected text or a number"));
        }
    };
    text.parse().map_err(E::custom)
}

fn unless_empty<T: FromStr<Err: Display>, E: Error>(v: &Value) -> Result<Option<T>, E> {
    if v.is_null() { Ok(None) } else { parsed(v).map(Some) }
}

/// For `deserialize_with`: an option that may be absent.
pub fn optional<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(d: D) -> Result<Option<T>, D::Error> {
    unless_empty(&Value::deserialize(d)?)
}

/// For `deserialize_with`: an option that may be absent or `off`, which YAML 1.1 reads as false.
pub fn optional_or_off<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(
    d: D,
) -> Result<Option<T>, D::Error> {
    match Value::deserialize(d)? {
        Value::Bool(false) => parsed(&"off".into()).map(Some),
        v => unless_empty(&v),
    }
}

/// For `deserialize_with`: an option with a default.
pub fn or_default<'de, D: Deserializer<'de>, T: FromStr<Err: Display> + Default>(
    d: D,
) -> Result<T, D::Error> {
    Ok(optional(d)?.unwrap_or_default())
}

/// For `deserialize_with`: an option that may be repeated.
pub fn list<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(d: D) -> Result<Vec<T>, D::Error> {
    Vec::<Value>::deserialize(d)?.iter().map(parsed).collect()
}

/// A whole number from `LOW` to `HIGH`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Within<const LOW: i64, const HIGH: i64>(i64);

/// A number of things of which there is at least one.
pub type Count = Within<1, { i64::MAX }>;

impl<const LOW: i64, const HIGH: i64> Within<LOW, HIGH> {
    /// The number.
    pub fn get(self) -> i64 {
        self.0
    }
}

impl Count {
    /// As a length.
    pub fn count(self) -> usize {
        self.0 as usize
    }
}

impl<const LOW: i64, const HIGH: i64> FromStr for Within<LOW, HIGH> {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        match s.trim().parse() {
            Ok(n) if (LOW..=HIGH).contains(&n) => Ok(Within(n)),
            _ if HIGH == i64::MAX => Err(format!("expected a whole number of at least {LOW}")),
            _ => Err(format!("expected a whole number from {LOW} to {HIGH}")),
        }
    }
}

/// Points of accuracy that may be lost: from 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Points(pub f64);

impl FromStr for Points {
    type Err = String;
    fn from_str(s: &str) -> Result<Points, String> {
        let v: f64 =
            s.trim().parse().map_err(|_| format!("{s} is no number of points; write 2.5, for instance"))?;
        match (0.0..=100.0).contains(&v) {
            true => Ok(Points(v)),
            false => Err(format!(
                "{v} is not between 0 and 100; it is a number of points of accuracy, such as 2.5"
            )),
        }
    }
}

/// Two numbers, the smaller first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval(pub f32, pub f32);

impl FromStr for Interval {
    type Err = String;
    fn from_str(s: &str) -> Result<Interval, String> {
        let number = |t: &str| t.trim().parse::<f32>().ok().filter(|v| v.is_finite());
        match s.split_once(',').map(|(l, h)| (number(l), number(h))) {
            Some((Some(l), Some(h))) if l <= h => Ok(Interval(l, h)),
            _ => Err("write two numbers, the smaller first: 0,1".into()),
        }
    }
}
