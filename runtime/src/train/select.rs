//! Which ReLUs stay, given what each is worth.

relinc_passes::words! {
    /// The unit in which ReLUs are removed.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Granularity ("granularity") {
        /// Single elements.
        #[default]
        Pixel = "pixel",
        /// Whole channels of a layer.
        Channel = "channel",
        /// Whole layers.
        Layer = "layer",
    }
}

/// Keeps the `keep` ReLUs of highest worth, or `counts[l]` in each layer; `worth[l]` has one value an element of layer l.
///
/// Exactly that many are kept. At channel and layer granularity groups are taken by their mean worth; the group that
/// does not fit whole keeps its best elements. Ties keep the earlier element.
pub fn select(
    worth: &[Vec<f64>],
    shapes: &[[usize; 3]],
    keep: usize,
    counts: Option<&[usize]>,
    granularity: Granularity,
) -> Vec<Vec<bool>> {
    let mut kept: Vec<Vec<bool>> = worth.iter().map(|w| vec![false; w.len()]).collect();
    match counts {
        Some(n) => (0..worth.len()).for_each(|l| pick(worth, shapes, &[l], n[l], granularity, &mut kept)),
        None => pick(worth, shapes, &(0..worth.len()).collect::<Vec<_>>(), keep, granularity, &mut kept),
    }
    kept
}

/// Mean worth, layer, first element, elements.
type Group = (f64, usize, usize, usize);

fn pick(
    worth: &[Vec<f64>],
    shapes: &[[usize; 3]],
    layers: &[usize],
    keep: usize,
    granularity: Granularity,
    kept: &mut [Vec<bool>],
) {
    let mut left = keep;
    let mut groups: Vec<Group> = vec![];
    for &l in layers {
        let size = match granularity {
            Granularity::Pixel => 1,
            Granularity::Channel => shapes[l][1] * shapes[l][2],
            Granularity::Layer => worth[l].len(),
        }
        .max(1);
        for (i, g) in worth[l].chunks(size).enumerate() {
            groups.push((g.iter().sum::<f64>() / g.len() as f64, l, i * size, g.len()));
        }
    }
    let order = |a: &Group, b: &Group| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2)));
    if keep < groups.len() {
        groups.select_nth_unstable_by(keep, order);
        groups.truncate(keep);
    }
    // Of single elements all that are left are kept, whatever their order.
    if granularity != Granularity::Pixel {
        groups.sort_unstable_by(order);
    }
    for (_, l, from, len) in groups {
        if left == 0 {
            break;
        }
        if len <= left {
            kept[l][from..from + len].fill(true);
            left -= len;
            continue;
        }
        let mut inside: Vec<usize> = (from..from + len).collect();
        inside.sort_unstable_by(|&a, &b| worth[l][b].total_cmp(&worth[l][a]).then(a.cmp(&b)));
        inside.iter().take(left).for_each(|&i| kept[l][i] = true);
        left = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(k: &[Vec<bool>]) -> usize {
        k.iter().flatten().filter(|&&b| b).count()
    }

    #[test]
    fn keeps_exactly_the_best() {
        let worth = vec![vec![3.0, 1.0, 2.0, 0.0], vec![5.0, 0.5]];
        let shapes = [[1, 2, 2], [2, 1, 1]];
        let k = select(&worth, &shapes, 3, None, Granularity::Pixel);
        assert_eq!(k, [vec![true, false, true, false], vec![true, false]]);
        let k = select(&worth, &shapes, 3, Some(&[1, 2]), Granularity::Pixel);
        assert_eq!(k, [vec![true, false, false, false], vec![true, true]]);
    }

    #[test]
    fn groups_are_whole_but_for_the_last() {
        let worth = vec![vec![1.0, 1.0, 4.0, 0.0], vec![3.0, 3.0]];
        let shapes = [[2, 1, 2], [1, 1, 2]];
        let k = select(&worth, &shapes, 3, None, Granularity::Channel);
        assert_eq!(k, [vec![false, false, true, false], vec![true, true]]);
        for g in [Granularity::Pixel, Granularity::Channel, Granularity::Layer] {
            assert!((0..=6).all(|n| super::tests::kept(&select(&worth, &shapes, n, None, g)) == n));
        }
    }

    #[test]
    fn ties_keep_the_earlier() {
        let k = select(&[vec![1.0; 4]], &[[1, 2, 2]], 2, None, Granularity::Pixel);
        assert_eq!(k, [vec![true, true, false, false]]);
    }
}
