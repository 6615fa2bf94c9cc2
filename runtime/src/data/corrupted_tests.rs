#![allow(clippy::unwrap_used)]
//! A small folder in the layout of CIFAR-10-C.

use relinc_passes::ir::DType;
use relinc_passes::npy::header;
use tempfile::TempDir;

use super::*;
use std::fs;

const N: usize = 3;

fn npy(dtype: DType, shape: &[usize], values: &[u8]) -> Vec<u8> {
    [&header(dtype, shape)[..], values].concat()
}

/// Image `i` at severity `s`: `s` in R, `i` in G, the column in B.
fn images() -> Vec<u8> {
    let mut values = Vec::new();
    for s in 1..=5 {
        for i in 0..N as u8 {
            values.extend((0..1024).flat_map(|p| [s, i, (p % 32) as u8]));
        }
    }
    npy(DType::U8, &[5 * N, 32, 32, 3], &values)
}

fn folder() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in ["fog", "gaussian_noise"] {
        fs::write(dir.path().join(format!("{name}.npy")), images()).unwrap();
    }
    write_labels(&dir, &[7, 0, 9]);
    dir
}

fn write_labels(dir: &TempDir, labels: &[u8]) {
    let labels = labels.repeat(5);
    fs::write(dir.path().join("labels.npy"), npy(DType::U8, &[labels.len()], &labels)).unwrap();
}

fn open(dir: &TempDir) -> Result<CorruptedFolder, DataError> {
    CorruptedFolder::open(dir.path(), &"cifar10:d?normalize=cifar10".parse().unwrap())
}

#[test]
fn reads_one_severity_as_planes() {
    let dir = folder();
    let folder = open(&dir).unwrap();
    assert_eq!(
        (folder.corruptions(), folder.images()),
        (&["fog".to_owned(), "gaussian_noise".into()][..], N)
    );
    for severity in 1..=SEVERITIES {
        let data = folder.dataset("fog", severity, None).unwrap();
        assert_eq!((data.len(), data.image_shape(), data.classes()), (N, [3, 32, 32], 10));
        assert_eq!((0..N).map(|i| data.label(i)).collect::<Vec<_>>(), [7, 0, 9]);
        for i in 0..N {
            let image = data.pixels(i);
            assert!(image[..1024].iter().all(|v| *v == severity));
            assert!(image[1024..2048].iter().all(|v| usize::from(*v) == i));
            assert_eq!(image[2048 + 32..2048 + 36], [0, 1, 2, 3]);
        }
    }
    assert_eq!(folder.dataset("fog", 5, Some(2)).unwrap().len(), 2);
}

#[test]
fn labels_of_other_integers() {
    let dir = folder();
    let labels: Vec<u8> = [7i64, 0, 99].repeat(5).iter().flat_map(|l| l.to_le_bytes()).collect();
    fs::write(dir.path().join("labels.npy"), npy(DType::I64, &[15], &labels)).unwrap();
    let folder = CorruptedFolder::open(dir.path(), &"cifar100:d".parse().unwrap()).unwrap();
    assert_eq!(folder.dataset("fog", 1, None).unwrap().label(2), 99);
    assert!(open(&dir).unwrap_err().to_string().contains("label 99"));
}

#[test]
fn no_unknown_name_or_severity() {
    let dir = folder();
    let folder = open(&dir).unwrap();
    let m = folder.dataset("frog", 1, None).unwrap_err().to_string();
    assert!(
        m.contains("\"frog\"") && m.contains("did you mean \"fog\"") && m.contains("gaussian_noise"),
        "{m}"
    );
    for severity in [0, 6] {
        assert!(folder.dataset("fog", severity, None).unwrap_err().to_string().contains("severities 1 to 5"));
    }
    assert!(folder.dataset("../fog", 1, None).is_err());
}

#[test]
fn no_other_or_damaged_files() {
    let dir = folder();
    let fog = dir.path().join("fog.npy");
    let whole = images();
    for cut in [0, 5, 11, 60, 127, 128, whole.len() - 1] {
        fs::write(&fog, &whole[..cut]).unwrap();
        let m = open(&dir).unwrap_err().to_string();
        assert!(m.contains("fog.npy"), "{cut}: {m}");
    }
    fs::write(&fog, npy(DType::U8, &[10, 32, 32, 3], &[])).unwrap();
    let m = open(&dir).unwrap_err().to_string();
    assert!(m.contains("[10, 32, 32, 3]") && m.contains("[15, 32, 32, 3]"), "{m}");
    let labels = dir.path().join("labels.npy");
    fs::write(&labels, npy(DType::F32, &[15], &[0; 60])).unwrap();
    assert!(open(&dir).unwrap_err().to_string().contains("whole numbers"));
    fs::write(&labels, npy(DType::U8, &[10], &[0, 1, 0, 1, 0, 1, 0, 1, 1, 1])).unwrap();
    assert!(open(&dir).unwrap_err().to_string().contains("differ"));
    fs::write(&labels, npy(DType::U8, &[usize::MAX / 5 * 5], &[])).unwrap();
    assert!(open(&dir).unwrap_err().to_string().contains("labels.npy"));
    fs::remove_file(&labels).unwrap();
    assert!(open(&dir).unwrap_err().to_string().contains("labels.npy"));
}
