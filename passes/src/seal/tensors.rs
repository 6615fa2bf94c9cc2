//! safetensors files: the same bytes for the same content, and sealed.

use super::{Broken, KEY, OPEN, check, close};
use crate::files::create_atomically;
use safetensors::tensor::{SafeTensors, TensorView};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::Path;

/// Metadata: the version of relinc that wrote a file. Where it stands, a checksum must stand, too: one flipped bit cannot
/// take away both.
const VERSION: &str = "relinc_version";
/// Bytes in front of the header, which say how long it is.
const LENGTH: usize = 8;

/// What a file holds.
#[derive(Debug)]
pub struct Opened<'a> {
    /// Its metadata.
    pub info: BTreeMap<String, String>,
    /// Its tensors by name.
    pub tensors: BTreeMap<String, TensorView<'a>>,
    /// Was there a checksum? It is right then.
    pub sealed: bool,
}

/// Reads a file, written by relinc or by others.
///
/// # Errors
/// Why it cannot be read, as the end of a sentence that begins with the file's name.
pub fn open(bytes: &[u8]) -> Result<Opened<'_>, String> {
    let damaged = |b: Broken| format!("is damaged: {b}");
    let (head, data) = bytes.split_at(header(bytes));
    let sealed = match check(head, data) {
        Ok(()) => true,
        Err(Broken::Missing) => false,
        Err(b @ Broken::Differs) => return Err(damaged(b)),
    };
    let unreadable = |e: safetensors::SafeTensorError| format!("is no safetensors file, or damaged: {e}");
    let (_, meta) = SafeTensors::read_metadata(bytes).map_err(unreadable)?;
    let names: serde_json::Result<Names> = serde_json::from_slice(&head[LENGTH.min(head.len())..]);
    if let Ok(Names { twice: Some(name) }) = names {
        return Err(format!("holds two tensors called {name}"));
    }
    let info: BTreeMap<String, String> = meta.metadata().clone().unwrap_or_default().into_iter().collect();
    if (info.contains_key(VERSION) || info.contains_key(KEY)) && !sealed {
        return Err(damaged(Broken::Missing));
    }
    let tensors = SafeTensors::deserialize(bytes).map_err(unreadable)?.tensors().into_iter().collect();
    Ok(Opened { info, tensors, sealed })
}

/// Writes a sealed file; it appears by rename.
///
/// # Errors
/// Why it cannot be written, as the end of a sentence.
pub fn write(
    path: &Path,
    tensors: Vec<(String, TensorView<'_>)>,
    info: BTreeMap<String, String>,
) -> Result<(), String> {
    let mut names: Vec<&str> = tensors.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    if let Some(two) = names.windows(2).find(|w| w[0] == w[1]) {
        return Err(format!("two tensors are called {}", two[0]));
    }
    let plain = safetensors::serialize(tensors, None).map_err(|e| e.to_string())?;
    let (head, data) = plain.split_at(header(&plain));
    let mut info = info;
    info.insert(KEY.into(), OPEN.into());
    info.insert(VERSION.into(), env!("CARGO_PKG_VERSION").into());
    let info = serde_json::to_string(&info).map_err(|e| e.to_string())?;
    // The library takes metadata in a map without an order.
    let rest = String::from_utf8_lossy(&head[LENGTH + 1..]);
    let comma = if rest.trim_end() == "}" { "" } else { "," };
    let mut text = format!("{{\"__metadata__\":{info}{comma}{}", rest.trim_end());
    // Data begin at a multiple of eight.
    text += &" ".repeat(text.len().next_multiple_of(LENGTH) - text.len());
    let mut head = (text.len() as u64).to_le_bytes().to_vec();
    head.extend(text.bytes());
    close(&mut head, data).map_err(|b| b.to_string())?;
    create_atomically(path, |w| {
        w.write_all(&head)?;
        w.write_all(data)
    })
    .map_err(|e| e.to_string())
}

/// The keys of a header, of which the library takes the last one where one occurs twice.
struct Names {
    twice: Option<String>,
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Names, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Names;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Names, A::Error> {
                let (mut seen, mut twice) = (HashSet::new(), None);
                while let Some((key, IgnoredAny)) = map.next_entry::<String, IgnoredAny>()? {
                    if !seen.insert(key.clone()) {
                        twice.get_or_insert(key);
                    }
                }
                Ok(Names { twice })
            }
        }
        from.deserialize_map(Keys)
    }
}

