//! What the convolution and its transpose share: their blocks of images and channels, and the threads that compute them.

use std::ops::Range;

use rayon::prelude::*;

use super::strip::{Images, Strips};
use crate::kernels::element::Element;
use crate::kernels::micro::{LANES, Products};
use crate::kernels::pool::Buffer;
use crate::kernels::simd::Level;
use crate::kernels::transpose::{self, Stage};

/// Sizes of a correlation: `[images, read, input…] → [images, written, output…]`, channels in groups.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub read: usize,
    pub written: usize,
    pub groups: usize,
    /// Elements of one channel of the input.
    pub input: usize,
    /// Elements of one channel of the output.
    pub output: usize,
    /// Output channels that are computed together.
    pub block: usize,
}

impl Sizes {
    /// Input and output channels of a group.
    pub(super) fn per_group(&self) -> (usize, usize) {
        (self.read / self.groups, self.written / self.groups)
    }

    /// Packed input channels of a group.
    pub(super) fn packed<P: Products>(&self) -> usize {
        self.per_group().0.div_ceil(P::PACK)
    }

    /// The channels that packed channel `packed`, counted over all groups, is made of.
    pub(super) fn part<P: Products>(&self, packed: usize) -> impl Fn(usize) -> Option<usize> + use<P> {
        let (read, each) = (self.per_group().0, self.packed::<P>().max(1));
        let (group, first) = (packed / each, packed % each * P::PACK);
        move |k| (first + k < read).then_some(group * read + first + k)
    }

    /// Blocks of output channels of a group; the last may have fewer channels.
    pub(super) fn blocks(&self) -> usize {
        self.per_group().1.div_ceil(self.block)
    }
}

/// A way to compute a correlation of a block of images, strip by strip.
pub(super) trait Method<E: Element>: Sync {
    /// Working memory of a thread.
    type Scratch;

    fn strips(&self) -> &Strips;
    fn scratch(&self) -> Self::Scratch;
    /// Where the first sum of a block's channel lies, and how many numbers lie between positions: by default as `[channel][position][LANES]`.
    fn place(&self, channel: usize) -> (usize, usize) {
        (channel * self.strips().positions() * LANES, LANES)
    }
    /// Prepares a strip for some blocks of output channels, numbered over all groups.
    fn load(
        &self,
        images: Images<'_, E>,
        range: (usize, usize),
        blocks: Range<usize>,
        scratch: &mut Self::Scratch,
    );
    /// Computes one of these blocks, `(index among them, number)`, to `sums`; `init` has what the channels' sums start from.
    fn block(
        &self,
        which: (usize, usize),
        init: &[f32],
        range: (usize, usize),
        scratch: &mut Self::Scratch,
        sums: &mut [f32],
    );
}

/// Writes the correlation of `x` to `out`.
pub(super) fn correlate<E: Element>(
    level: Level,
    sizes: &Sizes,
    method: &impl Method<E>,
    x: &[E],
    bias: Option<&[f32]>,
    out: &mut [E],
) {
    let (strips, blocks, written) = (method.strips(), sizes.blocks(), sizes.per_group().1);
    let per_image = sizes.read * sizes.input;
    items(sizes, out).into_par_iter().for_each(|mut item| {
        let stride = per_image;
        let images = Images { values: &x[item.first * per_image..], stride, count: item.images.len() };
        let (mut scratch, mut stage) = (method.scratch(), Box::<Stage>::default());
        let mut init = vec![0.0; sizes.block];
        let mut sums = Buffer::work(sizes.block * strips.positions() * LANES);
        for range in strips.ranges() {
            method.load(images, range, item.blocks.clone(), &mut scratch);
            let (start, count) = (range.0 * strips.row(), (range.1 - range.0) * strips.row());
            let mut channel = 0;
            for (nth, block) in item.blocks.clone().enumerate() {
                let first = block / blocks * written + block % blocks * sizes.block;
                let real = sizes.block.min(written - block % blocks * sizes.block);
                if let Some(bias) = bias {
                    init[real..].fill(0.0);
                    init[..real].copy_from_slice(&bias[first..first + real]);
                }
                method.block((nth, block), &init, range, &mut scratch, &mut sums);
                for (at, apart) in (0..real).map(|m| method.place(m)) {
                    let start = channel * sizes.output + start;
                    let src = (&sums[at..], apart);
                    transpose::scatter(level, src, (start, count), &mut item.images, &mut stage);
                    channel += 1;
                }
            }
        }
    });
}

/// A block of images and some blocks of their output channels.
struct Item<'a, E> {
    first: usize,
    blocks: Range<usize>,
    images: Vec<&'a mut [E]>,
}

/// Cuts the output. Output channels are cut only where there are too few images for all threads; no result depends on it.
fn items<'a, E>(sizes: &Sizes, out: &'a mut [E]) -> Vec<Item<'a, E>> {
    let (blocks, written) = (sizes.blocks(), sizes.per_group().1);
    let total = sizes.groups * blocks;
    let image = (sizes.written * sizes.output).max(1);
    let (shares, threads) = (out.len().div_ceil(LANES * image), rayon::current_num_threads());
    let enough = shares.is_multiple_of(threads) || shares >= 4 * threads;
    let parts = if enough { 1 } else { threads.min(total).max(1) };
    let cuts: Vec<usize> = (0..=parts).map(|p| p * total / parts).collect();
    let channel = |block: usize| block / blocks * written + (block % blocks * sizes.block).min(written);
    let mut items = Vec::new();
    for (share, images) in out.chunks_mut(LANES * image).enumerate() {
        let of_cut =
            |cut: &[usize]| Item { first: share * LANES, blocks: cut[0]..cut[1], images: Vec::new() };
        let from = items.len();
        items.extend(cuts.windows(2).map(of_cut));
        for mut image in images.chunks_mut(image) {
            for item in &mut items[from..] {
                let channels = channel(item.blocks.end) - channel(item.blocks.start);
                let (head, tail) = image.split_at_mut(channels * sizes.output);
                item.images.push(head);
                image = tail;
            }
        }
    }
    items
}
