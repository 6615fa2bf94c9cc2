//! A graph as a trainable network: what computes what, which constants are parameters, where the ReLU layers are.

use super::fuse::{self, Fusion};
use super::squares::SquareSite;
use super::untie::untie;
use super::value::{Value, download, upload};
use burn::tensor::{Device, Tensor as Burn};
use relinc_passes::choice::Choice;
use relinc_passes::ir::infer::infer;
use relinc_passes::ir::{Facts, Graph, NodeId, Op, Tensor};
use relinc_passes::layers::{ReluLayer, mask_shape};
use relinc_passes::passes::affine::absorbs_scale;
use std::collections::HashMap;
use std::sync::Arc;

relinc_passes::words! {
    /// Which of a dual batch normalisation's two halves a call uses (AdvProp, arXiv 1911.09665, and
    /// RLNet, arXiv 2402.05521): clean and AugMix images, or adversarial ones.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Branch {
        /// BN_c: clean, augmented and corrupted images.
        #[default]
        Clean = "clean",
        /// BN_a: adversarial images.
        Adversarial = "adversarial",
    }
}

/// What a parameter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Weights of a convolution or linear layer.
    Weight,
    /// A bias.
    Bias,
    /// γ of a batch normalisation.
    Scale,
    /// β of a batch normalisation.
    Shift,
    /// Its running mean: no gradient.
    Mean,
    /// Its running variance: no gradient.
    Variance,
    /// Slopes a channel of a ReLU layer's identity elements; no constant of the graph.
    Slope,
    /// a, b or c of a layer that is quadratic in training; no constant of the graph.
    Coefficient,
    /// Running mean or variance of its squares: no gradient, and no constant of the graph.
    Moment,
    /// (a, b, c) a channel of a ReLU layer's quadratic elements; no constant of the graph.
    Quadratic,
}

impl Role {
    /// Does the optimiser change it?
    pub fn trainable(self) -> bool {
        !matches!(self, Role::Mean | Role::Variance | Role::Moment)
    }

    /// Is it a constant of the graph?
    pub fn in_graph(self) -> bool {
        !matches!(self, Role::Slope | Role::Quadratic | Role::Coefficient | Role::Moment)
    }
}

/// A parameter: a constant of the graph, once for each branch where it belongs to a normalisation.
#[derive(Debug, Clone)]
pub struct Param {
    /// The constant's name in the graph, `/adversarial` after that of the second branch.
    pub name: String,
    /// The constant; the ReLU where it is its slopes or coefficients.
    pub node: NodeId,
    /// What it is.
    pub role: Role,
    /// The branch, of a normalisation's parameters.
    pub branch: Option<Branch>,
    /// Dimensions.
    pub shape: Vec<usize>,
}

/// A batch normalisation.
#[derive(Debug, Clone)]
pub struct NormSite {
    /// Its node.
    pub node: NodeId,
    /// Indices of scale, shift, mean, variance, by branch; equal where there is one branch.
    pub params: [[usize; 4]; 2],
    /// Added to the variance.
    pub eps: f32,
}

/// Where an operand comes from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    Node(usize),
    Param(usize),
    Const(usize),
}

/// One operation of the schedule.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub id: NodeId,
    pub name: String,
    pub op: Op,
    pub operands: Vec<Source>,
    pub norm: Option<usize>,
    pub relu: Option<usize>,
}

/// A network that can be trained: a graph, scheduled, with its parameters told apart from its other constants.
#[derive(Debug, Clone)]
pub struct Network {
    /// The graph it was made from, with parameters that have no elements.
    structure: Arc<Graph>,
    pub(super) facts: Arc<Facts>,
    pub(super) steps: Vec<Step>,
    /// Steps whose values are not read after each one.
    pub(super) last_use: Vec<Vec<usize>>,
    /// How often each step's value is read.
    pub(super) readers: Vec<usize>,
    pub(super) fusion: Fusion,
    pub(super) output: usize,
    pub(super) constants: Vec<Value>,
    params: Vec<Param>,
    norms: Vec<NormSite>,
    relus: Vec<ReluLayer>,
    /// The parameter of each ReLU layer's slopes, where they are learned; empty before [`Network::add_slopes`].
    slopes: Vec<Option<usize>>,
    /// The parameters of each ReLU layer that may be quadratic in training; empty before [`Network::add_squares`].
    pub(super) squares: Vec<Option<SquareSite>>,
    /// The parameter of each ReLU layer's quadratic elements, where their coefficients are learned; empty before
    /// [`Network::add_quadratics`].
    quadratics: Vec<Option<usize>>,
    input: Vec<usize>,
    /// The batch of a graph that takes no other.
    fixed_batch: Option<usize>,
    device: Device,
}

