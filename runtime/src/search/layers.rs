//! Which ReLU layers stay when only so many may: a layer without ReLUs costs no rounds, and what is around it may merge.
//!
//! What a removal costs is taken as the sum of the elements' first-order costs, as for a budget in seconds
//! ([`super::latency`]); of the layers that stay, the dearest elements are kept. Layers are exchanged one at a time while that
//! helps.

/// Layers that may keep ReLUs when the share `done` of a search is over: from all to `layers` along the cubic of the budget.
pub fn open_layers(all: usize, layers: usize, done: f64) -> usize {
    let n = layers.min(all);
    n + ((all - n) as f64 * (1.0 - done.clamp(0.0, 1.0)).powi(3)).round() as usize
}

/// Elements of the layers that stay; `sizes` has one entry a layer.
pub fn room(sizes: &[usize], closed: &[bool]) -> usize {
    sizes.iter().zip(closed).filter(|(_, c)| !**c).map(|(n, _)| n).sum()
}

/// The layers that vanish, so that at most `layers` keep ReLUs, `keep` in all; `costs[l]` has one entry an element of layer l.
pub fn vanishing(costs: &[Vec<f64>], keep: usize, layers: usize) -> Vec<bool> {
    let n = costs.len();
    if layers >= n {
        return vec![false; n];
    }
    let mut all: Vec<(f64, usize)> =
        costs.iter().enumerate().flat_map(|(l, c)| c.iter().map(move |&c| (c, l))).collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let kept =
        |closed: &[bool]| -> f64 { all.iter().filter(|(_, l)| !closed[*l]).take(keep).map(|(c, _)| c).sum() };
    let mut alone: Vec<(f64, usize)> = vec![(0.0, 0); n];
    all.iter().take(keep).for_each(|&(c, l)| alone[l].0 += c);
    alone.iter_mut().enumerate().for_each(|(l, a)| a.1 = l);
    alone.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut closed = vec![true; n];
    alone.iter().take(layers).for_each(|&(_, l)| closed[l] = false);
    let mut best = kept(&closed);
    loop {
        let exchanged = |open: usize, close: usize| {
            let mut next = closed.clone();
            (next[open], next[close]) = (false, true);
            next
        };
        let pairs = (0..n).flat_map(|a| (0..n).map(move |b| (a, b)));
        let next = pairs
            .filter(|&(a, b)| closed[a] && !closed[b])
            .map(|(a, b)| exchanged(a, b))
            .map(|c| (kept(&c), c))
            .reduce(|x, y| if y.0 > x.0 { y } else { x });
        match next {
            Some((value, c)) if value > best => (best, closed) = (value, c),
            _ => return closed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use relinc_passes::splitmix::SplitMix;

    #[test]
    fn the_layers_that_are_worth_least_vanish() {
        let costs = vec![vec![5.0; 10], vec![0.5; 100], vec![4.0; 10]];
        assert_eq!(vanishing(&costs, 20, 2), [false, true, false]);
        // With more to keep, many cheap elements are worth more than ten dear ones.
        assert_eq!(vanishing(&[vec![5.0; 10], vec![0.6; 100]], 110, 1), [true, false]);
        assert_eq!(vanishing(&costs, 20, 3), [false; 3]);
        assert_eq!(room(&[10, 100, 10], &[false, true, false]), 20);
        assert_eq!(vanishing(&costs, 20, 0), [true; 3]);
    }

    #[test]
    fn as_good_as_all_choices_tried() {
        let mut random = SplitMix::new(7);
        let mut below = |n: u64| (random.next_u64() % n) as usize;
        for _ in 0..30 {
            let costs: Vec<Vec<f64>> = (0..7)
                .map(|_| (0..1 + below(40)).map(|_| (below(1000) as f64 / 1000.0).powi(4)).collect())
                .collect();
            let (keep, layers) = (1 + below(60), 1 + below(6));
            let value = |closed: &[bool]| -> f64 {
                let open = costs.iter().zip(closed).filter(|(_, c)| !**c);
                let mut e: Vec<f64> = open.flat_map(|(c, _)| c.iter().copied()).collect();
                e.sort_by(|a, b| b.total_cmp(a));
                e.iter().take(keep).sum()
            };
            let found = vanishing(&costs, keep, layers);
            assert_eq!(found.iter().filter(|c| !**c).count(), layers);
            let best = (0..128u32)
                .map(|bits| (0..7).map(|l| bits >> l & 1 == 1).collect::<Vec<bool>>())
                .filter(|c| c.iter().filter(|c| !**c).count() == layers)
                .map(|c| value(&c))
                .fold(0.0, f64::max);
            assert!(value(&found) >= best * 0.98, "{} against {best}", value(&found));
        }
    }
}
