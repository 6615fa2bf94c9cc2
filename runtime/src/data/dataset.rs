//! Labelled images in memory.

use std::ops::Range;

use super::channels::convert;
use super::classes::Labels;
use super::known::recognise;
use super::{DataSpec, Kind, Normalize, Split};

/// One split of a data set, in memory: `u8` images, C×H×W each, and their labels.
#[derive(Debug, Clone)]
pub struct Dataset {
    pub(super) kind: Kind,
    pub(super) split: Split,
    pub(super) normalize: Normalize,
    pub(super) class_names: Vec<String>,
    pub(super) image_shape: [usize; 3],
    /// N×C×H×W.
    pub(super) pixels: Vec<u8>,
    /// N, each below `class_names.len()`.
    pub(super) labels: Vec<u16>,
    /// How this split came about, where that is not plain.
    pub(super) notices: Vec<String>,
}

impl Dataset {
    /// Without images, as `spec` says.
    pub(super) fn empty(spec: &DataSpec, split: Split) -> Dataset {
        Dataset {
            kind: spec.kind(),
            split,
            normalize: spec.normalize(),
            class_names: vec![],
            image_shape: [0; 3],
            pixels: vec![],
            labels: vec![],
            notices: vec![],
        }
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image, which happens only when a limit of 0 was asked for.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.class_names.len()
    }

    /// The names of the classes, by label.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// The shape of every image: C, H, W.
    pub fn image_shape(&self) -> [usize; 3] {
        self.image_shape
    }

    /// The split that was opened.
    pub fn split(&self) -> Split {
        self.split
    }

    /// Which data set it is of.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether an image and its mirror image are of one class, so that training may flip it: not so for digits.
    pub fn may_be_mirrored(&self) -> bool {
        let digits = recognise(&self.class_names)
            .is_some_and(|(k, l)| k.name == "mnist" && l.len() == k.classes.len());
        self.kind.may_be_mirrored() && !digits
    }

    /// What the user should know of how this split came about, in sentences.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// How [`Dataset::batch`] turns pixels into network input.
    pub fn normalize(&self) -> Normalize {
        self.normalize
    }

    /// The label of image `i`, below [`Dataset::classes`]. Panics, as indexing does, when there is no image `i`.
    pub fn label(&self, i: usize) -> usize {
        usize::from(self.labels[i])
    }

    /// The raw pixels of image `i`: C×H×W, 0…255. Panics, as indexing does, when there is no image `i`.
    pub fn pixels(&self, i: usize) -> &[u8] {
        let size = self.image_len();
        &self.pixels[i * size..(i + 1) * size]
    }

    /// Network input (N×C×H×W, normalised) and labels of the images in `range`, cut at the last image.
    pub fn batch(&self, range: Range<usize>) -> (Vec<f32>, Vec<usize>) {
        let indices: Vec<usize> = (range.start..range.end.min(self.len())).collect();
        self.gather(&indices)
    }

    /// Network input (N×C×H×W, normalised) and labels of the images at `indices`, in that order.
    /// Panics, as indexing does, when an index is not below [`Dataset::len`].
    pub fn gather(&self, indices: &[usize]) -> (Vec<f32>, Vec<usize>) {
        let table = self.normalize.table();
        let [channels, height, width] = self.image_shape;
        let mut input = Vec::with_capacity(indices.len() * channels * height * width);
        for &i in indices {
            for (c, plane) in self.pixels(i).chunks_exact(height * width).enumerate() {
                input.extend(plane.iter().map(|v| table[c % 3][usize::from(*v)]));
            }
        }
        (input, indices.iter().map(|i| self.label(*i)).collect())
    }

    /// The first images with other pixels, k×C×H×W, and their labels. `None` when these are no whole images, or more than
    /// there are.
    pub fn with_pixels(&self, pixels: Vec<u8>) -> Option<Dataset> {
        let size = self.image_len().max(1);
        let labels = self.labels.get(..pixels.len() / size)?.to_vec();
        let whole = pixels.len().is_multiple_of(size);
        let (class_names, notices) = (self.class_names.clone(), self.notices.clone());
        whole.then_some(Dataset { pixels, labels, class_names, notices, ..*self })
    }

