//! What can be emitted.

use crate::error::Error;

/// A format to emit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// `model.onnx`: it runs in any ONNX runtime.
    Onnx,
    /// `spu/`: StableHLO, weights, runner.
    Spu,
    /// `crypten/`: ONNX as CrypTen reads it, runner.
    Crypten,
    /// `mp-spdz/`: an MP-SPDZ program and its weights.
    MpSpdz,
}

impl Target {
    /// The word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Target::Onnx => "onnx",
            Target::Spu => "spu",
            Target::Crypten => "crypten",
            Target::MpSpdz => "mp-spdz",
        }
    }

    /// Every file it may have in the output folder.
    pub fn files(self) -> &'static [&'static str] {
        match self {
            Target::Onnx => &["model.onnx", "model.onnx.data"],
            Target::Spu => &[
                "spu/manifest.json",
                "spu/model.aby3.mlir",
                "spu/model.cheetah.mlir",
                "spu/model.mlir",
                "spu/model.semi2k.mlir",
                "spu/run.py",
                "spu/sample_input.npy",
                "spu/weights.npz",
            ],
            Target::Crypten => &[
                "crypten/manifest.json",
                "crypten/model.onnx",
                "crypten/model.onnx.data",
                "crypten/run.py",
                "crypten/sample_input.npy",
            ],
            Target::MpSpdz => &[
                "mp-spdz/README.md",
                "mp-spdz/image.txt",
                "mp-spdz/relinc_model.json",
                "mp-spdz/relinc_model.mpc",
                "mp-spdz/weights.txt",
            ],
        }
    }
}

impl std::str::FromStr for Target {
    type Err = Error;
    fn from_str(s: &str) -> Result<Target, Error> {
        match s {
            "onnx" => Ok(Target::Onnx),
            "spu" => Ok(Target::Spu),
            "crypten" => Ok(Target::Crypten),
            "mp-spdz" => Ok(Target::MpSpdz),
            _ => {
                Err(Error::Input(format!("target '{s}' is not known; choose onnx, spu, crypten or mp-spdz")))
            }
        }
    }
}
