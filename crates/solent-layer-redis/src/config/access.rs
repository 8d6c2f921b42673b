//! How a process is let in.

use std::path::PathBuf;

use super::{ConfigError, Secret, url::Options};

/// How a process is let in by a server: who it is, and what protects the connection. Default: no user, and no protection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct RedisAccess {
    /// The user of Redis' access control list. It needs a password. Default: none, which is Redis' own user `default`.
    pub user: Option<String>,
    /// The password, which is text. Default: none.
    pub password: Option<Secret>,
    /// What protects the connection. Default: nothing.
    pub tls: Option<RedisTls>,
}

impl RedisAccess {
    /// Sets [`user`](Self::user).
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.user = Some(name.into());
        self
    }

    /// Sets [`password`](Self::password).
    pub fn password(mut self, password: impl Into<Secret>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// Sets [`tls`](Self::tls).
    pub fn tls(mut self, tls: RedisTls) -> Self {
        self.tls = Some(tls);
        self
    }
}

/// TLS 1.2 or 1.3, for a TCP connection. Default: the certificate and the host name are checked with the certificate
/// authorities of the system, and no certificate is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct RedisTls {
    /// A PEM file with the certificate authorities to trust instead of the system's. Default: none.
    pub ca_file: Option<PathBuf>,
    /// The certificate to show to the server. Default: none.
    pub client: Option<ClientCertificate>,
    /// What is checked of the server. Default: everything.
    pub check: TlsCheck,
}

/// A certificate to show to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientCertificate {
    /// A PEM file with the certificate, and those between it and the authority.
    pub certificate: PathBuf,
    /// A PEM file with its private key, without a passphrase. It may be the same file.
    pub key: PathBuf,
}

/// What is checked of a server before it is trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsCheck {
    /// Its certificate, and that it is for the host that was asked for.
    #[default]
    Full,
    /// Its certificate, whichever host that is for. A holder of any certificate of a trusted authority may listen in.
    Certificate,
    /// Nothing. A host in between may listen in. No client certificate is shown either.
    Nothing,
}

impl RedisTls {
    /// Sets [`ca_file`](Self::ca_file).
    pub fn ca_file(mut self, pem: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(pem.into());
        self
    }

    /// Sets [`client`](Self::client).
    pub fn client(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.client = Some(ClientCertificate {
            certificate: certificate.into(),
            key: key.into(),
        });
        self
    }

    /// Sets [`check`](Self::check).
    pub fn check(mut self, check: TlsCheck) -> Self {
        self.check = check;
        self
    }

    pub(super) fn from_options(options: &mut Options) -> Result<Self, ConfigError> {
        Ok(Self {
            ca_file: options.text("ssl_ca_certs")?.map(Into::into),
            client: client_from_options(options)?,
            check: check_from_options(options)?,
        })
    }
}

fn client_from_options(options: &mut Options) -> Result<Option<ClientCertificate>, ConfigError> {
    let certificate = options.text("ssl_certfile")?.map(PathBuf::from);
    let key = options.text("ssl_keyfile")?.map(PathBuf::from);
    match (certificate, key) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(ConfigError::option(
            "ssl_keyfile",
            "needs `ssl_certfile`, the certificate that the key is for",
        )),
        (Some(certificate), key) => Ok(Some(ClientCertificate {
            key: key.unwrap_or_else(|| certificate.clone()),
            certificate,
        })),
    }
}

fn check_from_options(options: &mut Options) -> Result<TlsCheck, ConfigError> {
    let certificate = match options.text("ssl_cert_reqs")?.as_deref() {
        None | Some("required" | "optional") => true,
        Some("none") => false,
        Some(_) => {
            return Err(ConfigError::option(
                "ssl_cert_reqs",
                "is `required` or `none`",
            ));
        }
    };
    match (certificate, options.flag("ssl_check_hostname")?) {
        (true, None | Some(true)) => Ok(TlsCheck::Full),
        (true, Some(false)) => Ok(TlsCheck::Certificate),
        (false, None | Some(false)) => Ok(TlsCheck::Nothing),
        (false, Some(true)) => Err(ConfigError::option(
            "ssl_check_hostname",
            "cannot be on with `ssl_cert_reqs=none`, leave one of them out",
        )),
    }
}
