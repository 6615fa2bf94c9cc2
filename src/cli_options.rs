//! Words that the command line and pipeline files share.

use crate::error::Error;
use relinc_passes::front::onnx::{Need, Wanted};
use relinc_runtime::data::DataSpec;
use relinc_runtime::search::oneshot::Allocation;

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

/// The output that holds the class scores: the one of this name, or the one that fits the data.
pub fn scores(output: Option<String>, data: Option<&DataSpec>) -> Wanted {
    let classes = data.and_then(|d| d.catalogue().ok()).map(|c| c.classes.len());
    let need = if data.is_some() { Need::Scores } else { Need::One };
    Wanted { output, classes, need }
}
