//! What can go wrong on the way in, said once, with file, node, operation and a way out.

use std::fmt;
use std::path::PathBuf;

/// A node that cannot be imported, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeError {
    /// The node's name, or its first output's where it has none.
    pub name: String,
    /// The ONNX operation; `initializer` for a weight.
    pub op_type: String,
    /// What is wrong and what to do.
    pub why: String,
}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} '{}': {}", self.op_type, self.name, self.why)
    }
}

/// A weight whose bytes lie in another file and cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalWeight {
    /// The weight's name.
    pub tensor: String,
    /// The data file, as the model names it.
    pub location: String,
    /// What is wrong.
    pub why: String,
}

/// Why a file was not imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportError {
    /// The file cannot be read.
    Io(PathBuf, String),
    /// The file is no ONNX model.
    NotOnnx(PathBuf, String),
    /// The operator set is too old.
    Opset(PathBuf, i64),
    /// The inputs' types or dimensions leave something open, or `--dim` does not fit them.
    Inputs(PathBuf, Vec<String>),
    /// Weights in other files that cannot be read.
    External {
        /// The model.
        file: PathBuf,
        /// Every such weight.
        weights: Vec<ExternalWeight>,
    },
    /// Nodes that relinc cannot represent.
    Unsupported {
        /// The model.
        file: PathBuf,
        /// Every such node.
        nodes: Vec<NodeError>,
        /// The file's outputs, where none was asked for.
        outputs: Vec<String>,
    },
    /// It is open which output is meant, or there is none such.
    Outputs(PathBuf, String),
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ImportError::Io(file, why) => write!(f, "{}: {why}", file.display()),
            ImportError::NotOnnx(file, why) => write!(f, "{}: not an ONNX model: {why}", file.display()),
            ImportError::Opset(file, v) => write!(
                f,
                "{}: opset {v} is too old; relinc reads opset 7 and later: export it again, or convert it with \
                 onnx.version_converter",
                file.display()
            ),
            ImportError::Inputs(file, whys) => write!(f, "{}: {}", file.display(), whys.join("; ")),
            ImportError::External { file, weights } => external(f, &file.display().to_string(), weights),
            ImportError::Outputs(file, why) => write!(f, "{}: {why}", file.display()),
            ImportError::Unsupported { file, nodes, outputs } => {
                if let [n] = &nodes[..] {
                    write!(f, "{}: {n}", file.display())?;
                } else {
                    write!(f, "{}: {} nodes cannot be imported", file.display(), nodes.len())?;
                    nodes.iter().try_for_each(|n| write!(f, "\n  {n}"))?;
                }
                match outputs.len() {
                    0 | 1 => Ok(()),
                    n => write!(
                        f,
                        "\n  if another of its {n} outputs alone needs that, say which holds the class scores with --output NAME: {}",
                        outputs.join(", ")
                    ),
                }
            }
        }
    }
}

/// One line for each data file and complaint, not one for each weight.
fn external(f: &mut fmt::Formatter<'_>, file: &str, weights: &[ExternalWeight]) -> fmt::Result {
    let mut lines: Vec<(&ExternalWeight, usize)> = vec![];
    for w in weights {
        match lines.iter_mut().find(|(l, _)| l.location == w.location && l.why == w.why) {
            Some((_, n)) => *n += 1,
            None => lines.push((w, 1)),
        }
    }
    write!(f, "{file}: weights in another file cannot be read")?;
    for (w, n) in lines {
        let more = if n > 1 { format!(" and {} more", n - 1) } else { String::new() };
        write!(f, "\n  '{}' (weight '{}'{more}): {}", w.location, w.tensor, w.why)?;
    }
    Ok(())
}

impl std::error::Error for ImportError {}
