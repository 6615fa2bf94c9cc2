//! A model brought to canonical form, with named ReLU layers and its head taken off: what every command starts from.

use crate::error::{Error, Result, input};
use crate::probe::Probe;
use crate::report::model::Pass as Done;
use relinc_passes::choice::{Choice, NO_CAP};
use relinc_passes::driver::valid::{self, Valid};
use relinc_passes::driver::{self, Options, Outcome, Pass, PassError, Phase};
use relinc_passes::driver::{core_form, weights};
use relinc_passes::front::onnx::{ImportError, ImportOptions, Imported, ModelInfo, Wanted, import};
use relinc_passes::head::{self, Head};
use relinc_passes::ir::infer::infer;
use relinc_passes::ir::{Facts, Graph, NodeId, Op};
use relinc_passes::layers::{ReluLayer, name_layers, without};
use relinc_passes::masks::{LayerMask, Masks};
use relinc_passes::passes;
use relinc_passes::passes::canonicalise::Canonicalise;
use relinc_passes::passes::drop_redundant_relu::{is_gone, redundant, settle};
use relinc_passes::passes::insert_masks::InsertMasks;
use relinc_runtime::cost;
use std::path::Path;

/// An imported model in canonical form.
#[derive(Debug, Clone)]
pub struct Model {
    /// The canonical, unmasked graph, up to its logits where the output is class scores.
    pub graph: Graph,
    /// What comes after the logits.
    pub head: Head,
    /// Where it came from.
    pub info: ModelInfo,
    /// Its ReLU layers in order.
    pub layers: Vec<ReluLayer>,
    /// What the passes did.
    pub passes: Vec<Done>,
    /// What the import wants the user to know.
    pub notices: Vec<String>,
    /// ReLUs of the graph as it was read: every spelling of a ReLU counted, none moved or dropped yet.
    pub relus_read: u64,
}

impl Model {
    /// Imports a file and runs the exact passes.
    pub fn load(path: &Path, options: &ImportOptions) -> Result<Model> {
        let i = import(path, options).map_err(input)?;
        let mut m = Model::plain(i.graph, i.info)?;
        m.notices.splice(0..0, i.notices);
        Ok(m)
    }

    /// Runs the exact passes on a graph and names its ReLU layers. With a `probe`, the graph is executed after every pass.
    pub fn canonical(
        graph: Graph,
        info: ModelInfo,
        options: &Options,
        probe: Option<&mut Probe>,
    ) -> Result<Model> {
        Model::of_phase(Phase::Canonical, graph, info, options, probe)
    }

    /// The canonical form by the passes that nothing was said to.
    pub fn plain(graph: Graph, info: ModelInfo) -> Result<Model> {
        Model::canonical(graph, info, &Options::default(), None)
    }

    /// The form that is trained: as [`Model::plain`], but batch normalisations stay. The ReLU layers have the same names.
    pub fn trainable(graph: Graph, info: ModelInfo) -> Result<Model> {
        Model::of_phase(Phase::Trainable, graph, info, &Options::default(), None)
    }

    fn of_phase(
        phase: Phase,
        graph: Graph,
        info: ModelInfo,
        options: &Options,
        mut probe: Option<&mut Probe>,
    ) -> Result<Model> {
        let head = Head::default();
        let (layers, passes, notices) = (vec![], vec![], vec![]);
        let mut m = Model { graph, head, info, layers, passes, notices, relus_read: 0 };
        if let Some(p) = probe.as_deref_mut() {
            p.start(&m.graph)?;
        }
        for p in passes::of(phase, options) {
            m.run(p, options, probe.as_deref_mut())?;
            if p.name() == Canonicalise.name() {
                core_form::check(&m.graph).map_err(|e| Error::Input(join(&e, &m.info.path)))?;
                m.relus_read = cost::totals(&m.graph, &m.facts()?).relus;
                m.take_head(probe.as_deref_mut())?;
            }
        }
        m.check_weights()?;
        let facts = m.facts()?;
        let idle = redundant(&m.graph, &facts, options.input_range);
        m.layers = name_layers(&mut m.graph, &facts);
        m.layers.iter_mut().for_each(|l| l.redundant = idle.contains(&l.node));
        Ok(m)
    }

