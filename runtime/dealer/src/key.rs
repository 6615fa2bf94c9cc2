//! The dealer's key pair: SM2, with which the parties hide their seeds.

use sm2::elliptic_curve::Generate;
use sm2::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey, LineEnding};
use sm2::pke::DecryptingKey;
use sm2::{PublicKey, SecretKey};
use std::path::Path;
use zeroize::Zeroizing;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error("{0}: cannot be read: {1}")]
    Read(String, std::io::Error),
    /// It holds something else.
    #[error("{0}: holds no SM2 private key in PEM; `relinc certificates -o DIR` makes one")]
    Content(String),
    /// It cannot be made.
    #[error("no SM2 key can be made here: {0}")]
    Make(String),
}

/// A private key.
pub struct Key(SecretKey);

impl Key {
    /// A new one, from the system's random numbers.
    ///
    /// # Errors
    /// The system has none.
    pub fn generate() -> Result<Key, KeyError> {
        SecretKey::try_generate().map(Key).map_err(|e| KeyError::Make(e.to_string()))
    }

    /// Reads a PEM file: PKCS#8 or SEC1, as OpenSSL writes them.
    ///
    /// # Errors
    /// The file, and what is wrong with it.
    pub fn read(path: &Path) -> Result<Key, KeyError> {
        let name = || path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|e| KeyError::Read(name(), e))?;
        let text = Zeroizing::new(text);
        let key = SecretKey::from_pkcs8_pem(&text).ok().or_else(|| SecretKey::from_sec1_pem(&text).ok());
        key.map(Key).ok_or_else(|| KeyError::Content(name()))
    }

    /// The private key in PEM.
    ///
    /// # Errors
    /// It cannot be encoded.
    pub fn private_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        self.0.to_pkcs8_pem(LineEnding::LF).map_err(|e| KeyError::Make(e.to_string()))
    }

    /// The public key in PEM, for the parties.
    ///
    /// # Errors
    /// It cannot be encoded.
    pub fn public_pem(&self) -> Result<String, KeyError> {
        self.public().to_public_key_pem(LineEnding::LF).map_err(|e| KeyError::Make(e.to_string()))
    }

    /// The public key.
    pub fn public(&self) -> PublicKey {
        self.0.public_key()
    }

    /// The seed in a ciphertext as OpenSSL writes it; nothing where it is none for this key.
    pub(crate) fn seed(&self, ciphertext: &[u8]) -> Option<Zeroizing<[u8; 16]>> {
        let plain = DecryptingKey::new(self.0.clone()).decrypt_der(ciphertext).ok().map(Zeroizing::new)?;
        plain.as_slice().try_into().ok().map(Zeroizing::new)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use sm2::pke::EncryptingKey;

    #[test]
    fn seeds_are_read_with_the_key_that_they_were_hidden_for() {
        let (key, other) = (Key::generate().unwrap(), Key::generate().unwrap());
        let seed = [7; 16];
        let hidden = EncryptingKey::new(key.public())
            .encrypt_der(&mut sm2::elliptic_curve::common::getrandom::SysRng, &seed)
            .unwrap();
        assert_eq!(*key.seed(&hidden).unwrap(), seed);
        assert!(other.seed(&hidden).is_none());
        let mut cut = hidden.clone();
        cut.pop();
        assert!(key.seed(&cut).is_none());
        assert!(key.seed(&[]).is_none());
    }

    #[test]
    fn keys_are_read_as_they_are_written() {
        let key = Key::generate().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key.pem");
        std::fs::write(&path, key.private_pem().unwrap().as_bytes()).unwrap();
        assert_eq!(Key::read(&path).unwrap().public_pem().unwrap(), key.public_pem().unwrap());
        std::fs::write(&path, "nonsense").unwrap();
        assert!(matches!(Key::read(&path), Err(KeyError::Content(_))));
    }
}