/// A network and the values of its parameters in the graph, in the order of [`Network::params`].
pub type Started = (Network, Vec<Burn<1>>);

/// What a constant in this operand slot is to training.
pub(super) fn role(op: &Op, slot: usize) -> Option<Role> {
    match (op, slot) {
        (Op::Conv(_) | Op::Linear | Op::Gemm { .. } | Op::MatMul, 1) => Some(Role::Weight),
        (Op::Gemm { .. } | Op::MatMul, 0) => Some(Role::Weight),
        (Op::Conv(_) | Op::Linear | Op::Gemm { .. }, 2) => Some(Role::Bias),
        (Op::BatchNorm { .. }, 1) => Some(Role::Scale),
        (Op::BatchNorm { .. }, 2) => Some(Role::Shift),
        (Op::BatchNorm { .. }, 3) => Some(Role::Mean),
        (Op::BatchNorm { .. }, 4) => Some(Role::Variance),
        _ => None,
    }
}

impl Network {
    /// Schedules a canonical graph whose ReLUs carry layer names. With `dual`, every batch normalisation has two branches,
    /// which start equal. The network keeps no weights: the values of its parameters are the caller's.
    ///
    /// # Errors
    /// A graph without exactly one input and one output, or with an operation whose parameters are not constants.
    pub fn new(graph: &Graph, dual: bool, device: &Device) -> Result<Started, String> {
        let mut graph = untie(graph.clone());
        let (_, ty) = graph.only_input()?;
        let facts = infer(&graph).map_err(|e| e.first().map(|e| e.to_string()).unwrap_or_default())?;
        let order = graph.topo().map_err(|n| format!("'{}' is on a cycle", graph.node(n).name))?;
        let output = graph.only_output()?;
        let mut net = Network {
            input: ty.per_sample(),
            fixed_batch: ty.fixed_batch(),
            steps: vec![],
            last_use: vec![],
            readers: vec![],
            fusion: Fusion::default(),
            output: 0,
            constants: vec![],
            params: vec![],
            norms: vec![],
            relus: vec![],
            slopes: vec![],
            squares: vec![],
            quadratics: vec![],
            device: device.clone(),
            structure: Arc::new(Graph::default()),
            facts: Arc::new(facts.without_constants()),
        };
        let mut sources: HashMap<NodeId, Source> = HashMap::new();
        let mut param_of: HashMap<NodeId, usize> = HashMap::new();
        for id in order {
            let node = graph.node(id);
            if matches!(node.op, Op::Const(_)) {
                continue;
            }
            let at = |e: String| format!("{} '{}' {e}", node.op.mnemonic(), node.name);
            if let Op::Dyn(_) = node.op {
                return Err(at("has parameters that are not constants, so it cannot be trained".into()));
            }
            let (mut operands, mut norm) = (vec![], None);
            if let Op::BatchNorm { eps } = node.op {
                norm = Some(net.add_norm(&graph, id, eps, dual).map_err(at)?);
                operands.push(
                    graph
                        .operand(id, 0)
                        .and_then(|x| sources.get(&x).copied())
                        .ok_or_else(|| at("has a constant operand".into()))?,
                );
            } else {
                for (slot, o) in graph.operands(id).into_iter().enumerate() {
                    let source = match (sources.get(&o), graph.const_of(o), role(&node.op, slot)) {
                        (Some(s), _, None) => *s,
                        (Some(s @ Source::Node(_)), ..) => *s,
                        (_, Some(t), Some(role)) if t.as_f32().is_some() => {
                            let i =
                                *param_of.entry(o).or_insert_with(|| net.add_param(&graph, o, role, None));
                            Source::Param(i)
                        }
                        (_, Some(t), _) => {
                            net.constants.push(constant(t, device));
                            let s = Source::Const(net.constants.len() - 1);
                            sources.insert(o, s);
                            s
                        }
                        (Some(s), ..) => *s,
                        (None, None, _) => return Err(at("reads a value that nothing computes".into())),
                    };
                    operands.push(source);
                }
            }
            let cap = node.op.relu_cap().filter(|_| !matches!(node.op, Op::MaskedRelu { .. }));
            let relu = cap.map(|cap| {
                let name = node.layer.clone().unwrap_or_else(|| node.name.clone());
                net.relus.push(ReluLayer {
                    name,
                    node: id,
                    shape: mask_shape(&net.facts, id),
                    cap,
                    redundant: false,
                });
                net.relus.len() - 1
            });
            sources.insert(id, Source::Node(net.steps.len()));
            net.steps.push(Step { id, name: node.name.clone(), op: node.op.clone(), operands, norm, relu });
        }
        net.output = match sources.get(&output) {
            Some(Source::Node(i)) => *i,
            _ => return Err("the model's output is a constant".into()),
        };
        net.readers = fuse::readers(&net.steps, net.output);
        net.last_use = fuse::last_use(&net.steps, None, net.output);
        net.fusion = fuse::plan(&net.steps, &net.facts, &net.readers, net.output);
        net.sort_relus();
        let value = |p: &Param| graph.const_of(p.node).and_then(|t| t.as_f32()).unwrap_or_default().to_vec();
        let values = net.params.iter().map(|p| upload(value(p), device)).collect();
        for p in &net.params {
            graph.set_op(p.node, Op::Const(Arc::new(Tensor::f32([0], vec![]))));
        }
        net.structure = Arc::new(graph);
        Ok((net, values))
    }

