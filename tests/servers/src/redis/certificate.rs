//! Certificates that only a test believes in.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use crate::ServerError;

/// The files of a server with TLS: its authority, its certificate, and one for clients. All are PEM.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Certificates {
    /// The certificate of the authority that signed the others; a client is told to trust it.
    pub authority: PathBuf,
    /// The server's certificate, for `localhost` and 127.0.0.1.
    pub certificate: PathBuf,
    /// The server's private key.
    pub key: PathBuf,
    /// A client's certificate. The server does not ask for it unless started with `.arg("--tls-auth-clients").arg("yes")`.
    pub client_certificate: PathBuf,
    /// The client's private key.
    pub client_key: PathBuf,
}

impl Certificates {
    /// Makes an authority and what it signs, in `folder`.
    pub(super) fn make(folder: &Path) -> Result<Self, ServerError> {
        let files = Self {
            authority: folder.join("ca.pem"),
            certificate: folder.join("server.pem"),
            key: folder.join("server.key"),
            client_certificate: folder.join("client.pem"),
            client_key: folder.join("client.key"),
        };
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = CertificateParams::new(Vec::new()).map_err(failed)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "Authority of a test");
        let authority = params.self_signed(&key).map_err(failed)?;
        write(&files.authority, &authority.pem())?;

        let issuer = Issuer::new(params, key);
        sign(&issuer, "localhost", &files.certificate, &files.key)?;
        sign(
            &issuer,
            "client",
            &files.client_certificate,
            &files.client_key,
        )?;
        Ok(files)
    }
}

fn sign(
    issuer: &Issuer<'_, KeyPair>,
    name: &str,
    certificate: &Path,
    key: &Path,
) -> Result<(), ServerError> {
    let pair = KeyPair::generate().map_err(failed)?;
    let names = vec![name.to_owned(), "127.0.0.1".to_owned()];
    let mut params = CertificateParams::new(names).map_err(failed)?;
    params.distinguished_name.push(DnType::CommonName, name);
    let signed = params.signed_by(&pair, issuer).map_err(failed)?;
    write(certificate, &signed.pem())?;
    write(key, &pair.serialize_pem())
}

fn write(path: &Path, text: &str) -> Result<(), ServerError> {
    fs::write(path, text).map_err(ServerError::io("write a certificate"))
}

fn failed(error: rcgen::Error) -> ServerError {
    ServerError::Certificate(error.into())
}
