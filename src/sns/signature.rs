//! Verifying a message's signature with the key of SNS's certificate.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RsaParameters,
    UnparsedPublicKey,
};

use super::error::RequestError;

/// The signature of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signature {
    version: Version,
    bytes: Vec<u8>,
}

/// How SNS signs: a topic's attribute `SignatureVersion`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    /// SHA-1 with RSA, the default for topics. Known attacks on SHA-1 would need a chosen message
    /// id in the signed text, and nobody can choose that.
    One,
    /// SHA-256 with RSA.
    Two,
}

impl Signature {
    /// Reads the fields `SignatureVersion` and `Signature`.
    ///
    /// # Errors
    /// When the version is unknown, or the signature is not base64.
    pub(super) fn read(version: &str, text: &str) -> Result<Self, RequestError> {
        let version = match version {
            "1" => Version::One,
            "2" => Version::Two,
            _ => return Err(RequestError::Field("SignatureVersion", "must be 1 or 2")),
        };
        let bytes = BASE64_STANDARD.decode(text);
        let bytes = bytes.map_err(|_| RequestError::Field("Signature", "must be base64"))?;
        Ok(Self { version, bytes })
    }

    /// Whether the owner of this RSA key (as PKCS #1) signed this text.
    pub(super) fn fits(&self, text: &str, key: &[u8]) -> bool {
        let parameters: &RsaParameters = match self.version {
            Version::One => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            Version::Two => &RSA_PKCS1_2048_8192_SHA256,
        };
        UnparsedPublicKey::new(parameters, key).verify(text.as_bytes(), &self.bytes).is_ok()
    }
}