    /// The file's own were read as numbers; what is computed of them need not be any.
    fn check_weights(&self) -> Result<()> {
        let bad = weights::unusable(&self.graph);
        let named = |(id, why): &(NodeId, String)| format!("constant '{}' {why}", self.graph.node(*id).name);
        match bad.is_empty() {
            true => Ok(()),
            false => Err(Error::Input(join(&bad.iter().map(named).collect::<Vec<_>>(), &self.info.path))),
        }
    }

    /// What back ends take, or all that is wrong with the graph.
    pub fn valid(&self) -> Result<Valid<'_>> {
        valid::check(&self.graph).map_err(|e| Error::Input(join(&e, &self.info.path)))
    }

    fn facts(&self) -> Result<Facts> {
        infer(&self.graph).map_err(|e| Error::Input(join(&e, &self.info.path)))
    }

    fn take_head(&mut self, probe: Option<&mut Probe>) -> Result<()> {
        let facts = self.facts()?;
        self.head = head::split(&mut self.graph, &facts);
        self.notices.extend(self.head.said());
        match probe {
            Some(p) if !self.head.is_empty() => p.start(&self.graph),
            _ => Ok(()),
        }
    }

    fn put_head_on(&mut self, probe: Option<&mut Probe>) -> Result<()> {
        let head = std::mem::take(&mut self.head);
        head.attach(&mut self.graph).map_err(|e| self.named(e))?;
        match probe {
            Some(p) if !head.is_empty() => p.start(&self.graph),
            _ => Ok(()),
        }
    }

    /// The graph with its head.
    pub fn whole(&self) -> Result<Graph> {
        let mut g = self.graph.clone();
        self.head.attach(&mut g).map_err(|e| self.named(e))?;
        Ok(g)
    }

    fn named(&self, why: String) -> Error {
        input(format!("{}: {why}", self.info.path.display()))
    }

    /// The model without its redundant layers: what costs something, and what a search looks at.
    pub fn lean(&self) -> Result<Model> {
        let mut m = self.clone();
        let idle: Vec<NodeId> = m.layers.iter().filter(|l| l.redundant).map(|l| l.node).collect();
        if idle.is_empty() {
            return Ok(m);
        }
        m.graph = without(&m.graph, &idle);
        m.layers.retain(|l| !l.redundant);
        passes::run_all(Phase::Cleanup, &mut m.graph, &Options::default())
            .map_err(|e| self.named(e.to_string()))?;
        Ok(m)
    }

    /// Calls those layers redundant that are under masks a network begins with: a layer that masks name, or that is not
    /// idle under them, is one like others.
    pub fn begin_with(&mut self, masks: &Masks) -> Result<()> {
        let mut settled = self.complete(masks.clone());
        settle(&self.graph, &mut settled, None).map_err(|e| self.named(e.to_string()))?;
        let gone = |l: &ReluLayer| settled.layers.get(&l.name).is_some_and(is_gone);
        self.layers.iter_mut().for_each(|l| l.redundant = l.redundant && gone(l));
        Ok(())
    }

    /// Masks with one for every layer, under the layers' caps: those without one keep their ReLUs.
    pub fn complete(&self, masks: Masks) -> Masks {
        self.filled(masks, Choice::Relu, |_| true)
    }

    /// Masks that a search found without the redundant layers, which are the identity there.
    pub fn found(&self, masks: Masks) -> Masks {
        self.filled(masks, Choice::Identity, |l| l.redundant)
    }

    fn filled(&self, mut masks: Masks, with: Choice, which: fn(&ReluLayer) -> bool) -> Masks {
        for l in self.layers.iter().filter(|l| which(l)) {
            let mask = masks.layers.entry(l.name.clone());
            mask.or_insert_with(|| LayerMask::uniform(l.shape, with)).put_under(l.cap);
        }
        masks
    }

    /// The graph to train: redundant ReLUs are identities there, which keep the names of their layers. See [`ReluLayer`].
    pub fn trained_graph(&self) -> Graph {
        let mut g = self.graph.clone();
        self.layers.iter().filter(|l| l.redundant).for_each(|l| g.set_op(l.node, Op::Identity));
        g
    }

    /// Puts the head and the masks on and lowers them: from here on the graph is the whole network. Weighed passes take turns
    /// until none finds anything more that pays.
    pub fn lower(&mut self, options: &Options, mut probe: Option<&mut Probe>) -> Result<()> {
        self.put_head_on(probe.as_deref_mut())?;
        let of = |phase| passes::of(phase, options);
        let passes: Vec<&dyn Pass> = of(Phase::Lowering).chain(of(Phase::Cleanup)).collect();
        for group in passes.chunk_by(|a, b| a.weighed() && b.weighed()) {
            self.in_turn(group, options, probe.as_deref_mut())?;
        }
        Ok(())
    }

    /// Runs one pass and records it.
    pub fn run(&mut self, p: &dyn Pass, options: &Options, probe: Option<&mut Probe>) -> Result<()> {
        self.in_turn(&[p], options, probe)
    }

    /// Runs passes in turn until none finds anything more, and records them.
    pub fn in_turn(
        &mut self,
        passes: &[&dyn Pass],
        options: &Options,
        mut probe: Option<&mut Probe>,
    ) -> Result<()> {
        let mut g = std::mem::take(&mut self.graph);
        let ran = driver::run_in_turn(passes, &mut g, options, &mut |p, outcome, g| {
            self.record(p, outcome, g, probe.as_deref_mut()).map_err(Failed::Said)
        });
        self.graph = g;
        ran.map_err(|e| match e {
            Failed::Said(e) => e,
            Failed::Pass(e) => input(format!("{}: {e}", self.info.path.display())),
        })
    }

    fn record(&mut self, p: &dyn Pass, outcome: Outcome, g: &Graph, probe: Option<&mut Probe>) -> Result<()> {
        if let (true, Some(r)) = (p.name() == InsertMasks::NAME, outcome.refused.first()) {
            return Err(input(format!("{}: mask of '{}': {}", self.info.path.display(), r.node, r.why)));
        }
        let difference = match probe {
            Some(probe) => Some(probe.after(p, g)?),
            None => None,
        };
        let record = Done {
            name: p.name().into(),
            guarantee: p.guarantee().name().into(),
            applied: outcome.applied as u64,
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
        ops.filter(|n| n.op.relu_cap().is_some()).filter_map(|n| n.layer.as_deref())
    }

    /// Comparisons of all layers but redundant ones: one a ReLU, two where the layer has a cap.
    pub fn relus(&self) -> usize {
        self.layers.iter().filter(|l| !l.redundant).map(ReluLayer::comparisons).sum()
    }
}

/// Imports a network that is compared with another one: its output of the name that was asked for there, where it has one.
pub fn import_second(path: &Path, options: &ImportOptions) -> Result<Imported> {
    match import(path, options) {
        Err(ImportError::Outputs(..)) if options.scores.as_ref().is_some_and(|s| s.output.is_some()) => {
            let scores = options.scores.clone().map(|s| Wanted { output: None, ..s });
            import(path, &ImportOptions { scores, ..options.clone() }).map_err(input)
        }
        i => i.map_err(input),
    }
}

/// A trained graph with the ReLUs that [`Model::trained_graph`] took out of these layers.
pub fn with_redundant(mut g: Graph, layers: &[ReluLayer]) -> Graph {
    let cap = |name: &str| layers.iter().find(|l| l.name == name).map_or(NO_CAP, |l| l.cap);
    let out = g.ids().filter(|&id| *g.op(id) == Op::Identity);
    let out: Vec<(NodeId, f32)> =
        out.filter_map(|id| Some((id, cap(g.node(id).layer.as_deref()?)))).collect();
    out.into_iter().for_each(|(id, cap)| g.set_op(id, Op::relu(cap)));
    g
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
