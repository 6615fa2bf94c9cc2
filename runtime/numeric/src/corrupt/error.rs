//! What can be asked of the corruptions in vain.

/// An image or a request that cannot be corrupted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CorruptError {
    /// The severity is not one of the five.
    #[error("corruptions have the severities 1 to 5, not {found}")]
    Severity {
        /// What was asked.
        found: u8,
    },
    /// The images have another number of channels or are too small.
    #[error("corruptions need 1 or 3 channels and sides of at least 8 pixels, not {}x{}x{}", .found[0], .found[1], .found[2])]
    Shape {
        /// Channels, height, width.
        found: [usize; 3],
    },
    /// The bytes do not make whole images.
    #[error("{images} images of this shape are {wanted} bytes, not {found}")]
    Length {
        /// How many images were announced.
        images: usize,
        /// Bytes that they have.
        wanted: usize,
        /// Bytes that came.
        found: usize,
    },
}
