//! Which files beside a model hold weights of it.

use super::skim::skim;
use crate::proto::{GraphProto, ModelProto, NodeProto, TensorProto};
use prost::Message;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Weights from this many bytes on are passed over.
const LARGE_WEIGHT: usize = 1 << 12;

/// The files of external data that a model names, whether they exist or not. Nothing where the file is no model, which importing it
/// tells.
pub fn data_files(model: &Path) -> Vec<PathBuf> {
    let Some(proto) = read(model) else { return vec![] };
    let mut names = BTreeSet::new();
    let mut graphs: Vec<&GraphProto> = proto.graph.iter().collect();
    let mut nodes: Vec<&NodeProto> = proto.functions.iter().flat_map(|f| &f.node).collect();
    let mut take = |t: &TensorProto| {
        names.extend(t.external_data.iter().filter(|e| e.key == "location").map(|e| e.value.clone()));
    };
    loop {
        if let Some(g) = graphs.pop() {
            g.initializer.iter().for_each(&mut take);
            nodes.extend(&g.node);
        } else if let Some(n) = nodes.pop() {
            for a in &n.attribute {
                a.t.iter().chain(&a.tensors).for_each(&mut take);
                graphs.extend(a.g.iter().chain(&a.graphs));
            }
        } else {
            break;
        }
    }
    let folder = model.parent().unwrap_or(Path::new(""));
    names.into_iter().filter(|n| !n.is_empty()).map(|n| folder.join(n)).collect()
}

fn read(path: &Path) -> Option<ModelProto> {
    let file = crate::files::open(path).ok()?;
    let len = file.metadata().ok().filter(|m| m.is_file())?.len();
    let message = match skim(&file, len, LARGE_WEIGHT) {
        Some(s) => s.message,
        None => crate::files::read(path).ok()?,
    };
    ModelProto::decode(message.as_slice()).ok()
}
