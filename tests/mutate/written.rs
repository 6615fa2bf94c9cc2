//! Mutated YAML and JSON.

use super::run::{Outcome, Subject, pick};
use super::text;
use relinc::passes::splitmix::SplitMix;
use relinc::pipeline::Pipeline;
use relinc::report;
use std::path::{Path, PathBuf};

struct Text {
    seeds: Vec<String>,
    folder: PathBuf,
    name: &'static str,
    read: fn(&Path, &str) -> bool,
}

impl Subject for Text {
    fn case(&mut self, dice: &mut SplitMix) -> Outcome {
        let text = text::mutate(pick::<String>(dice, &self.seeds), &self.seeds, dice);
        std::fs::write(self.folder.join(self.name), &text).unwrap();
        std::fs::write(self.folder.join(format!("case-{}", self.name)), &text).unwrap();
        Ok(usize::from((self.read)(&self.folder, &text)))
    }
}

/// The files of a folder of the repository with these endings.
fn files(folders: &[&str], end: &str) -> Vec<String> {
    let mut all = vec![];
    for f in folders {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(f);
        let mut paths: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().flatten().map(|e| e.path()).collect();
        paths.sort();
        let wanted = paths.into_iter().filter(|p| p.extension().is_some_and(|e| e == end));
        all.extend(wanted.map(|p| std::fs::read_to_string(p).unwrap()));
    }
    all
}

pub fn protocol(folder: &Path) -> Box<dyn Subject> {
    let read = |_: &Path, text: &str| {
        let Ok(p) = relinc_runtime::cost::parse("case.yaml", text) else { return false };
        let _ = (p.trust().len(), p.caveat(), p.gather());
        true
    };
    let seeds = files(&["specs/protocols"], "yaml");
    Box::new(Text { seeds, folder: folder.into(), name: "protocol.yaml", read })
}

pub fn pipeline(folder: &Path) -> Box<dyn Subject> {
    let read = |folder: &Path, _: &str| {
        let Ok(p) = Pipeline::read(&folder.join("pipeline.yaml")) else { return false };
        let _ = (p.source(folder).is_ok(), p.images(folder).is_some());
        let plan = p.plan(folder).ok();
        let _ = plan.is_some_and(|plan| plan.check().is_ok() && p.measure(&plan).is_ok());
        let _ = p.request(folder, &folder.join("out"));
        true
    };
    let seeds = files(&["specs/pipelines", "examples", "examples/papers"], "yaml");
    Box::new(Text { seeds, folder: folder.into(), name: "pipeline.yaml", read })
}

pub fn report(folder: &Path) -> Box<dyn Subject> {
    let read = |folder: &Path, _: &str| {
        let Ok(r) = report::read(folder) else { return false };
        report::PAGES.iter().all(|p| !report::page(p, &r).is_empty())
    };
    let mut seeds = files(&["tests/reports"], "json");
    let shared = std::env::var_os("RELINC_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    seeds.extend(std::fs::read_to_string(shared.join("cases/report_loss1e308.json")));
    Box::new(Text { seeds, folder: folder.into(), name: "report.json", read })
}
