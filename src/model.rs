//! A model brought to canonical form, with named ReLU layers: what every command starts from.

use crate::error::{Error, input};
use crate::probe::Probe;
use relinc_passes::front::onnx::{ImportOptions, ModelInfo, import};
use relinc_passes::ir::infer::infer;
use relinc_passes::ir::{Graph, Op};
use relinc_passes::layers::{ReluLayer, name_layers};
use relinc_passes::pass::{self, Options, Outcome, Pass, PassError, Refusal};
use relinc_passes::registry;
use relinc_passes::weigh::Candidate;
use std::path::Path;

/// What a pass did to this model; a pass that runs twice has one record.
#[derive(Debug, Clone)]
pub struct PassRecord {
    /// The pass.
    pub name: &'static str,
    /// Its guarantee, in a word.
    pub guarantee: &'static str,
    /// Rewrites applied.
    pub applied: usize,
    /// Places where it would have been wrong.
    pub refused: Vec<Refusal>,
    /// Where a weighed pass could rewrite; of several runs, what was taken in all and what was left in the last.
    pub candidates: Vec<Candidate>,
    /// Largest change of an output, where it was executed before and after.
    pub max_abs_difference: Option<f64>,
}

/// An imported model in canonical form.
#[derive(Debug, Clone)]
pub struct Model {
    /// The canonical, unmasked graph.
    pub graph: Graph,
    /// Where it came from.
    pub info: ModelInfo,
    /// Its ReLU layers in order.
    pub layers: Vec<ReluLayer>,
    /// What the passes did.
    pub passes: Vec<PassRecord>,
    /// What the import wants the user to know.
    pub notices: Vec<String>,
}

impl Model {
    /// Imports a file and runs the exact passes. With a `probe`, the graph is executed after every pass.
    pub fn load(
        path: &Path,
        import_options: &ImportOptions,
        options: &Options,
        probe: Option<&mut Probe>,
    ) -> Result<Model, Error> {
        let i = import(path, import_options).map_err(input)?;
        Model::canonical(i.graph, i.info, i.notices, options, probe)
    }

    /// Runs the exact passes on a graph and names its ReLU layers.
    pub fn canonical(
        graph: Graph,
        info: ModelInfo,
        notices: Vec<String>,
        options: &Options,
        probe: Option<&mut Probe>,
    ) -> Result<Model, Error> {
        Model::normalised(graph, info, notices, options, probe, |_| true)
    }

    /// The form that is trained: as [`Model::canonical`], but batch normalisations stay. The ReLU layers have the same names.
    pub fn trainable(
        graph: Graph,
        info: ModelInfo,
        notices: Vec<String>,
        options: &Options,
    ) -> Result<Model, Error> {
        let keep = |p: &dyn Pass| {
            matches!(p.name(), "canonicalise" | "commute-relu-maxpool" | "drop-softmax" | "drop-dead")
        };
        Model::normalised(graph, info, notices, options, None, keep)
    }

    fn normalised(
        graph: Graph,
        info: ModelInfo,
        notices: Vec<String>,
        options: &Options,
        mut probe: Option<&mut Probe>,
        wanted: impl Fn(&dyn Pass) -> bool,
    ) -> Result<Model, Error> {
        let mut m = Model { graph, info, layers: vec![], passes: vec![], notices };
        if let Some(p) = probe.as_deref_mut() {
            p.start(&m.graph)?;
        }
        for p in registry::normalising().filter(|p| p.enabled(options) && wanted(*p)) {
            m.run(p, options, probe.as_deref_mut())?;
        }
        let facts = infer(&m.graph).map_err(|e| Error::Input(join(&e, &m.info.path)))?;
        m.layers = name_layers(&mut m.graph, &facts);
        Ok(m)
    }

    /// Puts the masks on and lowers them. Weighed passes take turns until none finds anything more that pays.
    pub fn lower(&mut self, options: &Options, mut probe: Option<&mut Probe>) -> Result<(), Error> {
        let passes: Vec<&dyn Pass> = registry::masking().filter(|p| p.enabled(options)).collect();
        for group in passes.chunk_by(|a, b| a.weighed() && b.weighed()) {
            self.in_turn(group, options, probe.as_deref_mut())?;
        }
        Ok(())
    }

    /// Runs one pass and records it.
    pub fn run(&mut self, p: &dyn Pass, options: &Options, probe: Option<&mut Probe>) -> Result<(), Error> {
        self.in_turn(&[p], options, probe)
    }

    /// Runs passes in turn until none finds anything more, and records them.
    pub fn in_turn(
        &mut self,
        passes: &[&dyn Pass],
        options: &Options,
        mut probe: Option<&mut Probe>,
    ) -> Result<(), Error> {
        let mut g = std::mem::take(&mut self.graph);
        let ran = pass::run_in_turn(passes, &mut g, options, &mut |p, outcome, g| {
            self.record(p, outcome, g, probe.as_deref_mut()).map_err(Failed::Said)
        });
        self.graph = g;
        ran.map_err(|e| match e {
            Failed::Said(e) => e,
            Failed::Pass(e) => Error::Input(format!("{}: {e}", self.info.path.display())),
        })
    }

    fn record(
        &mut self,
        p: &dyn Pass,
        outcome: Outcome,
        g: &Graph,
        probe: Option<&mut Probe>,
    ) -> Result<(), Error> {
        if let (true, Some(r)) = (p.name() == "insert-masks", outcome.refused.first()) {
            return Err(Error::Input(format!(
                "{}: mask of '{}': {}",
                self.info.path.display(),
                r.node,
                r.why
            )));
        }
        let difference = match probe {
            Some(probe) => Some(probe.after(p, g)?),
            None => None,
        };
        let record = PassRecord {
            name: p.name(),
            guarantee: p.guarantee().name(),
            applied: outcome.applied,
            refused: outcome.refused,
            candidates: outcome.candidates,
            max_abs_difference: difference,
        };
        match self.passes.iter_mut().find(|r| r.name == record.name) {
            None => self.passes.push(record),
            Some(r) => {
                r.applied += record.applied;
                r.refused = record.refused;
                r.candidates.retain(|c| c.taken);
                r.candidates.extend(record.candidates);
                let both = [r.max_abs_difference, record.max_abs_difference];
                r.max_abs_difference = both.into_iter().flatten().reduce(f64::max);
            }
        }
        Ok(())
    }

    /// Records what a pass changed on images.
    pub fn measured(&mut self, pass: &str, difference: f64) {
        if let Some(r) = self.passes.iter_mut().find(|r| r.name == pass) {
            r.max_abs_difference = Some(r.max_abs_difference.map_or(difference, |d| d.max(difference)));
        }
    }

    /// Names of the layers whose ReLUs are still in the graph.
    pub fn layers_left(&self) -> impl Iterator<Item = &str> {
        let ops = self.graph.ids().map(|id| self.graph.node(id));
        ops.filter(|n| matches!(n.op, Op::Relu | Op::MaskedRelu(_))).filter_map(|n| n.layer.as_deref())
    }

    /// ReLUs in all layers.
    pub fn relus(&self) -> usize {
        self.layers.iter().map(ReluLayer::relus).sum()
    }
}

/// Why passes stopped.
enum Failed {
    Said(Error),
    Pass(PassError),
}

impl From<PassError> for Failed {
    fn from(e: PassError) -> Failed {
        Failed::Pass(e)
    }
}

fn join<E: std::fmt::Display>(errors: &[E], path: &Path) -> String {
    let all: Vec<String> = errors.iter().map(|e| e.to_string()).collect();
    format!("{}: {}", path.display(), all.join("; "))
}
