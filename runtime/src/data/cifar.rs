//! CIFAR-10 and CIFAR-100 in their binary layouts.
//!
//! A record is one label byte (CIFAR-100: the coarse, then the fine label) and 3,072 bytes of pixels: the planes
//! R, G, B of 32×32, row by row. Source: <https://www.cs.toronto.edu/~kriz/cifar.html>.

use std::path::Path;

use rayon::prelude::*;

use super::carve;
use super::source::Source;
use super::{DataError, DataSpec, Dataset, Kind, Split, names};

const IMAGE: usize = 3 * 32 * 32;

/// Channels, height and width of an image.
pub(super) const SHAPE: [usize; 3] = [3, 32, 32];

/// One of the two CIFAR formats.
pub(super) struct Cifar {
    kind: Kind,
    /// Label bytes before the pixels; the last of them is the label.
    label_bytes: usize,
    names: &'static [&'static str],
    /// Files of the training split, without their endings: all of the first group of which one is there.
    train: &'static [&'static [&'static str]],
    test: &'static [&'static [&'static str]],
    train_expected: &'static str,
    test_expected: &'static str,
    /// Folders inside the given one in which the files may lie.
    inside: &'static [&'static str],
}

/// CIFAR-10: five training batches, some of which may be missing, and one of test images.
static CIFAR10: Cifar = Cifar {
    kind: Kind::Cifar10,
    label_bytes: 1,
    names: &names::CIFAR10,
    train: &[&["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"]],
    test: &[&["test_batch"]],
    train_expected: "data_batch_1 to data_batch_5 of the binary version, each as .bin or .bin.xz",
    test_expected: "test_batch of the binary version, each as .bin or .bin.xz",
    inside: &["cifar-10-batches-bin", "cifar10"],
};

/// CIFAR-100: one training and one test file, or numbered parts of them.
static CIFAR100: Cifar = Cifar {
    kind: Kind::Cifar100,
    label_bytes: 2,
    names: &names::CIFAR100,
    train: &[&["train"], &["train_part1", "train_part2", "train_part3", "train_part4", "train_part5"]],
    test: &[&["test"], &["test_part1", "test_part2", "test_part3", "test_part4", "test_part5"]],
    train_expected: "train of the binary version, or train_part1, train_part2, …, each as .bin or .bin.xz",
    test_expected: "test of the binary version, or test_part1, test_part2, …, each as .bin or .bin.xz",
    inside: &["cifar-100-binary", "cifar100"],
};

/// The format of CIFAR-100, or for any other data set that of CIFAR-10.
pub(super) fn format(kind: Kind) -> &'static Cifar {
    if kind == Kind::Cifar100 { &CIFAR100 } else { &CIFAR10 }
}

impl Cifar {
    /// Opens one split, the first `limit` images of it; see [`DataSpec::open`].
    pub(super) fn open(
        &self,
        spec: &DataSpec,
        split: Split,
        limit: Option<usize>,
    ) -> Result<Dataset, DataError> {
        let sources = self.sources(spec.folder(), split)?;
        let sizes: Vec<usize> = sources.iter().map(Source::records).collect();
        let place = sources.first().and_then(|s| s.path().parent()).unwrap_or(spec.folder());
        let (wanted, notices) = carve::wanted(spec, split, &sizes, place, limit)?;
        let (pixels, labels) = self.read(&sources, &wanted)?;
        let class_names = self.class_names();
        let empty = Dataset::empty(spec, split);
        Ok(Dataset { class_names, image_shape: SHAPE, pixels, labels, notices, ..empty })
    }

    /// Its data set.
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// By label.
    pub(super) fn class_names(&self) -> Vec<String> {
        names::owned(self.names)
    }

    /// The files of a split in `folder` or a folder inside it.
    fn sources(&self, folder: &Path, split: Split) -> Result<Vec<Source>, DataError> {
        let kind = self.kind.name();
        DataError::check_folder(folder, kind)?;
        let (groups, split, expected) = match split {
            Split::Test => (self.test, "test", self.test_expected),
            Split::Train | Split::Val => (self.train, "training", self.train_expected),
        };
        let inside = self.inside.iter().map(|name| folder.join(name));
        for dir in std::iter::once(folder.to_owned()).chain(inside) {
            for stems in groups {
                let found = self.find_all(&dir, stems)?;
                if !found.is_empty() {
                    return Ok(found);
                }
            }
        }
        Err(DataError::no_files(folder, split, kind, expected))
    }

    fn find_all(&self, dir: &Path, stems: &[&str]) -> Result<Vec<Source>, DataError> {
        let find = |stem| Source::find(dir, stem, self.record(), self.kind.name()).transpose();
        stems.iter().copied().filter_map(find).collect()
    }

    fn record(&self) -> usize {
        self.label_bytes + IMAGE
    }

    /// Pixels and labels of the images at `wanted`, ascending indices over all `sources`. Files of which no image
    /// is wanted stay closed, the others are read in parallel, none further than needed.
    fn read(&self, sources: &[Source], wanted: &[usize]) -> Result<(Vec<u8>, Vec<u16>), DataError> {
        let mut pixels = vec![0; wanted.len() * IMAGE];
        let mut labels = vec![0; wanted.len()];
        let mut jobs = Vec::new();
        let (mut rest, mut pixels_left, mut labels_left) = (wanted, &mut pixels[..], &mut labels[..]);
        let mut first = 0;
        for source in sources {
            let end = first + source.records();
            let (here, later) = rest.split_at(rest.partition_point(|i| *i < end));
            let (pixels_here, pixels_later) = pixels_left.split_at_mut(here.len() * IMAGE);
            let (labels_here, labels_later) = labels_left.split_at_mut(here.len());
            (rest, pixels_left, labels_left) = (later, pixels_later, labels_later);
            if !here.is_empty() {
                jobs.push((source, first, here, pixels_here, labels_here));
            }
            first = end;
        }
        jobs.into_par_iter()
            .try_for_each(|(source, first, here, pixels, labels)| {
                self.read_file(source, first, here, pixels, labels)
            })
            .map(|()| (pixels, labels))
    }

    /// Fills `pixels` and `labels` with the images at `wanted` of one file, whose first image has the index `first`.
    fn read_file(
        &self,
        source: &Source,
        first: usize,
        wanted: &[usize],
        pixels: &mut [u8],
        labels: &mut [u16],
    ) -> Result<(), DataError> {
        let count = wanted.last().map_or(0, |last| last - first + 1);
        let bytes = source.read(count)?;
        let slots = pixels.chunks_exact_mut(IMAGE).zip(labels);
        for (index, (image, label)) in wanted.iter().zip(slots) {
            let record = index - first;
            let record_bytes = &bytes[record * self.record()..(record + 1) * self.record()];
            let (head, body) = record_bytes.split_at(self.label_bytes);
            let found = head[self.label_bytes - 1];
            if usize::from(found) >= self.names.len() {
                let (kind, classes) = (self.kind.name(), self.names.len());
                return Err(DataError::wrong_label(source.path(), record, found, kind, classes));
            }
            image.copy_from_slice(body);
            *label = u16::from(found);
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "cifar_tests.rs"]
pub(super) mod tests;
