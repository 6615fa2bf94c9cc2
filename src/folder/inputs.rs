//! What a command reads, so that it does not write over it.

use crate::error::{Result, input};
use relinc_passes::front::onnx::data_files;
use relinc_runtime::data::{DataSpec, Kind};
use relinc_runtime::search::budget::Budget;
use std::fmt;
use std::path::{Path, PathBuf};

/// The files and folders that a command reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inputs(Vec<Input>);

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    what: String,
    path: PathBuf,
    reads: Reads,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reads {
    /// This file.
    File,
    /// Files of this folder, whose names are fixed.
    Some,
    /// Whatever lies in this folder.
    All,
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.what, self.path.display())
    }
}

impl Inputs {
    /// A file.
    pub fn file(&mut self, what: &str, path: &Path) {
        self.0.push(Input { what: what.into(), path: path.into(), reads: Reads::File });
    }

    /// An ONNX model, and the files its weights lie in.
    pub fn model(&mut self, what: &str, path: &Path) {
        self.file(what, path);
        data_files(path).iter().for_each(|p| self.file(&format!("weights of {what}"), p));
    }

    /// A folder with files of fixed names.
    pub fn folder(&mut self, what: &str, path: &Path) {
        self.0.push(Input { what: what.into(), path: path.into(), reads: Reads::Some });
    }

    /// A data set.
    pub fn data(&mut self, data: &DataSpec) {
        let reads = match data.kind() {
            Kind::Shapes => return,
            Kind::Cifar10 | Kind::Cifar100 | Kind::Mnist => Reads::Some,
            Kind::TinyImagenet | Kind::Images => Reads::All,
        };
        self.0.push(Input { what: "the data".into(), path: data.folder().into(), reads });
    }

    /// A cost model by its name, which may be a file's.
    pub fn protocol(&mut self, name: &str) {
        let path = Path::new(name);
        if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
            self.file("the protocol", path);
        }
    }

    /// A budget, which may name a protocol.
    pub fn budget(&mut self, b: &Budget) {
        if let Budget::Latency(l) = b {
            self.protocol(&l.protocol);
        }
    }

    /// The input that would be lost, or be another, if a file appeared at `path` or went from there. Links of both kinds are seen
    /// through.
    pub fn at(&self, path: &Path) -> Option<&Input> {
        let (id, place) = (identity(path), place(path));
        self.0.iter().find(|i| match i.reads {
            Reads::File => id.is_some() && id == identity(&i.path),
            Reads::Some => id.is_some() && i.has(&place),
            Reads::All => i.has(&place),
        })
    }

    /// Refuses an output folder in which every new file would be taken for data, or lie among the data.
    ///
    /// # Errors
    /// It is one.
    pub fn apart_from(&self, folder: &Path) -> Result<()> {
        let at = place(folder);
        let same = |i: &&Input| match i.reads {
            Reads::File => false,
            Reads::Some => identity(folder).is_some_and(|id| identity(&i.path) == Some(id)),
            Reads::All => i.has(&at),
        };
        match self.0.iter().find(same) {
            None => Ok(()),
            Some(i) => Err(input(format!(
                "{}: lies in {i}, which is read; choose an -o outside of it",
                folder.display()
            ))),
        }
    }
}

impl Input {
    /// Is this place in the folder?
    fn has(&self, place: &Path) -> bool {
        self.path.canonicalize().is_ok_and(|folder| place.starts_with(folder))
    }
}

/// What tells a file from all others, whatever it is called.
#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let m = path.metadata().ok()?;
    Some((m.dev(), m.ino()))
}
#[cfg(not(unix))]
fn identity(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok()
}

/// Where a path leads, of which the last parts may not exist yet.
fn place(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.into());
    for known in absolute.ancestors() {
        if let (Ok(real), Ok(rest)) = (known.canonicalize(), absolute.strip_prefix(known)) {
            return real.join(rest);
        }
    }
    absolute
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn one(path: &Path) -> Inputs {
        let mut i = Inputs::default();
        i.file("the model", path);
        i
    }

    #[test]
    fn a_file_is_known_by_every_name_it_has() {
        let dir = tempfile::tempdir().unwrap();
        let model = dir.path().join("m.onnx");
        fs::write(&model, "m").unwrap();
        fs::create_dir(dir.path().join("out")).unwrap();
        symlink(&model, dir.path().join("soft")).unwrap();
        fs::hard_link(&model, dir.path().join("hard")).unwrap();
        for name in ["m.onnx", "soft", "hard", "./m.onnx", "out/../m.onnx"] {
            assert!(one(&model).at(&dir.path().join(name)).is_some(), "{name}");
            assert!(one(&dir.path().join(name)).at(&model).is_some(), "{name}");
        }
        for name in ["other", "out/m.onnx"] {
            assert!(one(&model).at(&dir.path().join(name)).is_none(), "{name}");
        }
    }

    #[test]
    fn weights_beside_the_model_belong_to_it() {
        use prost::Message;
        use relinc_passes::proto::{GraphProto, ModelProto, StringStringEntryProto, TensorProto};
        let dir = tempfile::tempdir().unwrap();
        let entry = StringStringEntryProto { key: "location".into(), value: "m.data".into() };
        let tensor = TensorProto { external_data: vec![entry], ..Default::default() };
        let graph = GraphProto { initializer: vec![tensor], ..Default::default() };
        let model = ModelProto { graph: Some(graph), ..Default::default() };
        fs::write(dir.path().join("m.onnx"), model.encode_to_vec()).unwrap();
        fs::write(dir.path().join("m.data"), "weights").unwrap();
        let mut inputs = Inputs::default();
        inputs.model("the model", &dir.path().join("m.onnx"));
        let found = inputs.at(&dir.path().join("m.data")).map(ToString::to_string);
        assert!(found.is_some_and(|f| f.contains("weights of the model")));
    }

    #[test]
    fn nothing_is_put_among_images() {
        let dir = tempfile::tempdir().unwrap();
        let photos = dir.path().join("photos");
        fs::create_dir_all(photos.join("cat")).unwrap();
        let mut inputs = Inputs::default();
        inputs.data(&format!("images:{}", photos.display()).parse().unwrap());
        for inside in ["photos", "photos/out", "photos/cat", "photos/new/er"] {
            assert!(inputs.apart_from(&dir.path().join(inside)).is_err(), "{inside}");
        }
        assert!(inputs.apart_from(dir.path()).is_ok());
        assert!(inputs.apart_from(&dir.path().join("photos2")).is_ok());
        assert!(inputs.at(&photos.join("x.npy")).is_some());
    }

    #[test]
    fn nothing_is_put_over_the_files_of_a_data_set_with_fixed_names() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("test_batch.bin"), "").unwrap();
        let mut inputs = Inputs::default();
        inputs.data(&format!("cifar10:{}", dir.path().display()).parse().unwrap());
        assert!(inputs.at(&dir.path().join("test_batch.bin")).is_some());
        assert!(inputs.at(&dir.path().join("logits.npy")).is_none());
        assert!(inputs.apart_from(dir.path()).is_err());
        assert!(inputs.apart_from(&dir.path().join("out")).is_ok());
    }
}
