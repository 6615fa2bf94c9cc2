//! TLS with certificates on both sides.

use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto::ring};

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that cannot be used.
    #[error("{0}: {1}; `relinc certificates -o DIR` makes a folder that can be used")]
    File(String, String),
    /// Files that do not fit together.
    #[error("{0}: the certificate cannot be used: {1}")]
    Unfit(String, String),
}

/// A certificate of our own, its key, and who signs those of others.
#[derive(Clone)]
pub struct Tls(pub(crate) TlsAcceptor);

impl Tls {
    /// From a folder with `cert.pem`, `key.pem` and `ca.pem`. Whoever connects must show a certificate that the last one signed.
    ///
    /// # Errors
    /// A file is missing or holds something else.
    pub fn read(folder: &Path) -> Result<Tls, TlsError> {
        let bad = |name: &str, why: String| TlsError::File(folder.join(name).display().to_string(), why);
        let certificates = |name: &str| -> Result<Vec<CertificateDer<'static>>, TlsError> {
            let read =
                CertificateDer::pem_file_iter(folder.join(name)).map_err(|e| bad(name, e.to_string()))?;
            let all: Vec<_> = read.collect::<Result<_, _>>().map_err(|e| bad(name, e.to_string()))?;
            if all.is_empty() { Err(bad(name, "holds no certificate in PEM".into())) } else { Ok(all) }
        };
        let own = certificates("cert.pem")?;
        let key = PrivateKeyDer::from_pem_file(folder.join("key.pem"))
            .map_err(|e| bad("key.pem", e.to_string()))?;
        let mut roots = RootCertStore::empty();
        for ca in certificates("ca.pem")? {
            roots.add(ca).map_err(|e| bad("ca.pem", e.to_string()))?;
        }
        let unfit = |why: String| TlsError::Unfit(folder.display().to_string(), why);
        let provider = Arc::new(ring::default_provider());
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
            .build()
            .map_err(|e| unfit(e.to_string()))?;
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| unfit(e.to_string()))?
            .with_client_cert_verifier(clients)
            .with_single_cert(own, key)
            .map_err(|e| unfit(e.to_string()))?;
        Ok(Tls(TlsAcceptor::from(Arc::new(config))))
    }
}
