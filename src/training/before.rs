//! Which network a trained one is held against: the original or its teacher, never what an earlier training left of it.

use super::{Plan, Trained};
use crate::compile::{Before, Named};
use crate::report;
use relinc_passes::front::onnx::{ImportOptions, ModelInfo, import};
use relinc_passes::ir::Graph;
use relinc_runtime::exec::Branch;
use relinc_runtime::train::Kind;
use std::path::Path;

/// Does a stage train the teacher that later stages learn from?
fn taught(plan: &Plan) -> bool {
    let any = |teacher: bool| plan.stages.iter().any(|s| (s.kind == Kind::Teacher) == teacher);
    any(true) && any(false)
}

/// Is there a network before?
pub(super) fn is_known(plan: &Plan) -> bool {
    plan.teacher.is_some() || taught(plan) || !plan.random_start
}

/// The network before; `graph` is the one training began with.
pub(super) fn before(plan: &Plan, found: &Trained, graph: &Graph, info: &ModelInfo) -> Before {
    let teacher = |text: String| {
        Before::Network(Box::new(found.teacher.graph(Branch::Clean)), Named { text, original: true })
    };
    if let Some(path) = &plan.teacher {
        return teacher(format!("the teacher {}", path.display()));
    }
    if taught(plan) {
        return teacher("the teacher of this run".into());
    }
    if plan.random_start {
        return Before::Nothing;
    }
    let own = |text: String, original| Before::Network(Box::new(graph.clone()), Named { text, original });
    let sha = plan.masks.as_ref().and_then(|m| m.model_sha256.as_deref());
    match sha.filter(|sha| *sha != info.sha256) {
        None => own("the original".into(), true),
        Some(sha) => match parent(&info.path, sha) {
            Some(parent) => parent,
            None => {
                let file = info.path.display();
                own(format!("{file} as given: not the original, its masks were made for another file"), false)
            }
        },
    }
}

/// The model with this hash, where the report beside a trained one names it and it still lies there.
fn parent(trained: &Path, sha256: &str) -> Option<Before> {
    let model = report::read(trained.parent()?).ok()?.model;
    let path = Path::new(&model.path);
    if model.sha256 != sha256 || !path.is_file() {
        return None;
    }
    let found = import(path, &ImportOptions::default()).ok().filter(|i| i.info.sha256 == sha256)?;
    let text = format!("the original {}, which the masks were made for", path.display());
    Some(Before::Network(Box::new(found.graph), Named { text, original: true }))
}
