//! Mutated files of images.

use super::bytes;
use super::run::{Outcome, Subject, below, once_in};
use relinc::passes::splitmix::SplitMix;
use relinc_runtime::data::{CorruptedFolder, DataSpec, Split};
use std::path::{Path, PathBuf};

struct Files {
    folder: PathBuf,
    read: fn(&Path, &mut SplitMix) -> Outcome,
}

impl Subject for Files {
    fn case(&mut self, dice: &mut SplitMix) -> Outcome {
        (self.read)(&self.folder, dice)
    }
}

pub fn npy(folder: &Path) -> Box<dyn Subject> {
    Box::new(Files { folder: folder.into(), read: read_npy })
}

pub fn idx(folder: &Path) -> Box<dyn Subject> {
    Box::new(Files { folder: folder.into(), read: read_idx })
}

fn array(dims: &str, data: usize, dice: &mut SplitMix) -> Vec<u8> {
    let version = 1 + below(dice, 3) as u8;
    let mut head = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {dims}, }}");
    head += &" ".repeat(63 - head.len() % 64);
    head.push('\n');
    let mut b = [&b"\x93NUMPY"[..], &[version, 0]].concat();
    match version {
        1 => b.extend((head.len() as u16).to_le_bytes()),
        _ => b.extend((head.len() as u32).to_le_bytes()),
    }
    b.extend(head.bytes());
    // The labels of all five severities are the same.
    b.extend(std::iter::repeat_n(3, data));
    b
}

fn mutated(mut b: Vec<u8>, dice: &mut SplitMix) -> Vec<u8> {
    if !once_in(dice, 3) {
        // The header is short beside the data.
        let end = b.len().min(160);
        let mut head = b[..end].to_vec();
        bytes::mutate(&mut head, dice);
        b.splice(..end, head);
    }
    b
}

fn read_npy(folder: &Path, dice: &mut SplitMix) -> Outcome {
    let n = 1 + below(dice, 2);
    let labels = mutated(array(&format!("({},)", 5 * n), 5 * n, dice), dice);
    let images = mutated(array(&format!("({}, 32, 32, 3)", 5 * n), 5 * n * 3072, dice), dice);
    std::fs::write(folder.join("labels.npy"), &labels).unwrap();
    std::fs::write(folder.join("fog.npy"), &images).unwrap();
    std::fs::write(folder.join("case.npy"), if once_in(dice, 2) { labels } else { images }).unwrap();
    let spec: DataSpec = "cifar10:somewhere".parse().unwrap();
    let Ok(c) = CorruptedFolder::open(folder, &spec) else { return Ok(0) };
    let read = c.dataset("fog", 1 + below(dice, 5) as u8, None);
    Ok(usize::from(read.is_ok_and(|d| d.batch(0..d.len()).1.len() == d.len())))
}

fn read_idx(folder: &Path, dice: &mut SplitMix) -> Outcome {
    let n = 1 + below(dice, 3);
    let mut files = vec![];
    for stem in ["train", "t10k"] {
        let number = |v: usize| (v as u32).to_be_bytes();
        let mut images = [number(0x803), number(n), number(28), number(28)].concat();
        images.extend(vec![7; n * 784]);
        let mut labels = [number(0x801), number(n)].concat();
        labels.extend((0..n).map(|i| i as u8));
        files.push((format!("{stem}-images-idx3-ubyte"), mutated(images, dice)));
        files.push((format!("{stem}-labels-idx1-ubyte"), mutated(labels, dice)));
    }
    for (i, (name, b)) in files.iter().enumerate() {
        std::fs::write(folder.join(name), b).unwrap();
        std::fs::write(folder.join(format!("case{i}.idx")), b).unwrap();
    }
    let spec: DataSpec = format!("mnist:{}", folder.display()).parse().unwrap();
    let limit = once_in(dice, 2).then(|| below(dice, 4));
    let read = spec.open(if once_in(dice, 2) { Split::Test } else { Split::Train }, limit);
    Ok(usize::from(read.is_ok_and(|d| d.batch(0..d.len()).1.len() == d.len())))
}
