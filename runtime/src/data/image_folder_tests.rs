#![allow(clippy::unwrap_used)]
//! Folders of images made here.

use std::collections::BTreeSet;
use std::fs;

use tempfile::TempDir;

use super::*;
use crate::picture::samples::{FLAT, png};

/// A 4×2 PNG that tells a number.
fn image(number: u8) -> Vec<u8> {
    png(4, 2, png::ColorType::Grayscale, &[number; 8]).unwrap()
}

fn write(root: &Path, name: &str, bytes: &[u8]) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// 20 images in each class: 0… of `ant`, 100… of `bee`.
fn fill(root: &Path, part: &str, count: u8) {
    for i in 0..count {
        write(root, &format!("{part}/ant/{i:02}.png"), &image(i));
        write(root, &format!("{part}/bee/more/{i:02}.PNG"), &image(100 + i));
    }
}

fn flat() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), ".", 20);
    write(dir.path(), "ant/notes.txt", b"no image");
    write(dir.path(), ".cache/x.png", b"hidden");
    dir
}

fn open(dir: &Path, options: &str, split: Split) -> Result<Dataset, DataError> {
    format!("images:{}?{options}", dir.display()).parse::<DataSpec>().unwrap().open(split, None)
}

fn message(dir: &Path, options: &str, split: Split) -> String {
    open(dir, options, split).unwrap_err().to_string()
}

fn numbers(data: &Dataset) -> Vec<u8> {
    (0..data.len()).map(|i| data.pixels(i)[0]).collect()
}

#[test]
fn classes_by_name_and_in_turn() {
    let dir = flat();
    let train = open(dir.path(), "val=0", Split::Train).unwrap();
    assert_eq!(train.class_names(), ["ant", "bee"]);
    assert_eq!(train.image_shape(), [3, 2, 4]);
    assert!((0..train.len()).all(|i| train.label(i) == i % 2));
    assert!((0..train.len()).all(|i| (train.pixels(i)[0] >= 100) == (train.label(i) == 1)));
}

#[test]
fn splits_share_nothing_and_miss_nothing() {
    let dir = flat();
    for options in ["", "seed=3", "val=0", "val=5&seed=9"] {
        let mut seen = BTreeSet::new();
        for split in Split::ALL {
            let Ok(data) = open(dir.path(), options, split) else {
                assert_eq!((options, split), ("val=0", Split::Val));
                continue;
            };
            assert!(numbers(&data).into_iter().all(|n| seen.insert(n)), "{options}");
        }
        assert_eq!(seen.len(), 40, "{options}");
    }
}

#[test]
fn carved_test_images_are_a_fifth_of_each_class_whatever_the_seed() {
    let dir = flat();
    let test = open(dir.path(), "", Split::Test).unwrap();
    assert_eq!(test.len(), 8);
    assert_eq!((0..8).filter(|i| test.label(*i) == 0).count(), 4);
    assert_eq!(numbers(&test), numbers(&open(dir.path(), "seed=5&val=1", Split::Test).unwrap()));
    let val = |options| numbers(&open(dir.path(), options, Split::Val).unwrap());
    assert_eq!(val("seed=5"), val("seed=5"));
    assert_ne!(val("seed=5"), val("seed=6"));
    assert_eq!(val("").len(), 6); // a fifth of 32
}

#[test]
fn folders_for_the_splits() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), "train", 10);
    fill(dir.path(), "test", 3);
    assert_eq!(open(dir.path(), "", Split::Test).unwrap().len(), 6);
    assert_eq!(open(dir.path(), "", Split::Train).unwrap().len(), 16);
    assert_eq!(open(dir.path(), "", Split::Val).unwrap().len(), 4);
    fill(dir.path(), "val", 2);
    assert_eq!(open(dir.path(), "", Split::Train).unwrap().len(), 20);
    assert_eq!(open(dir.path(), "train=7", Split::Train).unwrap().len(), 7);
    assert_eq!(numbers(&open(dir.path(), "val=3", Split::Val).unwrap()), [0, 100, 1]);
    assert!(message(dir.path(), "val=5", Split::Val).contains("val=5"));
    assert!(message(dir.path(), "train=21", Split::Train).contains("train=21"));
    assert!(message(dir.path(), "val=0", Split::Val).contains("empty"));
    fs::remove_dir_all(dir.path().join("train")).unwrap();
    assert_eq!(open(dir.path(), "", Split::Test).unwrap().classes(), 2);
    assert!(message(dir.path(), "", Split::Train).contains("no training files"));
}

