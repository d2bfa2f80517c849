//! The certificate for HTTPS: the owner's files, or a self-signed one that is made at the first
//! start.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rcgen::{CertificateParams, KeyPair};

use super::settings::TlsChoice;

/// Why there is no certificate; the text names the file.
#[derive(Debug, thiserror::Error)]
pub(super) enum CertificateError {
    #[error("{path}: {error}")]
    File { path: String, error: String },
    #[error("tls_names: cannot make a certificate for these names: {0}")]
    Names(String),
}

/// The files of the certificate and its key; a self-signed certificate is made if there is none
/// yet.
///
/// # Errors
/// When it cannot be made or written.
pub(super) fn files(
    tls: &TlsChoice,
    data_dir: &Path,
) -> Result<(PathBuf, PathBuf), CertificateError> {
    let names = match tls {
        TlsChoice::Files { certificate, key } => return Ok((certificate.clone(), key.clone())),
        TlsChoice::SelfSigned { names } => names,
    };
    let certificate = data_dir.join("certificate.pem");
    let key = data_dir.join("certificate-key.pem");
    // The key is written first: a certificate without its key would never be replaced.
    if !certificate.exists() || !key.exists() {
        let names_error = |error: rcgen::Error| CertificateError::Names(error.to_string());
        let pair = KeyPair::generate().map_err(names_error)?;
        let mut params = CertificateParams::new(names.clone()).map_err(names_error)?;
        params.distinguished_name.push(rcgen::DnType::CommonName, "Pagetrail");
        let made = params.self_signed(&pair).map_err(names_error)?;
        write(&key, &pair.serialize_pem(), 0o600)?;
        write(&certificate, &made.pem(), 0o644)?;
    }
    Ok((certificate, key))
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), CertificateError> {
    // Under another name until it is complete.
    let half = path.with_extension("new");
    let written = fs::remove_file(&half).or_else(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    });
    let written = written.and_then(|()| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&half)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&half, path)
    });
    written.map_err(|error| CertificateError::File {
        path: path.display().to_string(),
        error: format!("cannot be written: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::http::tls;

    #[test]
    fn a_self_signed_certificate_is_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let tls = TlsChoice::SelfSigned { names: vec!["localhost".to_owned(), "::1".to_owned()] };
        let (certificate, key) = files(&tls, folder.path()).unwrap();
        tls::server_config(&certificate, &key).unwrap();
        let first = fs::read(&certificate).unwrap();
        files(&tls, folder.path()).unwrap();
        assert_eq!(fs::read(&certificate).unwrap(), first);
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
