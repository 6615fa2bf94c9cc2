//! A private certificate authority and a certificate a party, for trials.

use crate::key::{Key, KeyError};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};

/// Who gets a folder.
pub const PARTIES: [&str; 4] = ["server", "client", "helper", "dealer"];

/// Why there are no certificates.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A certificate cannot be made.
    #[error("no certificate can be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The dealer's key cannot be made.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// One file: its path in the folder, what it holds, and whether only its owner may read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// With `/` between folder and name.
    pub path: String,
    /// PEM.
    pub content: String,
    /// Is it a private key?
    pub secret: bool,
}

/// Certificates that are valid for so many days: `ca.pem`, and for each party a folder with `cert.pem`, `key.pem` and `ca.pem`;
/// the dealer's has `dealer.pem` as well, its private key, and the others `dealer.pub.pem`. The authority's own key is
/// forgotten, so nobody can sign another certificate.
///
/// # Errors
/// The system has no random numbers.
pub fn make(days: i64, names: &[String]) -> Result<Vec<File>, CertificateError> {
    let now = OffsetDateTime::now_utc();
    let span = |p: &mut CertificateParams| {
        // Clocks differ.
        p.not_before = now - Duration::hours(1);
        p.not_after = now + Duration::days(days);
    };
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, "relinc trial authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    span(&mut authority);
    let authority_key = KeyPair::generate()?;
    let ca = authority.self_signed(&authority_key)?.pem();
    let issuer = Issuer::new(authority, authority_key);
    let dealer = Key::generate()?;

    let mut files = vec![];
    let mut add = |path: String, content: String, secret: bool| files.push(File { path, content, secret });
    add("ca.pem".into(), ca.clone(), false);
    for party in PARTIES {
        let mut own = CertificateParams::new([&[party.to_string(), "localhost".into()], names].concat())?;
        own.distinguished_name.push(DnType::CommonName, party);
        own.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        own.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        span(&mut own);
        let key = KeyPair::generate()?;
        add(format!("{party}/cert.pem"), own.signed_by(&key, &issuer)?.pem(), false);
        add(format!("{party}/key.pem"), key.serialize_pem(), true);
        add(format!("{party}/ca.pem"), ca.clone(), false);
        if party == "dealer" {
            add(format!("{party}/dealer.pem"), dealer.private_pem()?.to_string(), true);
        }
        add(format!("{party}/dealer.pub.pem"), dealer.public_pem()?, false);
    }
    Ok(files)
}
