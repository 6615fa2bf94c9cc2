//! Words that the command line and pipeline files share.

use crate::error::Error;
use relinc_runtime::search::oneshot::Allocation;

/// The cost models that are asked where nobody says which.
pub const PROTOCOLS: [&str; 2] = ["spu-semi2k", "spu-aby3"];

/// The networks that are asked where nobody says which.
pub const NETWORKS: [&str; 2] = ["lan", "wan"];

/// `global` or `senet`, the latter with sensitivities or without.
pub fn allocation(how: &str, eta: Option<Vec<f64>>) -> Result<Allocation, Error> {
    if eta.iter().flatten().any(|e| !e.is_finite() || *e < 0.0) {
        return Err(Error::Input("eta: sensitivities are finite and not negative".into()));
    }
    match (how, eta) {
        ("global", None) => Ok(Allocation::Global),
        ("global", Some(_)) => Err(Error::Input("eta goes with allocation senet".into())),
        ("senet", eta) => Ok(Allocation::Senet(eta)),
        _ => Err(Error::Input(format!("allocation '{how}' is not known; choose global or senet"))),
    }
}

/// Points of accuracy that may be lost: from 0 to 100.
pub fn points(v: f64) -> Result<f64, String> {
    match (0.0..=100.0).contains(&v) {
        true => Ok(v),
        false => {
            Err(format!("{v} is not between 0 and 100; it is a number of points of accuracy, such as 2.5"))
        }
    }
}

/// The same from the command line.
pub fn parse_points(s: &str) -> Result<f64, String> {
    let number =
        s.trim().parse().map_err(|_| format!("{s} is no number of points; write 2.5, for instance"))?;
    points(number)
}

/// `compile` finds masks without training; the methods that train are refused with advice.
pub fn untrained_method(m: &str) -> Result<(), Error> {
    match m {
        "oneshot" => Ok(()),
        m if crate::training::trains(m) => Err(Error::Input(format!(
            "method {m} trains: use relinc search, or relinc run with a pipeline file; compile does oneshot"
        ))),
        _ => Err(Error::Input(format!("method '{m}' is not known; choose oneshot"))),
    }
}
