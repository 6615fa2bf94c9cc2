//! One shot, no training: keep the ReLUs whose loss would move the logits most.
//!
//! Taking the ReLU off an element changes its output by `min(x, 0)` when it becomes the identity and by `−max(x, 0)` when
//! it becomes zero. To first order the logits move by `J·Δ`, where `J` is the derivative of the logits by that output;
//! with a random vector `v`, `E (vᵀJΔ)² = ‖JΔ‖²`. So the cost of an element is `Σ_images (g·Δ)²` with `g = Jᵀv` from one
//! backward pass an image, and the cheaper of identity and zero is what it becomes. An element that is never negative
//! (identity) or never positive (zero) on the calibration images costs nothing and goes first.
//!
//! Effects of many removals are not additive, so the removal is spread over rounds along a cubic (method, section 11): each
//! round measures the costs of all elements on the network as masked so far. The weights never change.

use super::allocate::allocate;
use super::layers::Vanish;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use relinc_passes::choice::Choice;
use relinc_passes::interp::gradients;
use relinc_passes::ir::{Graph, NodeId, Tensor};
use relinc_passes::layers::ReluLayer;
use relinc_passes::masks::{self, LayerMask, Masks};
use std::collections::HashMap;

/// How the budget is spread over the layers.
#[derive(Debug, Clone, PartialEq)]
pub enum Allocation {
    /// One ranking over the whole network.
    Global,
    /// SENet: each layer's count from its sensitivity η (method, section 3), then the best of each layer. Without given
    /// sensitivities η is the root of the layer's summed cost.
    Senet(Option<Vec<f64>>),
}

/// How to search.
#[derive(Debug, Clone)]
pub struct Oneshot {
    /// ReLUs to keep.
    pub keep: usize,
    /// Spread over layers.
    pub allocation: Allocation,
    /// Rounds the removal is spread over, at least 1.
    pub rounds: usize,
    /// Seed of the random projections.
    pub seed: u64,
    /// Allow elements to become zero; otherwise removed elements become the identity, as in the papers.
    pub zeros: bool,
    /// Layers that keep none.
    pub vanish: Vanish,
}

/// Costs of one layer's elements, summed over the calibration images.
struct Costs {
    identity: Vec<f64>,
    zero: Vec<f64>,
}

impl Costs {
    /// The cheaper way to remove element i.
    fn cheaper(&self, i: usize, zeros: bool) -> Worth {
        let becomes_zero = zeros && self.zero[i] < self.identity[i];
        Worth { cost: if becomes_zero { self.zero[i] } else { self.identity[i] }, becomes_zero }
    }
}

/// What removing one ReLU costs, to first order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Worth {
    /// `Σ_images (g·Δ)²` of the cheaper way.
    pub cost: f64,
    /// That way is zero, not the identity.
    pub becomes_zero: bool,
}

/// What each element costs on the network with all its ReLUs, one list a layer.
pub fn worth(
    g: &Graph,
    layers: &[ReluLayer],
    batches: &[Tensor],
    seed: u64,
    zeros: bool,
) -> Result<Vec<Vec<Worth>>, String> {
    let costs = measure(g, layers, batches, &open(layers), seed)?;
    Ok(costs.iter().map(|c| (0..c.identity.len()).map(|i| c.cheaper(i, zeros)).collect()).collect())
}

/// Every element keeps its ReLU.
fn open(layers: &[ReluLayer]) -> Masks {
    Masks::uniform(layers, Choice::Relu)
}

/// Finds masks that keep exactly `options.keep` ReLUs of a canonical graph whose ReLUs carry the layers' names.
/// `batches` are network inputs; `tell` hears of each round.
pub fn search(
    g: &Graph,
    layers: &[ReluLayer],
    batches: &[Tensor],
    options: &Oneshot,
    tell: &mut dyn FnMut(usize, usize),
) -> Result<Masks, String> {
    let caps: Vec<usize> = layers.iter().map(|l| l.shape.iter().product()).collect();
    let total: usize = caps.iter().sum();
    let keep = options.keep.min(total);
    let rounds = options.rounds.max(1);
    let mut masks = open(layers);
    let mut eta = match &options.allocation {
        Allocation::Senet(Some(e)) if e.len() != layers.len() => {
            return Err(format!("{} sensitivities for {} ReLU layers", e.len(), layers.len()));
        }
        Allocation::Senet(e) => e.clone(),
        Allocation::Global => None,
    };
    for round in 1..=rounds {
        tell(round, rounds);
        let rest = 1.0 - round as f64 / rounds as f64;
        let now = keep + ((total - keep) as f64 * rest.powi(3)).round() as usize;
        let costs = measure(g, layers, batches, &masks, options.seed.wrapping_add(round as u64))?;
        let cheaper: Vec<Vec<f64>> = costs
            .iter()
            .zip(&caps)
            .map(|(c, &n)| (0..n).map(|i| c.cheaper(i, options.zeros).cost).collect())
            .collect();
        let (closed, now) = options.vanish.at(&cheaper, now, 1.0 - rest);
        let cost = |l: usize, i: usize| {
            // What has to go is ranked below everything.
            if closed[l] { -1.0 } else { cheaper[l][i] }
        };
        let counts = match options.allocation {
            Allocation::Global => None,
            Allocation::Senet(_) => {
                let measured = || {
                    (0..layers.len()).map(|l| (0..caps[l]).map(|i| cost(l, i)).sum::<f64>().sqrt()).collect()
                };
                Some(allocate(&caps, eta.get_or_insert_with(measured), now))
            }
        };
        let kept = rank(&caps, cost, now, counts.as_deref());
        for (l, layer) in layers.iter().enumerate() {
            let c = &costs[l];
            let zeros = options.zeros && !closed[l];
            let removed =
                |i: usize| if c.cheaper(i, zeros).becomes_zero { Choice::Zero } else { Choice::Identity };
            let values = (0..caps[l]).map(|i| if kept[l][i] { Choice::Relu } else { removed(i) }).collect();
            masks.layers.insert(layer.name.clone(), LayerMask::new(layer.shape, values));
        }
    }
    Ok(masks)
}

