#![allow(clippy::unwrap_used)]
//! IDX files made here.

use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::*;

/// `count` images of 4×3 pixels whose first pixel is their number, and labels that count to nine.
fn images(count: u32) -> Vec<u8> {
    let header = [0x0803, count, 4, 3].map(u32::to_be_bytes).concat();
    let image = |i: u32| (0..12).map(move |p| (i + 7 * p) as u8);
    [header, (0..count).flat_map(image).collect()].concat()
}

fn labels(count: u32) -> Vec<u8> {
    let header = [0x0801, count].map(u32::to_be_bytes).concat();
    [header, (0..count).map(|i| (i % 10) as u8).collect()].concat()
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut writer = GzEncoder::new(Vec::new(), Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// Plain training files of 50 images, packed test files of 30.
fn folder() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("train-images-idx3-ubyte"), images(50)).unwrap();
    fs::write(dir.path().join("train-labels-idx1-ubyte"), labels(50)).unwrap();
    fs::write(dir.path().join("t10k-images-idx3-ubyte.gz"), gz(&images(30))).unwrap();
    fs::write(dir.path().join("t10k-labels-idx1-ubyte.gz"), gz(&labels(30))).unwrap();
    dir
}

fn open(dir: &Path, options: &str, split: Split, limit: Option<usize>) -> Result<Dataset, DataError> {
    format!("mnist:{}?{options}", dir.display()).parse::<DataSpec>().unwrap().open(split, limit)
}

fn message(dir: &Path, limit: Option<usize>) -> String {
    open(dir, "", Split::Test, limit).unwrap_err().to_string()
}

fn numbers(data: &Dataset) -> Vec<u8> {
    (0..data.len()).map(|i| data.pixels(i)[0]).collect()
}

#[test]
fn reads_plain_and_packed_files() {
    let dir = folder();
    let test = open(dir.path(), "normalize=mnist", Split::Test, None).unwrap();
    assert_eq!((test.len(), test.image_shape(), test.classes()), (30, [1, 4, 3], 10));
    assert_eq!((test.label(13), test.pixels(13)[1]), (3, 20));
    assert_eq!(test.describe(), "mnist test, 30 images");
    assert_eq!(numbers(&open(dir.path(), "", Split::Test, Some(4)).unwrap()), [0, 1, 2, 3]);
    let (input, _) = test.batch(1..2);
    assert!((input[0] - (1.0 / 255.0 - 0.1307) / 0.3081).abs() < 1e-6);
}

#[test]
fn carves_the_validation_split_and_says_so() {
    let dir = folder();
    let (train, val) =
        (open(dir.path(), "", Split::Train, None).unwrap(), open(dir.path(), "", Split::Val, None).unwrap());
    assert_eq!((train.len(), val.len()), (40, 10));
    assert!(numbers(&val).iter().all(|n| !numbers(&train).contains(n)));
    assert!((0..val.len()).all(|i| val.label(i) == usize::from(val.pixels(i)[0]) % 10));
    assert!(val.notices()[0].contains("10 images carved"));
}

#[test]
fn other_spellings_and_places() {
    let dir = tempfile::tempdir().unwrap();
    let raw = dir.path().join("MNIST/raw");
    fs::create_dir_all(&raw).unwrap();
    fs::write(raw.join("t10k-images.idx3-ubyte"), images(5)).unwrap();
    // A browser has unpacked it and left the name.
    fs::write(raw.join("t10k-labels.idx1-ubyte.gz"), labels(5)).unwrap();
    assert_eq!(open(dir.path(), "", Split::Test, None).unwrap().len(), 5);
    let other = dir.path().join("FashionMNIST/raw");
    fs::create_dir_all(&other).unwrap();
    fs::write(other.join("t10k-images-idx3-ubyte"), images(5)).unwrap();
    fs::write(other.join("t10k-labels-idx1-ubyte"), labels(5)).unwrap();
    let m = message(dir.path(), None);
    assert!(m.contains("MNIST/raw and FashionMNIST/raw"), "{m}");
}

