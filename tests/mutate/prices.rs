//! Mutated ONNX files through the model that every command starts from, and its prices.

use super::run::{Outcome, Subject, once_in};
use super::{onnx, seeds};
use relinc::model::Model;
use relinc::passes::driver::Options;
use relinc::passes::front::onnx::{ImportOptions, import};
use relinc::passes::ir::infer::infer;
use relinc::passes::splitmix::SplitMix;
use relinc_passes::proto::ModelProto;
use relinc_runtime::cost::{self, Weights, protocols};
use std::path::{Path, PathBuf};

struct Prices {
    seeds: Vec<ModelProto>,
    folder: PathBuf,
}

pub fn subject(folder: &Path) -> Box<dyn Subject> {
    Box::new(Prices { seeds: seeds::onnx(folder), folder: folder.into() })
}

impl Subject for Prices {
    fn case(&mut self, dice: &mut SplitMix) -> Outcome {
        let path = self.folder.join("case.onnx");
        std::fs::write(&path, onnx::mutant(&self.seeds, dice)).unwrap();
        let options = ImportOptions { in_file: once_in(dice, 2), ..Default::default() };
        let Ok(i) = import(&path, &options) else { return Ok(0) };
        let facts = infer(&i.graph).map_err(|e| format!("does not type: {}", e[0]))?;
        for p in protocols() {
            let priced = cost::price(&i.graph, &facts, p, Weights::Secret);
            let all = priced.total.sent + priced.total.recv;
            if !(all.is_finite() && all >= 0.0) {
                return Err("a price is no number of bytes".into());
            }
        }
        let Ok(m) = Model::canonical(i.graph, i.info, &Options::default(), None) else {
            return Ok(0);
        };
        let Ok(lean) = m.lean() else { return Ok(1) };
        let facts = infer(&lean.graph).map_err(|e| format!("lean, it does not type: {}", e[0]))?;
        let _ = cost::totals(&lean.graph, &facts);
        for p in protocols() {
            let _ = cost::price(&lean.graph, &facts, p, Weights::Public);
        }
        m.whole().map_err(|e| e.to_string())?;
        Ok(2)
    }
}
