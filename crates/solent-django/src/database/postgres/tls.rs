//! Connections that others cannot read.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, RootCertStore,
    client::WebPkiServerVerifier,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use solent_spec::BoxError;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::verify::{AnyName, AnyServer};
use crate::database::DatabaseError;

/// How connections are encrypted, and whether the server has to prove who it is.
pub(super) struct Tls {
    pub(super) mode: SslMode,
    pub(super) check: Check,
    /// Who may vouch for the server; `None` for those that the system trusts.
    pub(super) roots: Option<Roots>,
    /// What this process proves who it is with.
    pub(super) certificate: Option<PathBuf>,
    /// The key to it.
    pub(super) key: Option<PathBuf>,
}

/// What a server has to prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// Nothing: only those who merely listen learn nothing.
    Nothing,
    /// That an authority vouches for it, whatever its name.
    Authority,
    /// That an authority vouches for the name it was called by.
    Full,
}

/// Authorities.
pub(super) enum Roots {
    /// Those that the system trusts.
    System,
    /// Those in a file.
    File(PathBuf),
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            mode: SslMode::Prefer,
            check: Check::Nothing,
            roots: None,
            certificate: None,
            key: None,
        }
    }
}

impl Tls {
    /// What connections are encrypted by. Files are read once.
    pub(super) fn connector(&self) -> Result<MakeRustlsConnect, DatabaseError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| DatabaseError::Unavailable("TLS".to_owned(), error.into()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyServer(Arc::clone(&provider))));
        let mut config = match (&self.certificate, &self.key) {
            (None, None) => builder.with_no_client_auth(),
            (Some(certificate), Some(key)) => builder
                .with_client_auth_cert(certificates(certificate)?, private_key(key)?)
                .map_err(|error| unusable(certificate, error))?,
            _ => {
                return Err(DatabaseError::url(
                    "has one of `sslcert` and `sslkey` without the other",
                ));
            }
        };
        match self.check {
            Check::Nothing => {}
            Check::Full => {
                let verifier = self.verifier(provider)?;
                config.dangerous().set_certificate_verifier(verifier);
            }
            Check::Authority => {
                let verifier = AnyName(self.verifier(provider)?);
                config
                    .dangerous()
                    .set_certificate_verifier(Arc::new(verifier));
            }
        }
        // Servers that let TLS begin at once ask for it.
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(MakeRustlsConnect::new(config))
    }

    fn verifier(
        &self,
        provider: Arc<CryptoProvider>,
    ) -> Result<Arc<WebPkiServerVerifier>, DatabaseError> {
        let (path, roots) = match &self.roots {
            Some(Roots::File(path)) => (path.as_path(), certificates(path)?),
            Some(Roots::System) | None => (
                Path::new("system"),
                rustls_native_certs::load_native_certs().certs,
            ),
        };
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(roots);
        WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider)
            .build()
            .map_err(|error| unusable(path, error))
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, DatabaseError> {
    let pem = fs::read(path).map_err(|error| unusable(path, error))?;
    CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|error| unusable(path, error))
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, DatabaseError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| unusable(path, error))
}

fn unusable(path: &Path, cause: impl Into<BoxError>) -> DatabaseError {
    DatabaseError::TlsFile {
        path: path.to_owned(),
        cause: cause.into(),
    }
}
