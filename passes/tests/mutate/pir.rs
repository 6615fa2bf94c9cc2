//! Mutated `.pir`: graphs that ONNX cannot write either.

use super::run::{Outcome, Subject, pick};
use super::{judge, seeds, text};
use relinc_passes::ir::text::parse;
use relinc_passes::splitmix::SplitMix;
use std::path::{Path, PathBuf};

struct Pir {
    seeds: Vec<String>,
    folder: PathBuf,
}

pub fn subject(folder: &Path) -> Box<dyn Subject> {
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
