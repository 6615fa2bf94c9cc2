//! What can be emitted.

relinc_passes::words! {
    /// A format to emit.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum Target ("target") {
        /// `model.onnx`: it runs in any ONNX runtime.
        Onnx = "onnx",
        /// `spu/`: StableHLO, weights, runner.
        Spu = "spu",
        /// `crypten/`: ONNX as CrypTen reads it, runner.
        Crypten = "crypten",
        /// `mp-spdz/`: an MP-SPDZ program and its weights.
        MpSpdz = "mp-spdz",
    }
}

impl Target {
    /// Every file it may have in the output folder.
    pub fn files(self) -> &'static [&'static str] {
        match self {
            Target::Onnx => &["model.onnx", "model.onnx.data"],
            Target::Spu => &[
                "spu/client/images.py",
                "spu/client/query.py",
                "spu/helper/help_party.py",
                "spu/manifest.json",
                "spu/model.aby3.mlir",
                "spu/model.cheetah.mlir",
                "spu/model.mlir",
                "spu/model.semi2k.mlir",
                "spu/public/indices.npz",
                "spu/public/manifest.json",
                "spu/public/meeting.py",
                "spu/public/model.aby3.mlir",
                "spu/public/model.cheetah.mlir",
                "spu/public/model.mlir",
                "spu/public/model.semi2k.mlir",
                "spu/public/places.py",
                "spu/public/run.py",
                "spu/public/service.py",
                "spu/public/session.py",
                "spu/public/workers.py",
                "spu/run.py",
                "spu/sample_input.npy",
                "spu/server/serve.py",
                "spu/server/weights.npz",
                "spu/weights.npz",
            ],
            Target::Crypten => &[
                "crypten/manifest.json",
                "crypten/model.onnx",
                "crypten/model.onnx.data",
                "crypten/public/architecture.onnx",
                "crypten/public/images.py",
                "crypten/public/manifest.json",
                "crypten/public/party.py",
                "crypten/public/run.py",
                "crypten/run.py",
                "crypten/sample_input.npy",
                "crypten/server/model.onnx",
                "crypten/server/model.onnx.data",
            ],
            Target::MpSpdz => &[
                "mp-spdz/README.md",
                "mp-spdz/client/write_input.py",
                "mp-spdz/image.txt",
                "mp-spdz/public/README.md",
                "mp-spdz/public/relinc_model.json",
                "mp-spdz/public/relinc_model.mpc",
                "mp-spdz/relinc_model.json",
                "mp-spdz/relinc_model.mpc",
                "mp-spdz/server/weights.txt",
                "mp-spdz/weights.txt",
            ],
        }
    }
}
