//! Elements whose sign is the same on every image.

use super::oneshot::Layer;
use relinc_passes::insert_masks::InsertMasks;
use relinc_passes::interp::Interp;
use relinc_passes::ir::{Graph, NodeId, Op, Tensor};
use relinc_passes::masks::Masks;
use relinc_passes::pass::{self, Options};
use relinc_passes::stable_sign::{Sign, Signs};
use std::collections::HashMap;

/// Was an element ever negative, ever positive? What is not a number is both.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    negative: bool,
    positive: bool,
}

impl Seen {
    fn sign(self) -> Sign {
        match self {
            Seen { positive: false, .. } => Sign::NeverPositive,
            Seen { negative: false, .. } => Sign::NeverNegative,
            _ => Sign::Varies,
        }
    }
}

/// A graph under masks: every ReLU of a named layer that the masks change is a `masked_relu`.
///
/// # Errors
/// A mask that does not fit its layer.
pub fn masked(g: &Graph, masks: &Masks) -> Result<Graph, String> {
    let mut g = g.clone();
    let options = Options { masks: Some(masks.clone()), ..Options::default() };
    let outcome = pass::run(&InsertMasks, &mut g, &options).map_err(|e| e.to_string())?;
    match outcome.refused.first() {
        Some(r) => Err(format!("mask of '{}': {}", r.node, r.why)),
        None => Ok(g),
    }
}

/// Looks at what each ReLU layer of a canonical graph reads under the given masks, over batches of network inputs.
/// `tell` hears of each batch.
///
/// # Errors
/// A layer or mask that does not fit the graph, inputs that do not fit it, or no image at all.
pub fn signs(
    g: &Graph,
    layers: &[Layer],
    masks: &Masks,
    batches: &[Tensor],
    tell: &mut dyn FnMut(usize, usize),
) -> Result<Signs, String> {
    if batches.is_empty() {
        return Err("stable signs need at least one image".into());
    }
    let g = masked(g, masks)?;
    let mut read_by: HashMap<NodeId, Vec<usize>> = HashMap::new();
    for (l, layer) in layers.iter().enumerate() {
        let is_layer = |&id: &NodeId| {
            matches!(g.op(id), Op::Relu | Op::MaskedRelu)
                && g.node(id).layer.as_deref() == Some(layer.name.as_str())
        };
        let node = g.ids().find(is_layer).ok_or(format!("layer {} is not in the graph", layer.name))?;
        read_by.entry(g.operand(node, 0).ok_or("a ReLU without operand")?).or_default().push(l);
    }
    let mut seen: Vec<Vec<Seen>> =
        layers.iter().map(|l| vec![Seen::default(); l.shape.iter().product()]).collect();
    let mut look = |id: NodeId, x: &Tensor| {
        for &l in read_by.get(&id).into_iter().flatten() {
            note(&mut seen[l], x.as_f32().unwrap_or_default());
        }
    };
    let interp = Interp::new(&g).map_err(|e| e.to_string())?;
    for (i, batch) in batches.iter().enumerate() {
        tell(i + 1, batches.len());
        // The interpreter shows computed values only.
        g.inputs().iter().for_each(|&id| look(id, batch));
        interp.run_watched(vec![batch.clone()], &mut look).map_err(|e| e.to_string())?;
    }
    let signs = |s: Vec<Seen>| s.into_iter().map(Seen::sign).collect();
    Ok(Signs { layers: layers.iter().map(|l| l.name.clone()).zip(seen.into_iter().map(signs)).collect() })
}

fn note(seen: &mut [Seen], values: &[f32]) {
    for image in values.chunks_exact(seen.len().max(1)) {
        for (s, &x) in seen.iter_mut().zip(image) {
            s.negative |= x < 0.0 || x.is_nan();
            s.positive |= x > 0.0 || x.is_nan();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use relinc_passes::ir::text::parse;
    use relinc_passes::masks::{IDENTITY, LayerMask, RELU, ZERO};

    const NET: &str = "graph g { %x = input f32[N,5]\n %r = relu(%x) @relu00\n output y = %r }";

    fn layer() -> Vec<Layer> {
        vec![Layer { name: "relu00".into(), shape: [5, 1, 1] }]
    }

    fn images() -> Vec<Tensor> {
        let rows = [[1.0, -1.0, 1.0, 0.0, f32::NAN], [2.0, -2.0, -1.0, 0.0, 1.0]];
        rows.into_iter().map(|r| Tensor::f32([1, 5], r.to_vec())).collect()
    }

    #[test]
    fn signs_over_all_images_settle_the_masks() {
        let g = parse(NET).unwrap();
        let of = |v| {
            let mut m = Masks::default();
            m.layers.insert("relu00".into(), LayerMask { shape: [5, 1, 1], values: v, slope: None });
            m
        };
        let mut masks = of(vec![RELU; 5]);
        let found = signs(&g, &layer(), &masks, &images(), &mut |_, _| {}).unwrap();
        use Sign::*;
        assert_eq!(found.layers["relu00"], [NeverNegative, NeverPositive, Varies, NeverPositive, Varies]);
        found.settle(&mut masks);
        assert_eq!(masks, of(vec![IDENTITY, ZERO, RELU, ZERO, RELU]));
        let mut given = of(vec![ZERO, IDENTITY, IDENTITY, RELU, RELU]);
        found.settle(&mut given);
        assert_eq!(given, of(vec![ZERO, IDENTITY, IDENTITY, ZERO, RELU]));
    }

    #[test]
    fn a_slope_keeps_the_elements_of_its_channel_from_the_identity() {
        let mask = LayerMask { shape: [5, 1, 1], values: vec![RELU; 5], slope: Some(vec![0.5; 5]) };
        let mut masks = Masks { layers: [("relu00".to_string(), mask)].into(), ..Masks::default() };
        let found =
            signs(&parse(NET).unwrap(), &layer(), &Masks::default(), &images(), &mut |_, _| {}).unwrap();
        found.settle(&mut masks);
        assert_eq!(masks.layers["relu00"].values, [RELU, ZERO, RELU, ZERO, RELU]);
    }

    #[test]
    fn no_images_is_an_error() {
        let g = parse(NET).unwrap();
        assert!(signs(&g, &layer(), &Masks::default(), &[], &mut |_, _| {}).is_err());
    }
}
