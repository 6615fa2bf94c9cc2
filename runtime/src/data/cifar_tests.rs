#![allow(clippy::unwrap_used)]
//! CIFAR files made here, and the real ones where `RELINC_SHARED` (default `../shared` beside the workspace) has them.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use lzma_rust2::{XzOptions, XzWriter};
use tempfile::TempDir;

use super::*;

/// Image `i` of a CIFAR-10 file made here: label `i mod 10`, pixels that tell the file and the index.
fn records(file: u8, count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for i in 0..count {
        bytes.push((i % 10) as u8);
        let mut image = vec![file; IMAGE];
        image[1..3].copy_from_slice(&(i as u16).to_le_bytes());
        bytes.extend(image);
    }
    bytes
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut options = XzOptions::with_preset(1);
    options.prepend_pre_filter(lzma_rust2::FilterType::Delta, 1);
    let mut writer = XzWriter::new(Vec::new(), options).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// A folder with three training batches of 40 images, the second one packed, and a packed test batch of 30.
fn folder() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("data_batch_1.bin"), records(1, 40)).unwrap();
    fs::write(dir.path().join("data_batch_2.bin.xz"), xz(&records(2, 40))).unwrap();
    fs::write(dir.path().join("data_batch_3.bin"), records(3, 40)).unwrap();
    fs::write(dir.path().join("test_batch.bin.xz"), xz(&records(9, 30))).unwrap();
    dir
}

fn open(dir: &Path, options: &str, split: Split, limit: Option<usize>) -> Result<Dataset, DataError> {
    format!("cifar10:{}?{options}", dir.display()).parse::<DataSpec>().unwrap().open(split, limit)
}

fn message(dir: &Path, options: &str, split: Split) -> String {
    open(dir, options, split, None).unwrap_err().to_string()
}

/// (file, index in the file) of every image.
fn identities(data: &Dataset) -> Vec<(u8, u16)> {
    (0..data.len())
        .map(|i| (data.pixels(i)[0], u16::from_le_bytes([data.pixels(i)[1], data.pixels(i)[2]])))
        .collect()
}

#[test]
fn reads_plain_and_packed_files_in_order() {
    let dir = folder();
    let train = open(dir.path(), "val=0", Split::Train, None).unwrap();
    let expected: Vec<(u8, u16)> = (1..=3).flat_map(|f| (0..40).map(move |i| (f, i))).collect();
    assert_eq!(identities(&train), expected);
    assert!((0..120).all(|i| train.label(i) == i % 40 % 10));
    let test = open(dir.path(), "", Split::Test, None).unwrap();
    assert_eq!((test.len(), test.label(12), test.classes()), (30, 2, 10));
    assert_eq!(test.describe(), "cifar10 test, 30 images");
    assert_eq!(test.class_names()[9], "truck");
}

#[test]
fn limit_takes_a_prefix() {
    let dir = folder();
    let all = identities(&open(dir.path(), "", Split::Train, None).unwrap());
    let some = identities(&open(dir.path(), "", Split::Train, Some(50)).unwrap());
    assert_eq!(some, all[..50]);
}

#[test]
fn train_and_val_never_overlap() {
    let dir = folder();
    for options in ["", "seed=1", "val=7&seed=2", "val=60", "val=119", "val=30&train=90"] {
        let train = identities(&open(dir.path(), options, Split::Train, None).unwrap());
        let val = identities(&open(dir.path(), options, Split::Val, None).unwrap());
        assert!(val.iter().all(|image| !train.contains(image)), "{options}");
        assert_eq!(train.len() + val.len(), 120, "{options}");
    }
    assert_eq!(open(dir.path(), "", Split::Val, None).unwrap().len(), 24); // a fifth
    assert_eq!(open(dir.path(), "train=11", Split::Train, None).unwrap().len(), 11);
}

#[test]
fn files_that_are_not_needed_stay_closed() {
    let dir = folder();
    let second = dir.path().join("data_batch_2.bin.xz");
    let mut bytes = fs::read(&second).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle - 20..middle + 20].fill(0x55);
    fs::write(&second, bytes).unwrap();
    assert_eq!(open(dir.path(), "", Split::Train, Some(40)).unwrap().len(), 40);
    assert_eq!(open(dir.path(), "val=10", Split::Val, None).unwrap().len(), 10);
    let m = message(dir.path(), "", Split::Train);
    assert!(m.contains("data_batch_2.bin.xz") && m.contains("damaged"), "{m}");
}

#[test]
fn finds_the_folder_inside() {
    let dir = tempfile::tempdir().unwrap();
    let inside = dir.path().join("cifar-10-batches-bin");
    fs::create_dir(&inside).unwrap();
    fs::write(inside.join("test_batch.bin"), records(9, 3)).unwrap();
    assert_eq!(open(dir.path(), "", Split::Test, None).unwrap().len(), 3);
}

