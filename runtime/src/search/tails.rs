//! How far from 0 the operands of ReLU layers lie.

use relinc_passes::interp::Interp;
use relinc_passes::ir::{Graph, NodeId, Tensor};
use std::collections::HashMap;

/// What all layers read over images.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reaches {
    /// One entry a layer.
    pub layers: Vec<Reach>,
    /// The largest |x| of all layers, one for each image.
    pub images: Vec<f32>,
}

/// What a layer reads over images.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reach {
    /// The largest |x| of each image; infinite where one is no number.
    pub largest: Vec<f32>,
    /// Elements seen.
    pub elements: usize,
    /// Elements beyond the limit.
    pub elements_beyond: usize,
    /// Images seen.
    pub images: usize,
    /// Images with an element beyond the limit.
    pub images_beyond: usize,
}

/// Looks at what the layers of these names read in a masked graph, over batches of network inputs; beyond is what is above a layer's
/// limit. `tell` hears of each batch.
///
/// # Errors
/// A layer that the graph does not have, or inputs that do not fit it.
pub fn reach(
    masked: &Graph,
    layers: &[(&str, f32)],
    batches: &[Tensor],
    tell: &mut dyn FnMut(usize, usize),
) -> Result<Reaches, String> {
    let mut read_by: HashMap<NodeId, Vec<usize>> = HashMap::new();
    for (l, (layer, _)) in layers.iter().enumerate() {
        let is_layer = |&id: &NodeId| {
            masked.op(id).relu_cap().is_some() && masked.node(id).layer.as_deref() == Some(*layer)
        };
        let node = masked.ids().find(is_layer).ok_or(format!("layer {layer} is not in the graph"))?;
        read_by.entry(masked.operand(node, 0).ok_or("a ReLU without operand")?).or_default().push(l);
    }
    let mut seen = Reaches { layers: vec![Reach::default(); layers.len()], images: vec![] };
    let mut start = 0;
    let interp = Interp::new(masked).map_err(|e| e.to_string())?;
    for (i, batch) in batches.iter().enumerate() {
        tell(i + 1, batches.len());
        let n = batch.shape().first().copied().unwrap_or(0);
        seen.images.resize(start + n, 0.0);
        let mut look = |id: NodeId, x: &Tensor| {
            for &l in read_by.get(&id).into_iter().flatten() {
                seen.layers[l].add(x, layers[l].1, &mut seen.images[start..]);
            }
        };
        // The interpreter shows computed values only.
        masked.inputs().iter().for_each(|&id| look(id, batch));
        interp.run_watched(vec![batch.clone()], &mut look).map_err(|e| e.to_string())?;
        start += n;
    }
    Ok(seen)
}

impl Reach {
    /// The largest |x| of all images but the outermost `share` of them.
    pub fn usual(&self, share: f64) -> f32 {
        let mut sorted = self.largest.clone();
        sorted.sort_by(f32::total_cmp);
        let left_out = (share * sorted.len() as f64) as usize;
        sorted.len().checked_sub(left_out + 1).map_or(0.0, |i| sorted[i])
    }

    fn add(&mut self, x: &Tensor, limit: f32, images: &mut [f32]) {
        let n = x.shape().first().copied().unwrap_or(1).max(1);
        let values = x.as_f32().unwrap_or_default();
        for (image, of_all) in values.chunks((values.len() / n).max(1)).zip(images) {
            let magnitude = |v: &f32| if v.is_nan() { f32::INFINITY } else { v.abs() };
            let largest = image.iter().map(magnitude).fold(0.0, f32::max);
            self.largest.push(largest);
            *of_all = of_all.max(largest);
            let beyond = image.iter().filter(|v| magnitude(v) > limit).count();
            self.elements += image.len();
            self.elements_beyond += beyond;
            self.images += 1;
            self.images_beyond += usize::from(beyond > 0);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use relinc_passes::ir::text::parse;

    #[test]
    fn what_is_beyond_is_counted_by_element_and_by_image() {
        let g = parse("graph g {\n%x = input f32[N,2]\n%y = relu(%x) @relu00\noutput \"y\" = %y\n}").unwrap();
        let batches = [vec![0.5, -3.0, 1.0, 0.0], vec![2.5, 2.5, 0.0, 1.0]];
        let batches = batches.map(|v| Tensor::f32([2, 2], v));
        let found = reach(&g, &[("relu00", 2.0)], &batches, &mut |_, _| {}).unwrap();
        let largest = vec![3.0, 1.0, 2.5, 1.0];
        let want = Reach { largest, elements: 8, elements_beyond: 3, images: 4, images_beyond: 2 };
        assert_eq!((want.usual(0.0), want.usual(0.3)), (3.0, 2.5));
        assert_eq!(found, Reaches { layers: vec![want], images: vec![3.0, 1.0, 2.5, 1.0] });
        assert!(reach(&g, &[("relu01", 2.0)], &batches, &mut |_, _| {}).is_err());
    }
}