#[test]
fn resized_when_asked() {
    let dir = folder();
    let test = open(dir.path(), "size=6", Split::Test, None).unwrap();
    assert_eq!((test.image_shape(), test.pixels(2).len()), ([1, 6, 6], 36));
    assert_eq!(open(dir.path(), "size=3", Split::Test, None).unwrap().label(12), 2);
}

#[test]
fn three_channels_for_a_network_of_colours() {
    let dir = folder();
    let spec: DataSpec = format!("mnist:{}", dir.path().display()).parse().unwrap();
    let data = spec.with_channels(3).unwrap().open(Split::Test, Some(1)).unwrap();
    assert_eq!((data.image_shape(), data.pixels(0)[0], data.pixels(0)[12]), ([3, 4, 3], 0, 0));
    assert_eq!(data.pixels(0)[1..12], data.pixels(0)[25..36]);
}

#[test]
fn the_catalogue_knows_the_size() {
    let dir = folder();
    let spec: DataSpec = format!("mnist:{}", dir.path().display()).parse().unwrap();
    let c = spec.catalogue().unwrap();
    assert_eq!((c.channels, c.size, c.classes.len()), (Some(1), Some([4, 3]), 10));
}

#[test]
fn no_cut_file_packed_or_not() {
    let dir = folder();
    let plain = dir.path().join("t10k-images-idx3-ubyte");
    for at in [0, 3, 9, 100, images(30).len() - 1] {
        fs::write(&plain, &images(30)[..at]).unwrap();
        for limit in [None, Some(1)] {
            let m = message(dir.path(), limit);
            assert!(m.contains("t10k-images-idx3-ubyte") && m.contains("fetch it again"), "{at}: {m}");
        }
    }
    fs::remove_file(&plain).unwrap();
    let packed = dir.path().join("t10k-images-idx3-ubyte.gz");
    let whole = gz(&images(30));
    for at in 0..whole.len() {
        fs::write(&packed, &whole[..at]).unwrap();
        assert!(message(dir.path(), None).contains("t10k-images-idx3-ubyte.gz"), "{at}");
    }
    fs::write(&packed, gz(&images(30)[..300])).unwrap();
    assert!(message(dir.path(), None).contains("less than the 30 records"));
}

#[test]
fn no_damaged_gz() {
    let dir = folder();
    let packed = dir.path().join("t10k-images-idx3-ubyte.gz");
    let mut bytes = gz(&images(30));
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x41;
    fs::write(&packed, bytes).unwrap();
    assert!(message(dir.path(), None).contains("t10k-images-idx3-ubyte.gz"));
}

#[test]
fn no_file_of_another_kind() {
    let dir = folder();
    fs::write(dir.path().join("t10k-images-idx3-ubyte"), labels(30)).unwrap();
    assert!(message(dir.path(), None).contains("file of labels"));
    fs::write(dir.path().join("t10k-images-idx3-ubyte"), b"<html>not here</html>").unwrap();
    assert!(message(dir.path(), None).contains("0x3c68746d"));
    let mut wide = images(1);
    wide[8..12].copy_from_slice(&u32::MAX.to_be_bytes());
    fs::write(dir.path().join("t10k-images-idx3-ubyte"), wide).unwrap();
    assert!(message(dir.path(), None).contains("announces"));
}

#[test]
fn no_other_number_of_labels() {
    let dir = folder();
    fs::write(dir.path().join("t10k-labels-idx1-ubyte"), labels(29)).unwrap();
    let m = message(dir.path(), Some(1));
    assert!(m.contains("29 labels") && m.contains("30 images"), "{m}");
}

#[test]
fn no_label_beyond_nine() {
    let dir = folder();
    let mut letters = labels(30);
    letters[8 + 4] = 26;
    fs::write(dir.path().join("t10k-labels-idx1-ubyte"), letters).unwrap();
    let m = message(dir.path(), None);
    assert!(m.contains("record 4 has label 26"), "{m}");
}

#[test]
fn no_missing_files() {
    let dir = folder();
    fs::remove_file(dir.path().join("t10k-labels-idx1-ubyte.gz")).unwrap();
    assert!(message(dir.path(), None).contains("no test files of mnist"));
    assert!(message(&dir.path().join("x"), None).contains("no such folder"));
}
