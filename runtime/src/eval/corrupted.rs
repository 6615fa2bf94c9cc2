//! Accuracy on corrupted images: the fifteen corruptions in five severities, drawn here or read from files.

use super::clean;
use crate::corrupt::{Corruption, Damage, SEVERITIES, corrupt_batch};
use crate::data::{CorruptedFolder, Dataset};
use relinc_passes::ir::Graph;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

/// Where the corrupted images come from.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// [`corrupt_batch`] makes them of these images.
    Drawn {
        /// Uncorrupted images.
        images: &'a Dataset,
        /// Seed of everything random in them.
        seed: u64,
    },
    /// The files of a benchmark.
    Folder(&'a CorruptedFolder),
}

impl Source<'_> {
    /// How many images there are of a corruption at one severity.
    pub fn images(&self) -> usize {
        match self {
            Source::Drawn { images, .. } => images.len(),
            Source::Folder(f) => f.images(),
        }
    }

    /// The first `n` images under a corruption.
    fn dataset(&self, corruption: Corruption, severity: u8, n: usize) -> Result<Dataset, String> {
        match self {
            Source::Folder(f) => f.dataset(corruption.name(), severity, Some(n)).map_err(|e| e.to_string()),
            Source::Drawn { images, seed } => {
                let n = n.min(images.len());
                let pixels: Vec<u8> = (0..n).flat_map(|i| images.pixels(i)).copied().collect();
                let indices: Vec<u64> = (0..n as u64).collect();
                let damage = Damage { corruption, severity, seed: *seed };
                let worse = corrupt_batch(&pixels, images.image_shape(), damage, &indices)
                    .map_err(|e| e.to_string())?;
                images.with_pixels(worse).ok_or_else(|| "corruption changed the number of pixels".into())
            }
        }
    }
}

/// Accuracies on corrupted images, in percent.
#[derive(Debug, Clone, PartialEq)]
pub struct Corrupted {
    /// Images of each corruption at each severity.
    pub n: usize,
    /// Mean of all corruptions and severities, each with the same weight.
    pub mean: f64,
    /// Each corruption's, severity 1 first.
    pub by: Vec<(&'static str, [f64; SEVERITIES as usize])>,
    /// Wall-clock time, drawing included.
    pub seconds: f64,
}

/// Top-1 accuracy on the first `n` images under every corruption at every severity. `tell` hears how many of these sets
/// are done.
///
/// # Errors
/// As [`clean`]; images that cannot be corrupted; a folder without one of the fifteen, which is found before anything runs.
pub fn corrupted(
    g: &Graph,
    source: Source<'_>,
    n: usize,
    tell: &mut dyn FnMut(usize, usize),
) -> Result<Corrupted, String> {
    let start = Instant::now();
    if let Source::Folder(_) = source {
        Corruption::ALL.into_iter().try_for_each(|c| source.dataset(c, 1, 1).map(|_| ()))?;
    }
    let sets = Corruption::ALL.len() * usize::from(SEVERITIES);
    let (mut by, mut seen, mut done) = (vec![], n, 0);
    std::thread::scope(|scope| -> Result<(), String> {
        // The next set is drawn while this one is evaluated.
        let (send, receive) = sync_channel(1);
        scope.spawn(move || {
            for (corruption, severity) in
                Corruption::ALL.into_iter().flat_map(|c| (1..=SEVERITIES).map(move |s| (c, s)))
            {
                if send.send(source.dataset(corruption, severity, n)).is_err() {
                    return;
                }
            }
        });
        for corruption in Corruption::ALL {
            let mut row = [0.0; SEVERITIES as usize];
            for accuracy in &mut row {
                let set = receive.recv().map_err(|e| e.to_string())??;
                let found = clean(g, &set, n, &mut |_, _| {})?;
                (*accuracy, seen) = (found.clean, found.n);
                done += 1;
                tell(done, sets);
            }
            by.push((corruption.name(), row));
        }
        Ok(())
    })?;
    let mean = by.iter().flat_map(|(_, row)| row).sum::<f64>() / sets as f64;
    Ok(Corrupted { n: seen, mean, by, seconds: start.elapsed().as_secs_f64() })
}
