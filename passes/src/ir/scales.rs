//! Values that must have one scale, by numbers: groups that are joined, some of which keep the scale they have.

use std::sync::Arc;

/// Groups of numbers.
#[derive(Debug, Clone, Default)]
pub struct Scales {
    parent: Vec<usize>,
    /// Of a root: why its group keeps its scale.
    pinned: Vec<Option<Arc<str>>>,
}

impl Scales {
    /// Each of so many numbers in a group of its own.
    pub fn new(n: usize) -> Scales {
        Scales { parent: (0..n).collect(), pinned: vec![None; n] }
    }

    /// The number that stands for a number's group.
    pub fn root(&self, mut i: usize) -> usize {
        while self.parent[i] != i {
            i = self.parent[i];
        }
        i
    }

    /// As [`Scales::root`], with half the way the next time.
    fn find(&mut self, mut i: usize) -> usize {
        while self.parent[i] != i {
            self.parent[i] = self.parent[self.parent[i]];
            i = self.parent[i];
        }
        i
    }

    /// Makes every way to a root one step, for many questions to come.
    pub fn flatten(&mut self) {
        for i in 0..self.parent.len() {
            self.parent[i] = self.find(i);
        }
    }

    /// Joins two groups; the root that is none any more and the one that is, where they were two.
    pub fn join(&mut self, a: usize, b: usize) -> Option<(usize, usize)> {
        let (a, b) = (self.find(a), self.find(b));
        if a == b {
            return None;
        }
        self.parent[a] = b;
        let why = self.pinned[a].take();
        self.pinned[b] = self.pinned[b].take().or(why);
        Some((a, b))
    }

    /// The group keeps its scale, for this reason unless it has one.
    pub fn pin(&mut self, i: usize, why: &Arc<str>) {
        let root = self.find(i);
        self.pinned[root].get_or_insert_with(|| why.clone());
    }

    /// Why the group keeps its scale.
    pub fn pinned(&self, i: usize) -> Option<&str> {
        self.pinned[self.root(i)].as_deref()
    }
}