#[test]
fn reads_fine_labels_of_cifar100() {
    let dir = tempfile::tempdir().unwrap();
    let mut bytes = vec![3, 99];
    bytes.extend([7; IMAGE]);
    fs::write(dir.path().join("test_part1.bin"), &bytes).unwrap();
    fs::write(dir.path().join("test_part2.bin.xz"), xz(&bytes)).unwrap();
    let spec: DataSpec = format!("cifar100:{}", dir.path().display()).parse().unwrap();
    let test = spec.open(Split::Test, None).unwrap();
    assert_eq!((test.len(), test.label(1), test.classes()), (2, 99, 100));
    fs::write(dir.path().join("test.bin"), &bytes).unwrap();
    assert_eq!(spec.open(Split::Test, None).unwrap().len(), 1); // the whole file goes before parts
}

#[test]
fn no_folder() {
    let m = message(Path::new("not/there"), "", Split::Test);
    assert!(m.contains("not/there") && m.contains("no such folder"), "{m}");
}

#[test]
fn no_files_of_the_split() {
    let dir = folder();
    fs::remove_file(dir.path().join("test_batch.bin.xz")).unwrap();
    let m = message(dir.path(), "", Split::Test);
    assert!(m.contains("no test files") && m.contains("test_batch"), "{m}");
}

#[test]
fn no_cut_record() {
    let dir = folder();
    let mut bytes = records(9, 3);
    bytes.pop();
    fs::write(dir.path().join("test_batch.bin.xz"), xz(&bytes)).unwrap();
    let m = message(dir.path(), "", Split::Test);
    assert!(m.contains("test_batch.bin.xz") && m.contains("9218 bytes") && m.contains("3073"), "{m}");
}

#[test]
fn no_damaged_xz_wherever_the_damage_is() {
    let dir = folder();
    let file = dir.path().join("test_batch.bin.xz");
    let whole = fs::read(&file).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x41;
        fs::write(&file, &bytes).unwrap();
        let m = message(dir.path(), "", Split::Test);
        assert!(m.contains("test_batch.bin.xz"), "byte {at}: {m}");
        fs::write(&file, &whole[..at]).unwrap();
        let m = message(dir.path(), "", Split::Test);
        assert!(m.contains("test_batch.bin.xz") && m.contains("damaged"), "cut at {at}: {m}");
    }
}

#[test]
fn no_label_out_of_range() {
    let dir = folder();
    let mut bytes = records(9, 3);
    bytes[2 * 3073] = 10;
    fs::write(dir.path().join("test_batch.bin"), bytes).unwrap();
    let m = message(dir.path(), "", Split::Test);
    assert!(m.contains("test_batch.bin") && m.contains("record 2 has label 10"), "{m}");
}

#[test]
fn no_more_images_than_there_are() {
    let dir = folder();
    let m = message(dir.path(), "train=100", Split::Train);
    assert!(m.contains("train=100") && m.contains("96 training images"), "{m}");
    let m = message(dir.path(), "val=120", Split::Val);
    assert!(m.contains("val=120") && m.contains("120 training images"), "{m}");
    assert!(message(dir.path(), "val=0", Split::Val).contains("empty"));
}

/// The real data, or a line that says that the test did nothing.
#[allow(clippy::print_stderr)]
pub(in crate::data) fn shared(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("RELINC_SHARED").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let dir = root.unwrap_or(beside).join("data").join(name);
    if !dir.is_dir() {
        eprintln!("skipped: {} is not there (set RELINC_SHARED)", dir.display());
        return None;
    }
    Some(dir)
}

#[test]
fn real_cifar10_test_split() {
    let Some(dir) = shared("cifar10") else { return };
    let test = open(&dir, "normalize=cifar10", Split::Test, None).unwrap();
    assert_eq!(test.describe(), "cifar10 test, 10,000 images");
    for class in 0..10 {
        assert_eq!((0..test.len()).filter(|i| test.label(*i) == class).count(), 1000);
    }
    // Normalised by the training images' numbers, the test images are near mean 0 and deviation 1.
    let (input, _) = test.batch(0..2000);
    let n = input.len() as f64;
    let mean = input.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
    let deviation = (input.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / n - mean * mean).sqrt();
    assert!(mean.abs() < 0.05 && (deviation - 1.0).abs() < 0.05, "{mean} {deviation}");
}

#[test]
fn real_cifar10_val_split_is_not_in_train() {
    let Some(dir) = shared("cifar10") else { return };
    let val = open(&dir, "", Split::Val, None).unwrap();
    assert_eq!(val.len(), 2000);
    let train = open(&dir, "", Split::Train, None).unwrap();
    assert_eq!(train.len(), 48_000);
    let held_out: std::collections::HashSet<&[u8]> = (0..val.len()).map(|i| val.pixels(i)).collect();
    assert!((0..train.len()).all(|i| !held_out.contains(train.pixels(i))));
}

#[test]
fn real_cifar100() {
    let Some(dir) = shared("cifar100") else { return };
    let spec: DataSpec = format!("cifar100:{}", dir.display()).parse().unwrap();
    let test = spec.open(Split::Test, None).unwrap();
    assert_eq!((test.len(), test.classes()), (5000, 100));
    let names = fs::read_to_string(dir.join("fine_label_names.txt")).unwrap();
    assert!(names.lines().eq(test.class_names().iter().map(String::as_str)));
}
