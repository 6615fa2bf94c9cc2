#![allow(clippy::unwrap_used)]
//! Small sets in each layout, and the shared subset where `RELINC_SHARED` (default `../shared` beside the workspace) has it.

use std::fs;
use std::io::Write;

use lzma_rust2::{XzOptions, XzWriter};
use tempfile::TempDir;

use super::super::cifar::tests::shared;
use super::*;
use crate::picture::samples::png;

/// A file of the set: name and contents.
type File = (String, Vec<u8>);

/// Three classes, 10 training and 2 test images each, whose pixels tell the class (the sorted id) and the number.
/// `words` has no name of the last class.
fn set(train_inside: &str, by_annotations: bool) -> Vec<File> {
    let mut files: Vec<File> = vec![
        ("wnids.txt".into(), b"n02\nn03\nn01".to_vec()),
        ("words.txt".into(), b"n00\tother\nn01\tgoldfish, fish\nn02\treel\r\n".to_vec()),
    ];
    let mut annotations = String::new();
    for class in 1..=3u8 {
        let image = |i: u8| png(2, 2, png::ColorType::Rgb, &[class, i, 0].repeat(4)).unwrap();
        for i in 0..10 {
            files.push((format!("train/n0{class}/{train_inside}n0{class}_{i}.JPEG"), image(i)));
        }
        for i in 10..12 {
            let name = format!("val_{class}{i}.JPEG");
            annotations.push_str(&format!("{name}\tn0{class}\t0\t0\t2\t2\n"));
            let folder = if by_annotations { "images".to_owned() } else { format!("n0{class}") };
            files.push((format!("val/{folder}/{name}"), image(i)));
        }
        files.push((format!("train/n0{class}/n0{class}_boxes.txt"), vec![]));
    }
    if by_annotations {
        files.push(("val/val_annotations.txt".into(), annotations.into_bytes()));
    }
    files.push(("test/images/test_0.JPEG".into(), vec![]));
    files
}

fn unpacked(files: &[File], below: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = dir.path().join(below).join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    dir
}

fn tar(files: &[File], below: &str) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, format!("{below}{name}"), &bytes[..]).unwrap();
    }
    builder.into_inner().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut writer = XzWriter::new(Vec::new(), XzOptions::with_preset(1)).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn packed(bytes: &[u8], name: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(name), bytes).unwrap();
    dir
}

fn open(dir: &Path, options: &str, split: Split, limit: Option<usize>) -> Result<Dataset, DataError> {
    format!("tiny-imagenet:{}?{options}", dir.display()).parse::<DataSpec>().unwrap().open(split, limit)
}

fn message(dir: &Path, split: Split) -> String {
    open(dir, "", split, None).unwrap_err().to_string()
}

/// (class, number) of every image, its class being what the label says.
fn identities(data: &Dataset) -> Vec<(u8, u8)> {
    let of = |i| {
        let pixels = data.pixels(i);
        assert_eq!(usize::from(pixels[0]), data.label(i) + 1);
        (pixels[0], pixels[4])
    };
    (0..data.len()).map(of).collect()
}

#[test]
fn every_layout_holds_the_same() {
    let dirs = [
        unpacked(&set("images/", true), ""),
        unpacked(&set("", false), "tiny-imagenet-200"),
        packed(&tar(&set("images/", true), ""), "tiny.tar"),
        packed(&xz(&tar(&set("", false), "subset/")), "tiny.tar.xz"),
        packed(&xz(&tar(&set("images/", false), "./")), "tiny.tar.xz"),
    ];
    for dir in &dirs {
        let train = open(dir.path(), "val=0", Split::Train, None).unwrap();
        let expected: Vec<(u8, u8)> = (0..10).flat_map(|i| (1..=3).map(move |c| (c, i))).collect();
        assert_eq!(identities(&train), expected);
        let test = open(dir.path(), "", Split::Test, None).unwrap();
        assert_eq!(identities(&test), [(1, 10), (2, 10), (3, 10), (1, 11), (2, 11), (3, 11)]);
        assert_eq!(test.class_names(), ["goldfish, fish", "reel", "n03"]);
        assert_eq!(test.describe(), "tiny-imagenet test, 6 images");
    }
    let file = dirs[3].path().join("tiny.tar.xz");
    assert_eq!(open(&file, "size=5", Split::Test, Some(2)).unwrap().image_shape(), [3, 5, 5]);
}

