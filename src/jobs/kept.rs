//! JSON that jobs leave for later ones, with a checksum.

use crate::error::{Error, input};
use relinc_passes::files::write_atomically;
use relinc_passes::seal::json;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::ErrorKind;
use std::path::Path;

/// Reads what [`write`] left; nothing where there is no file.
///
/// # Errors
/// The file cannot be read, is damaged or of another format.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    let fail =
        |why: String| input(format!("{}: {why}; remove it to make anew what it holds", path.display()));
    match relinc_passes::files::read(path) {
        Ok(text) => json::parse(&text).map(Some).map_err(fail),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(fail(format!("cannot be read: {e}"))),
    }
}

/// Writes a value; the file appears by rename.
///
/// # Errors
/// It cannot be written.
pub fn write(path: &Path, value: &impl Serialize) -> Result<(), Error> {
    let fail = |why: String| input(format!("{}: cannot be written: {why}", path.display()));
    let text = json::text(value).map_err(fail)?;
    write_atomically(path, text.as_bytes()).map_err(|e| fail(e.to_string()))
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