/// Where the header ends, or the file.
fn header(bytes: &[u8]) -> usize {
    let length = bytes.first_chunk().map_or(0, |n| u64::from_le_bytes(*n));
    usize::try_from(length).unwrap_or(usize::MAX).saturating_add(LENGTH).min(bytes.len())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::flipped;
    use super::*;
    use safetensors::tensor::Dtype;

    fn file(info: &[(&str, &str)], rows: &[(&str, Dtype, &[u8])]) -> Vec<u8> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let size = |d: Dtype| if d == Dtype::U8 { 1 } else { 4 };
        let views = rows
            .iter()
            .map(|(n, d, b)| (n.to_string(), TensorView::new(*d, vec![b.len() / size(*d)], b).unwrap()))
            .collect();
        write(&path, views, info.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect()).unwrap();
        std::fs::read(path).unwrap()
    }

    const ROWS: &[(&str, Dtype, &[u8])] = &[
        ("a", Dtype::U8, &[1, 2, 3]),
        ("a.slope", Dtype::F32, &[0, 0, 128, 63]),
        ("é\u{1b}", Dtype::U8, &[]),
    ];
    const INFO: &[(&str, &str)] = &[("budget", "50%"), ("what", "\u{1b}\"quoted\"")];

    #[test]
    fn a_name_twice_is_refused() {
        let row = r#"{"dtype":"U8","shape":[1],"data_offsets":[0,1]}"#;
        let mut header = format!(r#"{{"a":{row},"a":{row}}}"#);
        header += &" ".repeat(header.len().next_multiple_of(LENGTH) - header.len());
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.bytes());
        bytes.push(0);
        assert_eq!(open(&bytes).unwrap_err(), "holds two tensors called a");
    }

    #[test]
    fn what_is_written_is_read_by_us_and_others() {
        let bytes = file(INFO, ROWS);
        let back = open(&bytes).unwrap();
        assert!(back.sealed);
        assert_eq!(back.info["what"], INFO[1].1);
        assert_eq!(back.tensors.keys().collect::<Vec<_>>(), ["a", "a.slope", "é\u{1b}"]);
        assert_eq!(back.tensors["a"].data(), [1, 2, 3]);
        let theirs = SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(theirs.tensor("a.slope").unwrap().data(), [0, 0, 128, 63]);
        assert_eq!(header(&bytes) % 8, 0);
        // Without a tensor.
        assert!(open(&file(&[], &[])).unwrap().tensors.is_empty());
    }

    #[test]
    fn the_same_content_is_the_same_bytes() {
        for _ in 0..8 {
            assert_eq!(file(INFO, ROWS), file(INFO, ROWS));
        }
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let bytes = file(INFO, ROWS);
        for (bit, other) in flipped(&bytes, 1) {
            assert!(open(&other).is_err(), "bit {bit} of {}", bytes.len());
        }
    }

    #[test]
    fn what_is_cut_or_longer_is_refused() {
        let bytes = file(INFO, ROWS);
        for n in 0..bytes.len() {
            assert!(open(&bytes[..n]).is_err(), "{n}");
        }
        assert!(open(&[&bytes[..], b" "].concat()).is_err());
    }

    #[test]
    fn files_of_others_have_no_seal() {
        let info = [("relinc_masks".to_string(), "1".to_string())].into_iter().collect();
        let view = TensorView::new(Dtype::U8, vec![1], &[1]).unwrap();
        let bytes = safetensors::serialize([("a", view)], Some(info)).unwrap();
        assert!(!open(&bytes).unwrap().sealed);
    }

    /// A program that keeps the metadata and changes values.
    #[test]
    fn a_seal_of_other_content_is_refused() {
        let bytes = file(INFO, ROWS);
        let (_, meta) = SafeTensors::read_metadata(&bytes).unwrap();
        let view = TensorView::new(Dtype::U8, vec![3], &[3, 2, 1]).unwrap();
        let other = safetensors::serialize([("a", view)], meta.metadata().clone()).unwrap();
        assert!(open(&other).unwrap_err().contains("checksum"));
    }
}
