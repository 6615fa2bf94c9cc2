//! Words that the command line and pipeline files share.

use relinc_passes::front::onnx::{Need, Wanted};
use relinc_runtime::data::DataSpec;

/// The cost models that are asked where nobody says which.
pub const PROTOCOLS: [&str; 2] = ["spu-semi2k", "spu-aby3"];

/// The networks that are asked where nobody says which.
pub const NETWORKS: [&str; 2] = ["lan", "wan"];

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

/// The output that holds the class scores: the one of this name, or the one that fits the data.
pub fn scores(output: Option<String>, data: Option<&DataSpec>) -> Wanted {
    let classes = data.and_then(|d| d.catalogue().ok()).map(|c| c.classes.len());
    let need = if data.is_some() { Need::Scores } else { Need::One };
    Wanted { output, classes, need }
}
