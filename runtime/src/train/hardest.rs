//! The images that an epoch is made of: those whose loss was largest when they were last seen.

use super::state::Tensors;

/// The names of the losses in a checkpoint: at the epoch's beginning, and since.
const NAMES: [&str; 2] = ["loss/before", "loss/now"];

/// The loss each training image had when it was last seen; infinite before it was.
///
/// An epoch chooses by those of its beginning, so that one that was interrupted goes on with the same images.
#[derive(Debug, Clone)]
pub struct Losses {
    before: Vec<f32>,
    now: Vec<f32>,
}

/// A share of so many images, at least one where there are some.
pub fn share_of(images: usize, share: f64) -> usize {
    ((images as f64 * share).ceil() as usize).min(images)
}

impl Losses {
    /// Of `n` images that nobody has seen.
    pub fn new(n: usize) -> Losses {
        Losses { before: vec![f32::INFINITY; n], now: vec![f32::INFINITY; n] }
    }

    /// Notes what the first of a batch's images lost; what is no number is the largest loss.
    pub fn note(&mut self, images: &[usize], losses: &[f32]) {
        let of = |l: f32| if l.is_nan() { f32::INFINITY } else { l };
        images.iter().zip(losses).for_each(|(&i, &l)| self.now[i] = of(l));
    }

    /// An epoch is over.
    pub fn turn(&mut self) {
        self.before.clone_from(&self.now);
    }

    /// The images of an epoch: of those in `order` the share whose loss is largest, in their order. Of equal ones the first are taken.
    pub fn hardest(&self, order: Vec<usize>, share: f64) -> Vec<usize> {
        let take = share_of(order.len(), share);
        let mut places: Vec<usize> = (0..order.len()).collect();
        places.sort_by(|&a, &b| self.before[order[b]].total_cmp(&self.before[order[a]]));
        places.truncate(take);
        places.sort_unstable();
        places.into_iter().map(|p| order[p]).collect()
    }

    /// For a checkpoint.
    pub fn save(&self) -> Tensors {
        NAMES.map(String::from).into_iter().zip([self.before.clone(), self.now.clone()]).collect()
    }

    /// Those of a checkpoint, where it has them.
    pub fn load(&mut self, of: &Tensors) {
        for (name, to) in NAMES.into_iter().zip([&mut self.before, &mut self.now]) {
            if let Some(v) = of.get(name).filter(|v| v.len() == to.len()) {
                to.clone_from(v);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hardest_come_and_those_never_seen() {
        let mut l = Losses::new(6);
        l.note(&[0, 1, 2, 3], &[0.1, 2.0, 0.5]);
        l.note(&[4], &[f32::NAN]);
        assert_eq!(l.hardest(vec![5, 4, 3, 2, 1, 0], 0.5), [5, 4, 3]);
        l.turn();
        assert_eq!(l.hardest(vec![0, 5, 1, 3, 2, 4], 0.5), [5, 3, 4]);
        l.note(&[3, 4, 5], &[0.3, 0.2, 0.4]);
        assert_eq!(l.hardest(vec![0, 5, 1, 3, 2, 4], 0.5), [5, 3, 4]);
        l.turn();
        assert_eq!(l.hardest(vec![0, 5, 1, 3, 2, 4], 0.5), [5, 1, 2]);
        assert_eq!(l.hardest(vec![0, 5, 1, 3, 2, 4], 1.0), [0, 5, 1, 3, 2, 4]);
    }

    #[test]
    fn checkpoints_keep_them() {
        let mut l = Losses::new(3);
        l.note(&[1], &[0.5]);
        l.turn();
        l.note(&[2], &[0.7]);
        let mut back = Losses::new(3);
        back.load(&l.save());
        assert_eq!((back.before, back.now), (l.before, l.now));
    }
}