/// The dearest elements: `keep` of the whole network, or the given count of each layer. Ties keep the earlier element.
fn rank(
    caps: &[usize],
    cost: impl Fn(usize, usize) -> f64,
    keep: usize,
    counts: Option<&[usize]>,
) -> Vec<Vec<bool>> {
    let mut kept: Vec<Vec<bool>> = caps.iter().map(|&c| vec![false; c]).collect();
    let mut pick = |mut all: Vec<(f64, usize, usize)>, n: usize| {
        all.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        all.iter().take(n).for_each(|&(_, l, i)| kept[l][i] = true);
    };
    let of = |l: usize| (0..caps[l]).map(|i| (cost(l, i), l, i)).collect::<Vec<_>>();
    match counts {
        None => pick((0..caps.len()).flat_map(of).collect(), keep),
        Some(n) => (0..caps.len()).for_each(|l| pick(of(l), n[l])),
    }
    kept
}

/// The costs of every element on the network under the present masks.
fn measure(
    g: &Graph,
    layers: &[ReluLayer],
    batches: &[Tensor],
    masks: &Masks,
    seed: u64,
) -> Result<Vec<Costs>, String> {
    let masked = masks::apply(g, masks).map_err(|e| e.to_string())?;
    let sites: HashMap<&str, NodeId> =
        masked.ids().filter_map(|id| Some((masked.node(id).layer.as_deref()?, id))).collect();
    let mut relu_of: HashMap<NodeId, usize> = HashMap::new();
    let mut input_of: HashMap<NodeId, Vec<usize>> = HashMap::new();
    for (l, layer) in layers.iter().enumerate() {
        let node =
            *sites.get(layer.name.as_str()).ok_or(format!("layer {} is not in the graph", layer.name))?;
        relu_of.insert(node, l);
        input_of.entry(masked.operand(node, 0).ok_or("a ReLU without operand")?).or_default().push(l);
    }
    let mut wanted: Vec<NodeId> = relu_of.keys().chain(input_of.keys()).copied().collect();
    wanted.sort_unstable();
    wanted.dedup();
    let empty = |l: &ReluLayer| vec![0.0; l.shape.iter().product()];
    let mut costs: Vec<Costs> = layers.iter().map(|l| Costs { identity: empty(l), zero: empty(l) }).collect();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    for batch in batches {
        let mut grads: HashMap<usize, Tensor> = HashMap::new();
        let mut values: HashMap<usize, Tensor> = HashMap::new();
        let mut project = |logits: &Tensor| projection(logits, &mut rng);
        gradients(&masked, vec![batch.clone()], &mut project, &wanted, &mut |node, value, grad| {
            if let Some(&l) = relu_of.get(&node) {
                grads.insert(l, grad.clone());
            }
            for &l in input_of.get(&node).into_iter().flatten() {
                values.insert(l, value.clone());
            }
            let ready: Vec<usize> = values.keys().copied().filter(|l| grads.contains_key(l)).collect();
            for l in ready {
                if let (Some(x), Some(g)) = (values.remove(&l), grads.remove(&l)) {
                    accumulate(&mut costs[l], &x, &g);
                }
            }
        })
        .map_err(|e| e.to_string())?;
    }
    Ok(costs)
}

/// Adds `(g·min(x,0))²` and `(g·max(x,0))²` of every image.
fn accumulate(c: &mut Costs, x: &Tensor, g: &Tensor) {
    let (Some(x), Some(g)) = (x.as_f32(), g.as_f32()) else { return };
    let n = c.identity.len();
    for (x, g) in x.chunks_exact(n).zip(g.chunks_exact(n)) {
        for i in 0..n {
            let e = f64::from(x[i] * g[i]).powi(2);
            if x[i] < 0.0 { c.identity[i] += e } else { c.zero[i] += e }
        }
    }
}

/// A random sign for each logit of each image, centred: adding a constant to all logits changes nothing.
fn projection(logits: &Tensor, rng: &mut ChaCha8Rng) -> Tensor {
    let classes = logits.shape().last().copied().unwrap_or(1).max(1);
    let mut v: Vec<f32> = (0..logits.len()).map(|_| if rng.random::<bool>() { 1.0 } else { -1.0 }).collect();
    for row in v.chunks_mut(classes) {
        let mean = row.iter().sum::<f32>() / classes as f32;
        row.iter_mut().for_each(|e| *e -= mean);
    }
    Tensor::f32(logits.shape(), v)
}