    fn add_param(&mut self, g: &Graph, node: NodeId, role: Role, branch: Option<Branch>) -> usize {
        let suffix = if branch == Some(Branch::Adversarial) { "/adversarial" } else { "" };
        let shape = g.const_of(node).map(|t| t.shape().to_vec()).unwrap_or_default();
        self.params.push(Param { name: format!("{}{suffix}", g.node(node).name), node, role, branch, shape });
        self.params.len() - 1
    }

    fn add_norm(&mut self, g: &Graph, id: NodeId, eps: f32, dual: bool) -> Result<usize, String> {
        let roles = [Role::Scale, Role::Shift, Role::Mean, Role::Variance];
        let mut half = |branch| -> Result<[usize; 4], String> {
            let mut at = [0; 4];
            for (i, role) in roles.into_iter().enumerate() {
                let o = g.operand(id, i + 1).filter(|&o| g.const_of(o).is_some_and(|t| t.as_f32().is_some()));
                at[i] = self.add_param(g, o.ok_or("has parameters that are not constants")?, role, branch);
            }
            Ok(at)
        };
        let clean = half(Some(Branch::Clean))?;
        let adversarial = if dual { half(Some(Branch::Adversarial))? } else { clean };
        self.norms.push(NormSite { node: id, params: [clean, adversarial], eps });
        Ok(self.norms.len() - 1)
    }

    /// Adds a parameter that is no constant of the graph.
    pub(super) fn add_own(&mut self, p: Param) -> usize {
        self.params.push(p);
        self.params.len() - 1
    }

    /// Brings the ReLU layers into the order of their names.
    fn sort_relus(&mut self) {
        let mut order: Vec<usize> = (0..self.relus.len()).collect();
        order.sort_by(|&a, &b| self.relus[a].name.cmp(&self.relus[b].name));
        let mut place = vec![0; order.len()];
        order.iter().enumerate().for_each(|(new, &old)| place[old] = new);
        self.relus.sort_by(|a, b| a.name.cmp(&b.name));
        self.steps.iter_mut().for_each(|s| s.relu = s.relu.map(|r| place[r]));
    }