    /// The first `n` images, or all where there are fewer, normalised otherwise.
    pub fn normalized(&self, n: usize, normalize: Normalize) -> Dataset {
        let n = n.min(self.len());
        Dataset {
            pixels: self.pixels[..n * self.image_len()].to_vec(),
            labels: self.labels[..n].to_vec(),
            class_names: self.class_names.clone(),
            notices: self.notices.clone(),
            normalize,
            ..*self
        }
    }

    /// The same images in 1 channel or in 3.
    pub(super) fn in_channels(self, channels: usize) -> Dataset {
        let [from, height, width] = self.image_shape;
        let pixels = convert(self.pixels, from, channels, height * width);
        let becomes = if matches!((from, channels), (3, 1) | (1, 3)) { channels } else { from };
        Dataset { pixels, image_shape: [becomes, height, width], ..self }
    }

    /// The first `limit` images of the classes that `labels` names, under those labels.
    pub(super) fn relabelled(self, labels: &Labels, limit: Option<usize>) -> Dataset {
        let of = |i: &usize| labels.of[self.label(*i)];
        let kept: Vec<usize> =
            (0..self.len()).filter(|i| of(i).is_some()).take(limit.unwrap_or(usize::MAX)).collect();
        Dataset {
            pixels: kept.iter().flat_map(|&i| self.pixels(i)).copied().collect(),
            labels: kept.iter().filter_map(of).map(|l| l as u16).collect(),
            class_names: labels.names.clone(),
            notices: self.notices,
            ..self
        }
    }

    /// What it is, for people: `cifar10 test, 10,000 images`.
    pub fn describe(&self) -> String {
        let images = if self.len() == 1 { "image" } else { "images" };
        format!("{} {}, {} {images}", self.kind, self.split, thousands(self.len()))
    }

    /// All pixels, N×C×H×W.
    pub(super) fn all_pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Values in an image.
    fn image_len(&self) -> usize {
        self.image_shape.iter().product()
    }
}

/// `1234567` as `1,234,567`.
pub(super) fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, d) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(d);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_images() -> Dataset {
        Dataset {
            kind: Kind::Shapes,
            split: Split::Test,
            normalize: Normalize { mean: [0.0, 0.5, 1.0], std: [0.5; 3], scale: 1.0 },
            class_names: vec!["a".into(), "b".into()],
            image_shape: [3, 1, 2],
            pixels: vec![0, 255, 0, 255, 0, 255, 255, 255, 255, 255, 255, 255],
            labels: vec![1, 0],
            notices: vec![],
        }
    }

    #[test]
    fn batch_normalises_each_channel_and_stops_at_the_end() {
        let (input, labels) = two_images().batch(0..9);
        assert_eq!(labels, [1, 0]);
        assert_eq!(input[..6], [0.0, 2.0, -1.0, 1.0, -2.0, 0.0]);
        assert_eq!(two_images().batch(5..9), (vec![], vec![]));
    }

    #[test]
    fn gather_keeps_the_order() {
        let (input, labels) = two_images().gather(&[1, 0]);
        assert_eq!(labels, [0, 1]);
        assert_eq!(input[..2], [2.0, 2.0]);
    }

    #[test]
    fn other_pixels_keep_their_labels() {
        let one = two_images().with_pixels(vec![7; 6]).unwrap_or_else(two_images);
        assert_eq!((one.len(), one.label(0), one.pixels(0)), (1, 1, &[7; 6][..]));
        assert!(two_images().with_pixels(vec![7; 5]).is_none());
        assert!(two_images().with_pixels(vec![7; 18]).is_none());
    }

    #[test]
    fn first_images_normalised_otherwise() {
        let one = two_images().normalized(1, Normalize::NONE);
        assert_eq!((one.len(), one.label(0)), (1, 1));
        assert_eq!(one.batch(0..1).0, [0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
        assert_eq!(two_images().normalized(9, Normalize::NONE).len(), 2);
    }

    #[test]
    fn one_channel_of_three() {
        let grey = two_images().in_channels(1);
        assert_eq!(
            (grey.image_shape(), grey.pixels(0), grey.pixels(1)),
            ([1, 1, 2], &[0, 255][..], &[255; 2][..])
        );
        assert_eq!(grey.in_channels(3).image_shape(), [3, 1, 2]);
    }

    #[test]
    fn describe_groups_digits() {
        assert_eq!(two_images().describe(), "shapes test, 2 images");
        assert_eq!(thousands(10_000), "10,000");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(thousands(999), "999");
    }
}
