//! JSON that jobs leave for later ones, with a checksum.

use crate::error::{Error, Result, input};
use crate::folder;
use relinc_passes::seal::json;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;

/// Reads what [`write`] left; nothing where there is no file.
///
/// # Errors
/// The file cannot be read, is damaged or of another format.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let fail = |e: Error| input(format!("{e}; remove it to make anew what it holds"));
    let Some(text) = folder::read(path).map_err(fail)? else { return Ok(None) };
    json::parse(&text).map(Some).map_err(|why| fail(input(why).at(path.display())))
}

/// Writes a value; the file appears by rename.
///
/// # Errors
/// It cannot be written.
pub fn write(path: &Path, value: &impl Serialize) -> Result<()> {
    let text =
        json::text(value).map_err(|why| input(format!("{}: cannot be written: {why}", path.display())))?;
    folder::write(path, text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_nothing_and_a_damaged_one_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("evaluate.json");
        assert!(read::<Vec<f64>>(&path).unwrap().is_none());
        write(&path, &vec![0.5]).unwrap();
        assert_eq!(read::<Vec<f64>>(&path).unwrap(), Some(vec![0.5]));
        let text = std::fs::read_to_string(&path).unwrap().replace("0.5", "0.7");
        std::fs::write(&path, text).unwrap();
        let e = read::<Vec<f64>>(&path).unwrap_err();
        assert!(e.code() == 2 && e.to_string().contains("evaluate.json: is damaged"), "{e}");
    }
}