#[test]
fn a_class_may_be_called_train() {
    let dir = tempfile::tempdir().unwrap();
    for i in 0..5 {
        write(dir.path(), &format!("train/{i}.png"), &image(i));
        write(dir.path(), &format!("plane/{i}.png"), &image(i));
    }
    assert_eq!(open(dir.path(), "", Split::Train).unwrap().class_names(), ["plane", "train"]);
}

#[test]
fn resized_when_asked() {
    let dir = flat();
    write(dir.path(), "ant/photo.jpg", &FLAT);
    let m = message(dir.path(), "val=0", Split::Train);
    assert!(m.contains("photo.jpg: 16×9") && m.contains("4×2") && m.contains("size=N"), "{m}");
    let train = open(dir.path(), "val=0&size=6", Split::Train).unwrap();
    assert_eq!(train.image_shape(), [3, 6, 6]);
    assert!((0..train.len()).any(|i| train.pixels(i)[0].abs_diff(201) < 2 && train.label(i) == 0));
}

#[test]
fn only_what_the_limit_needs_is_decoded() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), "test", 3);
    write(dir.path(), "test/ant/02.png", b"broken");
    write(dir.path(), "test/bee/more/01.PNG", b"");
    let spec: DataSpec = format!("images:{}", dir.path().display()).parse().unwrap();
    assert_eq!(spec.open(Split::Test, Some(3)).unwrap().len(), 3);
    assert_eq!(spec.open(Split::Test, Some(0)).unwrap().len(), 0);
    let m = spec.open(Split::Test, None).unwrap_err().to_string();
    assert!(m.contains("01.PNG") && m.contains("empty"), "{m}"); // the first of the two
}

#[test]
fn no_strange_folders() {
    let dir = tempfile::tempdir().unwrap();
    assert!(message(dir.path(), "", Split::Test).contains("a folder of PNG"));
    assert!(message(&dir.path().join("x"), "", Split::Test).contains("no such folder"));
    write(dir.path(), "ant/x.webp", b"");
    let m = message(dir.path(), "", Split::Test);
    assert!(m.contains("x.webp") && m.contains("PNG and JPEG only"), "{m}");
    fs::remove_file(dir.path().join("ant/x.webp")).unwrap();
    assert!(message(dir.path(), "", Split::Test).contains("empty"));
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), "train", 2);
    write(dir.path(), "test/wasp/0.png", &image(0));
    let m = message(dir.path(), "", Split::Test);
    assert!(m.contains("wasp") && m.contains("no class"), "{m}");
}

#[test]
fn no_order_of_labels_moves_an_image_to_another_split() {
    let dir = flat();
    for split in Split::ALL {
        let (plain, turned) =
            (open(dir.path(), "", split).unwrap(), open(dir.path(), "classes=bee,ant", split).unwrap());
        assert_eq!(numbers(&plain), numbers(&turned));
        assert!((0..plain.len()).all(|i| plain.label(i) == 1 - turned.label(i)));
        assert_eq!(turned.class_names(), ["bee", "ant"]);
    }
}

#[test]
fn carved_splits_say_their_size() {
    let dir = flat();
    let said = |split| open(dir.path(), "seed=3", split).unwrap().notices().join(" ");
    assert_eq!(said(Split::Test), "Test: 8 images carved from the training images, a fifth of each class.");
    assert!(said(Split::Val).contains("6 images carved from the training images by seed 3"));
    assert_eq!(said(Split::Train), "");
}

/// The layout of ImageNet.
#[test]
fn val_images_test_where_there_is_no_test_folder() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), "train", 10);
    for i in 0..3 {
        write(dir.path(), &format!("val/ant/{i}.png"), &image(50 + i));
    }
    assert_eq!(numbers(&open(dir.path(), "", Split::Test).unwrap()), [50, 51, 52]);
    let (train, val) =
        (open(dir.path(), "", Split::Train).unwrap(), open(dir.path(), "", Split::Val).unwrap());
    assert_eq!((train.len(), val.len()), (16, 4));
    assert!(val.notices()[0].contains("4 images carved"));
    assert_eq!(open(dir.path(), "", Split::Test).unwrap().notices(), ["Test: no images of bee."]);
    let notices = labels(&format!("images:{}", dir.path().display()).parse().unwrap()).unwrap().notices;
    assert!(notices[0].contains("Test: the images of val"), "{notices:?}");
}

#[test]
fn listed_classes_alone_are_read() {
    let dir = flat();
    write(dir.path(), "junk/0.webp", b"not looked at");
    let test = open(dir.path(), "classes=wasp,bee,ant", Split::Test).unwrap();
    assert_eq!((test.len(), test.classes(), test.label(0)), (8, 3, 2));
    assert!(message(dir.path(), "", Split::Test).contains("0.webp"));
}
