//! The data sets by name.

relinc_passes::words! {
    /// A data set, or a format of one.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Kind {
        /// `cifar10:DIR`, 10 classes of 3×32×32 images in the binary layout.
        Cifar10 = "cifar10",
        /// `cifar100:DIR`, 100 fine classes of 3×32×32 images in the binary layout.
        Cifar100 = "cifar100",
        /// `mnist:DIR`, 10 classes of 1×28×28 images in IDX files, those of MNIST, Fashion-MNIST or KMNIST.
        Mnist = "mnist",
        /// `tiny-imagenet:DIR`, 200 classes of 3×64×64 JPEGs. `DIR` holds the unpacked folders, or an archive of them, or is
        /// the archive. The labels number the sorted WordNet ids. Its public validation images, the only labelled ones
        /// besides the training images, are the test split; the validation split is carved from the training images.
        TinyImagenet = "tiny-imagenet",
        /// `images:DIR`, a folder of PNGs and JPEGs for each class, the labels in the order of the sorted names or of a
        /// well-known set; or such folders in `train`, `val` and `test`. What is missing of these is carved from the training
        /// images: a test split of a fifth of each class whatever the seed, a validation split by the seed.
        Images = "images",
        /// `shapes`, built in: 10 classes of drawn 3×32×32 images.
        Shapes = "shapes",
    }
}

impl Kind {
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
