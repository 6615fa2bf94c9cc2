//! The data sets by name.

use std::fmt;

/// A data set, or a format of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `cifar10:DIR`, 10 classes of 3×32×32 images in the binary layout.
    Cifar10,
    /// `cifar100:DIR`, 100 fine classes of 3×32×32 images in the binary layout.
    Cifar100,
    /// `mnist:DIR`, 10 classes of 1×28×28 images in IDX files, those of MNIST, Fashion-MNIST or KMNIST.
    Mnist,
    /// `tiny-imagenet:DIR`, 200 classes of 3×64×64 JPEGs. `DIR` holds the unpacked folders, or an archive of them, or is
    /// the archive. The labels number the sorted WordNet ids. Its public validation images, the only labelled ones
    /// besides the training images, are the test split; the validation split is carved from the training images.
    TinyImagenet,
    /// `images:DIR`, a folder of PNGs and JPEGs for each class, the labels in the order of the sorted names or of a
    /// well-known set; or such folders in `train`, `val` and `test`. What is missing of these is carved from the training
    /// images: a test split of a fifth of each class whatever the seed, a validation split by the seed.
    Images,
    /// `shapes`, built in: 10 classes of drawn 3×32×32 images.
    Shapes,
}

impl Kind {
    /// All data sets.
    pub(super) const ALL: [Kind; 6] =
        [Kind::Cifar10, Kind::Cifar100, Kind::Mnist, Kind::TinyImagenet, Kind::Images, Kind::Shapes];

    /// The name as the command line spells it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Cifar10 => "cifar10",
            Kind::Cifar100 => "cifar100",
            Kind::Mnist => "mnist",
            Kind::TinyImagenet => "tiny-imagenet",
            Kind::Images => "images",
            Kind::Shapes => "shapes",
        }
    }

    /// Whether an image and its mirror image are of one class, so that training may flip it.
    pub fn may_be_mirrored(self) -> bool {
        match self {
            Kind::Mnist => false,
            Kind::Cifar10 | Kind::Cifar100 | Kind::TinyImagenet | Kind::Images | Kind::Shapes => true,
        }
    }

    /// Whether its images are resized by `size=`.
    pub(super) fn takes_size(self) -> bool {
        match self {
            Kind::Mnist | Kind::TinyImagenet | Kind::Images => true,
            Kind::Cifar10 | Kind::Cifar100 | Kind::Shapes => false,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
