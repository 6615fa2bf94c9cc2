//! Elements whose sign is the same on every image, and those that never reach their layer's cap.

use relinc_passes::interp::Interp;
use relinc_passes::ir::{Graph, NodeId, Tensor};
use relinc_passes::layers::ReluLayer;
use relinc_passes::masks::{self, Masks};
use relinc_passes::passes::stable_sign::{Sign, Signs, Stable};
use std::collections::HashMap;

/// Was an element ever negative, ever positive, ever above its layer's cap? What is not a number is all three.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    negative: bool,
    positive: bool,
    capped: bool,
}

impl Seen {
    fn stable(self) -> Stable {
        let sign = match self {
            Seen { positive: false, .. } => Sign::NeverPositive,
            Seen { negative: false, .. } => Sign::NeverNegative,
            _ => Sign::Varies,
        };
        Stable { sign, capped: self.capped }
    }
}

/// Looks at what each ReLU layer of a canonical graph reads under the given masks, over batches of network inputs.
/// `tell` hears of each batch.
///
/// # Errors
/// A layer or mask that does not fit the graph, inputs that do not fit it, or no image at all.
pub fn signs(
    g: &Graph,
    layers: &[ReluLayer],
    masks: &Masks,
    batches: &[Tensor],
    tell: &mut dyn FnMut(usize, usize),
) -> Result<Signs, String> {
    if batches.is_empty() {
        return Err("stable signs need at least one image".into());
    }
    let g = masks::apply(g, masks).map_err(|e| e.to_string())?;
    let mut read_by: HashMap<NodeId, Vec<usize>> = HashMap::new();
    for (l, layer) in layers.iter().enumerate() {
        let is_layer = |&id: &NodeId| {
            g.op(id).relu_cap().is_some() && g.node(id).layer.as_deref() == Some(layer.name.as_str())
        };
        let node = g.ids().find(is_layer).ok_or(format!("layer {} is not in the graph", layer.name))?;
        read_by.entry(g.operand(node, 0).ok_or("a ReLU without operand")?).or_default().push(l);
    }
    let mut seen: Vec<Vec<Seen>> = layers.iter().map(|l| vec![Seen::default(); l.relus()]).collect();
    let mut look = |id: NodeId, x: &Tensor| {
        for &l in read_by.get(&id).into_iter().flatten() {
            note(&mut seen[l], layers[l].cap, x.as_f32().unwrap_or_default());
        }
    };
    let interp = Interp::new(&g).map_err(|e| e.to_string())?;
    for (i, batch) in batches.iter().enumerate() {
        tell(i + 1, batches.len());
        // The interpreter shows computed values only.
        g.inputs().iter().for_each(|&id| look(id, batch));
        interp.run_watched(vec![batch.clone()], &mut look).map_err(|e| e.to_string())?;
    }
    let signs = |s: Vec<Seen>| s.into_iter().map(Seen::stable).collect();
    Ok(Signs { layers: layers.iter().map(|l| l.name.clone()).zip(seen.into_iter().map(signs)).collect() })
}

fn note(seen: &mut [Seen], cap: f32, values: &[f32]) {
    for image in values.chunks_exact(seen.len().max(1)) {
        for (s, &x) in seen.iter_mut().zip(image) {
            s.negative |= x < 0.0 || x.is_nan();
            s.positive |= x > 0.0 || x.is_nan();
            s.capped |= x > cap || x.is_nan();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use relinc_passes::choice::Choice::{self, *};
    use relinc_passes::choice::NO_CAP;
    use relinc_passes::ir::text::parse;
    use relinc_passes::masks::LayerMask;

    const NET: &str = "graph g { %x = input f32[N,5]\n %r = relu(%x) @relu00\n output y = %r }";

    fn net() -> (Graph, Vec<ReluLayer>) {
        let g = parse(NET).unwrap();
        let node = g.by_name("r").unwrap();
        (g, vec![ReluLayer { name: "relu00".into(), node, shape: [5, 1, 1], cap: NO_CAP, redundant: false }])
    }

    fn of(mask: LayerMask) -> Masks {
        Masks { layers: [("relu00".to_string(), mask)].into(), ..Masks::default() }
    }

    fn images() -> Vec<Tensor> {
        let rows = [[1.0, -1.0, 1.0, 0.0, f32::NAN], [2.0, -2.0, -1.0, 0.0, 1.0]];
        rows.into_iter().map(|r| Tensor::f32([1, 5], r.to_vec())).collect()
    }

    #[test]
    fn signs_over_all_images_settle_the_masks() {
        let (g, layers) = net();
        let of = |v: [Choice; 5]| of(LayerMask::new([5, 1, 1], v.to_vec()));
        let mut masks = of([Relu; 5]);
        let found = signs(&g, &layers, &masks, &images(), &mut |_, _| {}).unwrap();
        use Sign::*;
        let seen: Vec<Sign> = found.layers["relu00"].iter().map(|s| s.sign).collect();
        assert_eq!(seen, [NeverNegative, NeverPositive, Varies, NeverPositive, Varies]);
        found.take_off(&mut masks);
        assert_eq!(masks, of([Identity, Zero, Relu, Zero, Relu]));
        let mut given = of([Zero, Identity, Identity, Relu, Relu]);
        found.take_off(&mut given);
        assert_eq!(given, of([Zero, Identity, Identity, Zero, Relu]));
    }

    #[test]
    fn a_slope_keeps_the_elements_of_its_channel_from_the_identity() {
        let (g, layers) = net();
        let mut masks = of(LayerMask::uniform([5, 1, 1], Relu).with_slopes(vec![0.5; 5]));
        let found = signs(&g, &layers, &Masks::default(), &images(), &mut |_, _| {}).unwrap();
        found.take_off(&mut masks);
        assert_eq!(masks.layers["relu00"].values, [Relu, Zero, Relu, Zero, Relu]);
    }

    #[test]
    fn no_images_is_an_error() {
        let (g, layers) = net();
        assert!(signs(&g, &layers, &Masks::default(), &[], &mut |_, _| {}).is_err());
    }
}
