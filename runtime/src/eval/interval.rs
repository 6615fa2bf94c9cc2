//! How sure an accuracy is that was measured on so many images: 95 % intervals, in percent and in points.

/// Normal quantile of a two-sided 95 % interval.
const Z: f64 = 1.959_963_984_540_054;

/// Wilson's interval of a share of `right` in `n`, in percent; from 0 to 100 for no images.
pub fn wilson(right: f64, n: usize) -> [f64; 2] {
    if n == 0 {
        return [0.0, 100.0];
    }
    let n = n as f64;
    let p = (right / n).clamp(0.0, 1.0);
    let middle = p + Z * Z / (2.0 * n);
    let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 100.0 / (1.0 + Z * Z / n);
    // Rounding must not put the share itself outside.
    [((middle - half) * scale).clamp(0.0, 100.0 * p), ((middle + half) * scale).clamp(100.0 * p, 100.0)]
}

/// [`wilson`] of an accuracy in percent.
pub fn of_percent(accuracy: f64, n: usize) -> [f64; 2] {
    wilson(accuracy / 100.0 * n as f64, n)
}

/// How accuracy changed between two networks on the same images.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Paired {
    /// After less before, in points.
    pub points: f64,
    /// Its interval.
    pub interval: [f64; 2],
    /// Images that only the network before gets right.
    pub lost: usize,
    /// Images that only the network after gets right.
    pub won: usize,
}

/// Compares what two networks get right, image by image; `None` where they did not see the same number of images or none.
///
/// The interval is that of Bonett and Price (2012), from the images on which only one of the two is right, with one more of each
/// kind: images that both get right or wrong say nothing about the change, which makes it far narrower than the difference of two
/// independent accuracies.
pub fn paired(before: &[bool], after: &[bool]) -> Option<Paired> {
    if before.len() != after.len() || before.is_empty() {
        return None;
    }
    let count = |which: (bool, bool)| before.iter().zip(after).filter(|(b, a)| (**b, **a) == which).count();
    let (lost, won) = (count((true, false)), count((false, true)));
    let n = before.len() as f64;
    let points = 100.0 * (won as f64 - lost as f64) / n;
    let [l, w] = [lost, won].map(|k| (k as f64 + 1.0) / (n + 2.0));
    let half = Z * ((l + w - (w - l) * (w - l)) / (n + 2.0)).sqrt();
    let interval =
        [(100.0 * (w - l - half)).clamp(-100.0, points), (100.0 * (w - l + half)).clamp(points, 100.0)];
    Some(Paired { points, interval, lost, won })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn near(got: [f64; 2], want: [f64; 2]) {
        assert!((got[0] - want[0]).abs() < 0.05 && (got[1] - want[1]).abs() < 0.05, "{got:?}, not {want:?}");
    }

    #[test]
    fn wilson_as_in_the_tables() {
        // R: binom::binom.wilson
        near(wilson(81.0, 263), [25.5, 36.6]);
        near(wilson(0.0, 20), [0.0, 16.1]);
        near(wilson(20.0, 20), [83.9, 100.0]);
        near(of_percent(91.7, 2000), [90.4, 92.8]);
        assert_eq!(wilson(0.0, 0), [0.0, 100.0]);
        assert_eq!(wilson(3.0, 3)[1], 100.0);
    }

    fn right(pattern: &[(bool, bool, usize)]) -> (Vec<bool>, Vec<bool>) {
        pattern.iter().flat_map(|&(b, a, n)| std::iter::repeat_n((b, a), n)).unzip()
    }

    #[test]
    fn a_paired_change_counts_the_images_that_changed() {
        let (before, after) =
            right(&[(true, true, 1650), (true, false, 190), (false, true, 18), (false, false, 142)]);
        let p = paired(&before, &after).unwrap();
        assert_eq!((p.lost, p.won), (190, 18));
        assert!((p.points + 8.6).abs() < 1e-9);
        near(p.interval, [-10.0, -7.2]);
    }

    #[test]
    fn equal_networks_differ_by_nothing_but_chance() {
        let p = paired(&[true; 2000], &[true; 2000]).unwrap();
        assert_eq!((p.points, p.lost, p.won), (0.0, 0, 0));
        near(p.interval, [-0.14, 0.14]);
        assert!(p.interval[0] < 0.0 && p.interval[1] > 0.0);
    }

    #[test]
    fn a_change_lies_in_its_interval() {
        for n in 1..40 {
            for wrong in 0..=n {
                let after: Vec<bool> = (0..n).map(|i| i >= wrong).collect();
                let p = paired(&vec![true; n], &after).unwrap();
                assert!(p.interval[0] <= p.points && p.points <= p.interval[1], "{n} {wrong}: {p:?}");
                assert!(p.interval[0] >= -100.0 && p.interval[1] <= 100.0);
            }
        }
    }

    #[test]
    fn no_pairs_no_change() {
        assert_eq!(paired(&[], &[]), None);
        assert_eq!(paired(&[true], &[true, false]), None);
    }
}
