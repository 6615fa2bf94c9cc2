//! Mutated ONNX files, and mutated `.pir`: graphs that ONNX cannot write either.

use super::run::{Outcome, Subject, below, once_in, pick};
use super::{judge, onnx, seeds, text};
use relinc_passes::front::onnx::{ImportOptions, Wanted, import};
use relinc_passes::ir::text::parse;
use relinc_passes::splitmix::SplitMix;
use std::path::{Path, PathBuf};
use tract_onnx::pb::ModelProto;

struct Onnx {
    seeds: Vec<ModelProto>,
    folder: PathBuf,
}

pub fn onnx(folder: &Path) -> Box<dyn Subject> {
    Box::new(Onnx { seeds: seeds::onnx(folder), folder: folder.into() })
}

impl Subject for Onnx {
    fn case(&mut self, dice: &mut SplitMix) -> Outcome {
        let path = self.folder.join("case.onnx");
        std::fs::write(&path, onnx::mutant(&self.seeds, dice)).unwrap();
        let options = ImportOptions {
            keep_batch: once_in(dice, 6),
            dims: if once_in(dice, 20) { vec![("N".into(), below(dice, 4))] } else { vec![] },
            in_file: once_in(dice, 2),
            scores: once_in(dice, 2).then(Wanted::default),
        };
        match import(&path, &options) {
            Ok(i) => judge::graph(i.graph, dice, &self.folder),
            Err(e) => {
                let _ = e.to_string();
                Ok(0)
            }
        }
    }
}

struct Pir {
    seeds: Vec<String>,
    folder: PathBuf,
}

pub fn pir(folder: &Path) -> Box<dyn Subject> {
    Box::new(Pir { seeds: seeds::pir(), folder: folder.into() })
}

impl Subject for Pir {
    fn case(&mut self, dice: &mut SplitMix) -> Outcome {
        let text = text::mutate(pick::<String>(dice, &self.seeds), &self.seeds, dice);
        std::fs::write(self.folder.join("case.pir"), &text).unwrap();
        match parse(&text) {
            Ok(g) => judge::graph(g, dice, &self.folder),
            Err(_) => Ok(0),
        }
    }
}