#[test]
fn train_and_val_never_overlap() {
    let dir = unpacked(&set("images/", true), "");
    for options in ["", "seed=4", "val=11"] {
        let mut all = identities(&open(dir.path(), options, Split::Train, None).unwrap());
        all.extend(identities(&open(dir.path(), options, Split::Val, None).unwrap()));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 30, "{options}");
    }
    assert_eq!(open(dir.path(), "", Split::Val, None).unwrap().len(), 6);
    assert!(open(dir.path(), "train=25", Split::Train, None).unwrap_err().to_string().contains("train=25"));
}

#[test]
fn no_damaged_archive() {
    let whole = xz(&tar(&set("", false), ""));
    let dir = packed(&whole, "tiny.tar.xz");
    let file = dir.path().join("tiny.tar.xz");
    for at in (0..whole.len()).step_by(7) {
        fs::write(&file, &whole[..at]).unwrap();
        let m = message(dir.path(), Split::Test);
        assert!(m.contains("tiny.tar.xz") || m.contains("wnids.txt"), "cut at {at}: {m}");
        let mut bytes = whole.clone();
        bytes[at] ^= 0x41;
        fs::write(&file, &bytes).unwrap();
        let m = message(dir.path(), Split::Test);
        assert!(m.contains("tiny.tar.xz"), "byte {at}: {m}");
    }
}

#[test]
fn no_image_without_a_class() {
    let dir = unpacked(&set("images/", true), "");
    fs::write(dir.path().join("val/val_annotations.txt"), "val_110.JPEG\tn01\n").unwrap();
    let m = message(dir.path(), Split::Test);
    assert!(m.contains("val_111.JPEG") && m.contains("val_annotations.txt does not list it"), "{m}");
    fs::write(dir.path().join("wnids.txt"), "n01\nn02\n").unwrap();
    let m = message(dir.path(), Split::Train);
    assert!(m.contains("n03_0.JPEG") && m.contains("n03 is not in wnids.txt"), "{m}");
}

#[test]
fn no_files() {
    let dir = tempfile::tempdir().unwrap();
    assert!(message(&dir.path().join("x"), Split::Test).contains("no such folder"));
    let m = message(dir.path(), Split::Test);
    assert!(m.contains("wnids.txt") && m.contains(".zip"), "{m}");
    let archive = packed(&tar(&set("", false)[2..], ""), "tiny.tar");
    assert!(message(archive.path(), Split::Test).contains("wnids.txt"));
    let dir = unpacked(&set("", false)[..2], "");
    assert!(message(dir.path(), Split::Val).contains("train/WNID"));
}

#[test]
fn broken_image_in_an_archive_is_named() {
    let mut files = set("", false);
    files.iter_mut().find(|(n, _)| n == "val/n02/val_211.JPEG").unwrap().1 = b"x".to_vec();
    let dir = packed(&tar(&files, "a/"), "tiny.tar");
    let m = message(dir.path(), Split::Test);
    assert!(m.contains("tiny.tar/a/val/n02/val_211.JPEG"), "{m}");
    assert_eq!(open(dir.path(), "", Split::Test, Some(4)).unwrap().len(), 4);
}

#[test]
fn real_subset() {
    let Some(dir) = shared("tiny-imagenet") else { return };
    let test = open(&dir, "normalize=imagenet", Split::Test, None).unwrap();
    assert_eq!((test.len(), test.classes(), test.image_shape()), (3000, 200, [3, 64, 64]));
    assert!((0..200).all(|class| (0..3000).filter(|i| test.label(*i) == class).count() == 15));
    assert_eq!(test.class_names()[0], "goldfish, Carassius auratus");
    let grey = |i: &usize| {
        let planes: Vec<&[u8]> = test.pixels(*i).chunks_exact(4096).collect();
        planes[0] == planes[1] && planes[1] == planes[2]
    };
    let grey = (0..3000).filter(grey).count();
    assert!((30..150).contains(&grey), "{grey}");
    let (input, _) = test.batch(0..400);
    let mean = input.iter().map(|v| f64::from(*v)).sum::<f64>() / input.len() as f64;
    assert!(mean.abs() < 0.25, "{mean}");
    let train = open(&dir, "", Split::Train, Some(200)).unwrap();
    let val = open(&dir, "", Split::Val, None).unwrap();
    assert_eq!((train.len(), val.len()), (200, 1200));
    assert!((0..200).all(|i| train.label(i) < 200 && (0..1200).all(|v| val.pixels(v) != train.pixels(i))));
}