    /// The graph it was made from, with parameters that have no elements.
    pub fn structure(&self) -> &Graph {
        &self.structure
    }
    /// Parameters, in the order of the values that go with them.
    pub fn params(&self) -> &[Param] {
        &self.params
    }
    /// Batch normalisations.
    pub fn norms(&self) -> &[NormSite] {
        &self.norms
    }
    /// ReLU layers, by name.
    pub fn relus(&self) -> &[ReluLayer] {
        &self.relus
    }
    /// Elements of every value that the schedule computes, for one sample.
    pub fn value_sizes(&self) -> Vec<usize> {
        self.steps.iter().map(|s| self.facts.ty(s.id).at(1).iter().product()).collect()
    }
    /// Dimensions of one input sample.
    pub fn input(&self) -> &[usize] {
        &self.input
    }
    /// Images it takes at once: as many as wished, or those of its graph's fixed batch.
    pub fn batch(&self, wish: usize) -> usize {
        self.fixed_batch.unwrap_or(wish)
    }
    /// Where its constants live, without gradients.
    pub fn device(&self) -> &Device {
        &self.device
    }
    /// The same with its constants on another device.
    pub fn to_device(&self, device: &Device) -> Network {
        let constants = self.constants.iter().map(|c| c.to_device(device)).collect();
        Network { constants, device: device.clone(), ..self.clone() }
    }
    /// Has every batch normalisation two branches?
    pub fn dual(&self) -> bool {
        self.norms.iter().any(|n| n.params[0] != n.params[1])
    }
    /// Makes the slopes of identity elements parameters, one a channel, behind all others: of the ReLU layers under which a
    /// convolution or linear layer can take them into its weights. Returns the values to start from, all 1.
    pub fn add_slopes(&mut self) -> Vec<Burn<1>> {
        let mut values = vec![];
        for r in self.relus.iter().skip(self.slopes.len()) {
            let operand = self.structure.operand(r.node, 0);
            let takes = operand.is_some_and(|x| absorbs_scale(&self.structure, &self.facts, x));
            self.slopes.push(takes.then_some(self.params.len()));
            if takes {
                let (name, shape) = (format!("{}.slope", r.name), vec![r.shape[0]]);
                values.push(upload(vec![1.0; r.shape[0]], &self.device));
                self.params.push(Param { name, node: r.node, role: Role::Slope, branch: None, shape });
            }
        }
        values
    }
    /// ReLU layers with learned slopes: their index and that of the parameter.
    pub fn slopes(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.slopes.iter().enumerate().filter_map(|(r, p)| Some((r, (*p)?)))
    }
    /// The parameter of a ReLU layer's learned slopes.
    pub fn slope_of(&self, relu: usize) -> Option<usize> {
        *self.slopes.get(relu)?
    }
    /// Makes the coefficients of quadratic elements parameters, `[C,3]` of a·x² + b·x + c, behind all others, of these ReLU layers that
    /// do not have them yet. Returns the values to start from, the identity.
    pub fn add_quadratics(&mut self, layers: impl Fn(&ReluLayer) -> bool) -> Vec<Burn<1>> {
        self.quadratics.resize(self.relus.len(), None);
        let mut values = vec![];
        for (r, known) in self.relus.iter().zip(&mut self.quadratics) {
            if known.is_none() && layers(r) {
                let (name, shape) = (format!("{}.quadratic", r.name), vec![r.shape[0], 3]);
                *known = Some(self.params.len());
                values.push(upload(Choice::Quadratic.neutral().repeat(r.shape[0]), &self.device));
                self.params.push(Param { name, node: r.node, role: Role::Quadratic, branch: None, shape });
            }
        }
        values
    }
    /// ReLU layers with learned coefficients of quadratic elements: their index and that of the parameter.
    pub fn quadratics(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.quadratics.iter().enumerate().filter_map(|(r, p)| Some((r, (*p)?)))
    }
    /// The parameter of a ReLU layer's learned coefficients.
    pub fn quadratic_of(&self, relu: usize) -> Option<usize> {
        *self.quadratics.get(relu)?
    }
    /// Secure comparisons of all ReLU layers: one a ReLU, two where a layer has a cap.
    pub fn relu_count(&self) -> usize {
        self.relus.iter().map(ReluLayer::comparisons).sum()
    }

    /// Parameter values as leaves of a backward pass; those that are trained want gradients.
    pub fn leaves(&self, values: &[Burn<1>]) -> Vec<Burn<1>> {
        let leaf = |(p, v): (&Param, &Burn<1>)| {
            let leaf = Burn::from_inner(v.clone());
            if p.role.trainable() { leaf.require_grad() } else { leaf }
        };
        self.params.iter().zip(values).map(leaf).collect()
    }

    /// The graph with these parameters in it; of a dual normalisation those of `branch`.
    pub fn write_back(&self, values: &[Burn<1>], branch: Branch) -> Graph {
        let mut g = self.structure.as_ref().clone();
        for (p, v) in self.params.iter().zip(values).filter(|(p, _)| p.role.in_graph()) {
            if p.branch.is_none_or(|b| b == branch || !self.dual()) {
                let t = Tensor::f32(p.shape.clone(), download(v.clone()));
                g.set_op(p.node, Op::Const(Arc::new(t)));
            }
        }
        g
    }
}

/// A constant as floats.
fn constant(t: &Tensor, device: &Device) -> Value {
    use relinc_passes::ir::Data;
    let v = match t.data() {
        Data::F32(v) => v.clone(),
        Data::I64(v) => v.iter().map(|&x| x as f32).collect(),
        Data::U8(v) => v.iter().map(|&x| f32::from(x)).collect(),
        Data::Bool(v) => v.iter().map(|&x| f32::from(u8::from(x))).collect(),
    };
    Value::upload(v, t.shape().to_vec(), device)
}
