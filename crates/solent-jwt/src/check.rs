//! From a token to its claims.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::Header;
use serde_json::{Map, Value};
use solent_session::DynSpent;
use solent_spec::Chain;

use super::{
    Algorithm, Claims, JwtConfig, JwtError, Keys,
    claims::{seconds, texts},
    replay::{self, Used},
};

/// Tells whose JSON Web Tokens are good: RFC 7515, RFC 7519 and what RFC 8725 advises.
pub(super) struct Checker {
    keys: Keys,
    config: JwtConfig,
    used: Option<Used>,
    /// What remembers them for other processes, too.
    pub(super) spent: Option<DynSpent>,
}

/// A token in its parts, nothing of it trusted yet.
struct Parts<'a> {
    header: Header,
    algorithm: Algorithm,
    /// What is signed: header and claims as they were sent.
    signed: &'a [u8],
    claims: &'a str,
    signature: Vec<u8>,
}

impl Checker {
    pub(super) fn new(keys: Keys, config: JwtConfig) -> Self {
        Self {
            keys,
            used: config.single_use.map(Used::new),
            spent: None,
            config,
        }
    }

    /// The claims of a token that is good at `now`.
    pub(super) async fn check(&self, token: &str, now: SystemTime) -> Result<Claims, JwtError> {
        if token.len() > self.config.max_len {
            return Err(JwtError::TooLong);
        }
        let parts = Parts::read(token)?;
        if !self.is_type(&parts.header) {
            return Err(JwtError::Type);
        }
        let id = parts.header.kid.as_deref();
        let keys = self.keys.for_token(id).await?;
        let mut candidates = keys.candidates(id, parts.algorithm).peekable();
        if candidates.peek().is_none() {
            return Err(JwtError::UnknownKey(parts.algorithm));
        }
        if !candidates.any(|key| key.verifies(parts.signed, &parts.signature)) {
            return Err(JwtError::Signature);
        }
        // Only now is any of it true.
        let claims: Map<String, Value> = decode_json(parts.claims)?;
        let expires_at = self.check_claims(&claims, now)?;
        self.note_use(&claims, expires_at, now).await?;
        Ok(Claims::new(claims, expires_at))
    }

    fn check_claims(
        &self,
        claims: &Map<String, Value>,
        now: SystemTime,
    ) -> Result<Option<SystemTime>, JwtError> {
        let expires_at = self.check_times(claims, now)?;
        if !self.config.issuers.is_empty() {
            match claims.get("iss").and_then(Value::as_str) {
                Some(issuer) if self.config.issuers.iter().any(|known| known == issuer) => {}
                _ => return Err(JwtError::Issuer),
            }
        }
        let audiences = texts(claims, "aud")?;
        let ours = |audience: &&str| self.config.audiences.iter().any(|our| our == audience);
        let unnamed = claims.get("aud").is_none() && self.config.audiences.is_empty();
        if !self.config.any_audience && !unnamed && !audiences.iter().any(ours) {
            return Err(JwtError::Audience);
        }
        for (name, wanted) in &self.config.claims {
            if claims.get(&**name) != Some(wanted) {
                return Err(JwtError::Unwanted(name.to_string()));
            }
        }
        match claims.get("sub") {
            None | Some(Value::String(_)) => Ok(expires_at),
            Some(_) => Err(JwtError::Claim("sub")),
        }
    }

    fn check_times(
        &self,
        claims: &Map<String, Value>,
        now: SystemTime,
    ) -> Result<Option<SystemTime>, JwtError> {
        let now_seconds = now
            .duration_since(UNIX_EPOCH)
            .map_or(0.0, |since| since.as_secs_f64());
        let leeway = self.config.leeway.as_secs_f64();
        if let Some(begins) = seconds(claims, "nbf")?
            && begins > now_seconds + leeway
        {
            return Err(JwtError::NotYet);
        }
        let Some(ends) = seconds(claims, "exp")? else {
            return if self.config.require_expiry {
                Err(JwtError::Claim("exp"))
            } else {
                Ok(None)
            };
        };
        // On or after `exp` a token must not be accepted.
        if ends + leeway <= now_seconds {
            return Err(JwtError::Expired);
        }
        let since = Duration::try_from_secs_f64(ends + leeway).ok();
        let at = since.and_then(|since| UNIX_EPOCH.checked_add(since));
        at.map(Some).ok_or(JwtError::Claim("exp"))
    }

    async fn note_use(
        &self,
        claims: &Map<String, Value>,
        expires_at: Option<SystemTime>,
        now: SystemTime,
    ) -> Result<(), JwtError> {
        if self.used.is_none() && self.spent.is_none() {
            return Ok(());
        }
        let text = |name| claims.get(name).and_then(Value::as_str);
        let id = text("jti").ok_or(JwtError::Claim("jti"))?;
        let until = expires_at.ok_or(JwtError::Claim("exp"))?;
        let issuer = text("iss").unwrap_or_default();
        if let Some(used) = &self.used {
            used.note(issuer, id, until, now)?;
        }
        let Some(spent) = &self.spent else {
            return Ok(());
        };
        match spent.spend(replay::name(issuer, id), until).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(JwtError::Replayed),
            Err(error) => {
                tracing::error!(target: "solent::auth", error = %Chain(&error), "it cannot be told whether a token was used before");
                Err(JwtError::Unknown)
            }
        }
    }

    fn is_type(&self, header: &Header) -> bool {
        let Some(wanted) = &self.config.token_type else {
            return true;
        };
        // RFC 7515 §4.1.9: the prefix may be left out.
        let short = |name: &str| {
            let name = name.to_ascii_lowercase();
            name.strip_prefix("application/")
                .map(str::to_owned)
                .unwrap_or(name)
        };
        header
            .typ
            .as_deref()
            .is_some_and(|found| short(found) == short(wanted))
    }
}

impl fmt::Debug for Checker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checker")
            .field("keys", &self.keys)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl<'a> Parts<'a> {
    fn read(token: &'a str) -> Result<Self, JwtError> {
        let (signed, signature) = token.rsplit_once('.').ok_or(JwtError::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(JwtError::Malformed)?;
        if claims.contains('.') {
            return Err(JwtError::Malformed);
        }
        let header: Header = decode_json(header)?;
        let algorithm = Algorithm::of_wire(header.alg).ok_or(JwtError::Malformed)?;
        // RFC 7515 §4.1.11: what is critical and not understood is refused. Nothing is understood that would be critical, `b64`
        // (RFC 7797) included; and what is encrypted or compressed is no plain token.
        if header.crit.is_some() || header.enc.is_some() || header.zip.is_some() {
            return Err(JwtError::Malformed);
        }
        Ok(Self {
            header,
            algorithm,
            signed: signed.as_bytes(),
            claims,
            signature: decode(signature)?,
        })
    }
}

fn decode(part: &str) -> Result<Vec<u8>, JwtError> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| JwtError::Malformed)
}

fn decode_json<T: serde::de::DeserializeOwned>(part: &str) -> Result<T, JwtError> {
    serde_json::from_slice(&decode(part)?).map_err(|_| JwtError::Malformed)
}
