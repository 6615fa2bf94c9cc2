//! Mutated ONNX files, and mutated `.pir`: graphs that ONNX cannot write either.

use super::run::{Outcome, Subject, below, once_in, pick};
use super::{judge, onnx, seeds, text};
use relinc_passes::back::onnx::{OnnxOptions, emit};
use relinc_passes::driver::valid::check;
use relinc_passes::front::onnx::{ImportOptions, Wanted, import};
use relinc_passes::ir::Graph;
use relinc_passes::ir::text::parse;
use relinc_passes::proto::ModelProto;
use relinc_passes::splitmix::SplitMix;
use std::path::{Path, PathBuf};

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
        file(&path, dice, &self.folder)
    }
}

fn file(path: &Path, dice: &mut SplitMix, folder: &Path) -> Outcome {
    let options = ImportOptions {
        keep_batch: once_in(dice, 6),
        dims: if once_in(dice, 20) { vec![("N".into(), below(dice, 4))] } else { vec![] },
        in_file: once_in(dice, 2),
        scores: once_in(dice, 2).then(Wanted::default),
    };
    match import(path, &options) {
        Ok(i) => judge::graph(i.graph, dice, folder),
        Err(e) => {
            let _ = e.to_string();
            Ok(0)
        }
    }
}

/// Mutants that were faults once, in `found`, each with several dice.
struct Found {
    files: Vec<PathBuf>,
    next: usize,
    folder: PathBuf,
}

pub fn found(folder: &Path) -> Box<dyn Subject> {
    let at = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mutate/found");
    let mut files: Vec<PathBuf> = std::fs::read_dir(at).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    Box::new(Found { files, next: 0, folder: folder.into() })
}

impl Subject for Found {
    fn case(&mut self, dice: &mut SplitMix) -> Outcome {
        let from = &self.files[self.next % self.files.len()];
        self.next += 1;
        let path = self.folder.join("case.onnx");
        std::fs::copy(from, &path).unwrap();
        file(&path, dice, &self.folder)
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
            Ok(g) if importable(&g, &self.folder.join("same.onnx")) => judge::graph(g, dice, &self.folder)
                .or_else(|why| match LIMITS.iter().any(|l| why.contains(l)) {
                    true => Ok(0),
                    false => Err(why),
                }),
            _ => Ok(0),
        }
    }
}

/// What the importer says of sizes that it never takes, and that a text may have: where ONNX cannot write the graph before its passes, only
/// what they make of it shows them.
const LIMITS: [&str; 3] = ["has no elements", "that relinc takes", "keeps only the batch symbolic"];

/// Is the graph one that the importer takes, as far as ONNX can write it?
fn importable(g: &Graph, file: &Path) -> bool {
    let emitted = check(g).is_ok_and(|v| emit(&v, file, &OnnxOptions::default()).is_ok());
    !emitted || import(file, &ImportOptions { keep_batch: true, ..Default::default() }).is_ok()
}
