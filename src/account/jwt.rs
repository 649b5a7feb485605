//! JSON Web Tokens of other issuers: who the bearer is, as somebody says whom the configuration trusts.
//!
//! `jsonwebtoken` checks the signature; everything else is here, because its validation reads the system's
//! clock. Held to RFC 8725: each key is pinned to one algorithm, so neither `none` nor an RSA key used as an
//! HMAC secret can be chosen by a token; a key that a token brings along or points to (`jku`, `jwk`, `x5u`,
//! `x5c`) is refused unread; `iss`, `aud`, `exp` and `sub` are demanded.
use crate::{
    config::{JwtAlgorithm, JwtConfig, JwtKeyConfig},
    shared::{Error, Result, text::from_base64url},
};
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use std::{fs, time::Duration};

/// Longer than any token of a sane issuer; nothing above is decoded.
const MAX_BYTES: usize = 8 * 1024;
/// Issuer and subject are stored: what RFC 7519 leaves open is bounded here.
const MAX_NAME: usize = 255;

/// Which tokens are taken.
#[derive(Clone, Debug)]
pub struct Verifier {
    issuer: String,
    audience: String,
    /// How far the clocks of issuer and server may be apart.
    skew: Duration,
    keys: Vec<Key>,
}

/// A key that is good for one algorithm only.
#[derive(Clone, Debug)]
pub struct Key {
    pub id: Option<String>,
    pub algorithm: Algorithm,
    pub key: DecodingKey,
}

/// What a verified token says of its bearer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub issuer: String,
    pub subject: String,
    /// For the user that is made at first sight; never to identify somebody.
    pub name: Option<String>,
    pub email: Option<String>,
    pub expires_at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// Extensions that must be understood (RFC 7515 §4.1.11); none is.
    crit: Option<serde_json::Value>,
    jku: Option<serde_json::Value>,
    jwk: Option<serde_json::Value>,
    x5u: Option<serde_json::Value>,
    x5c: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    /// Seconds since 1970, possibly with a fraction (RFC 7519 §2, NumericDate).
    exp: f64,
    nbf: Option<f64>,
    name: Option<String>,
    email: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// A key of the configuration that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("auth.jwt.keys.{place}: {problem}")]
pub struct KeyError {
    place: usize,
    problem: String,
}

impl Verifier {
    /// `None` where no issuer is configured.
    pub fn from_config(config: &JwtConfig) -> Result<Option<Self>, KeyError> {
        if config.issuer.is_empty() {
            return Ok(None);
        }
        let read = |(place, key)| Key::from_config(key).map_err(|problem| KeyError { place, problem });
        let keys = config.keys.iter().enumerate().map(read).collect::<Result<_, _>>()?;
        let skew = Duration::from_secs(config.skew_seconds);
        Ok(Some(Self::new(config.issuer.clone(), config.audience.clone(), skew, keys)))
    }

    pub fn new(issuer: String, audience: String, skew: Duration, keys: Vec<Key>) -> Self {
        Self { issuer, audience, skew, keys }
    }

    /// Who the bearer is; `Unauthenticated` with what is wrong, as far as it helps an honest client.
    pub fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Identity> {
        let malformed = || Error::Unauthenticated("the bearer token is neither an API key (aif_…) nor a JWT");
        if token.len() > MAX_BYTES {
            return Err(malformed());
        }
        let (message, signature) = token.rsplit_once('.').ok_or_else(malformed)?;
        let (header, claims) = message.split_once('.').ok_or_else(malformed)?;
        let header: Header = part(header).ok_or_else(malformed)?;
        self.check_signature(&header, message, signature)?;
        // Only now is anything else of the token believed, or even parsed.
        let claims: Claims = part(claims).ok_or(Error::Unauthenticated(
            "the token lacks one of iss, sub, aud, exp, or has it malformed",
        ))?;
        self.check_claims(claims, now)
    }

    fn check_signature(&self, header: &Header, message: &str, signature: &str) -> Result<()> {
        let brings_its_own = [&header.crit, &header.jku, &header.jwk, &header.x5u, &header.x5c];
        if brings_its_own.into_iter().any(Option::is_some) {
            return Err(Error::Unauthenticated(
                "the token's header has crit, jku, jwk, x5u or x5c: none is accepted",
            ));
        }
        let good = self.keys.iter().filter(|key| key.fits(header)).any(|key| {
            jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key.key, key.algorithm)
                .unwrap_or(false)
        });
        if good {
            Ok(())
        } else {
            Err(Error::Unauthenticated("no configured key verifies the token's signature"))
        }
    }

    fn check_claims(&self, claims: Claims, now: DateTime<Utc>) -> Result<Identity> {
        if claims.iss != self.issuer {
            return Err(Error::Unauthenticated("the token is of another issuer"));
        }
        if !claims.aud.contains(&self.audience) {
            return Err(Error::Unauthenticated("the token is for another audience"));
        }
        let (now, skew) = (now.timestamp_millis() as f64 / 1000.0, self.skew.as_secs_f64());
        if claims.exp + skew <= now {
            return Err(Error::Unauthenticated("the token has expired"));
        }
        if claims.nbf.is_some_and(|nbf| nbf - skew > now) {
            return Err(Error::Unauthenticated("the token is not valid yet"));
        }
        if !storable(&claims.sub) {
            return Err(Error::Unauthenticated("the token's sub is empty or too long"));
        }
        let exp = (claims.exp.min(4e12) * 1000.0) as i64;
        Ok(Identity {
            issuer: claims.iss,
            subject: claims.sub,
            name: claims.name.filter(|name| storable(name)),
            email: claims.email.filter(|email| storable(email)),
            expires_at: DateTime::from_timestamp_millis(exp).unwrap_or(DateTime::<Utc>::MAX_UTC),
        })
    }
}

impl Key {
    fn from_config(config: &JwtKeyConfig) -> Result<Self, String> {
        let pem = || match (&config.public_key, &config.public_key_file) {
            (Some(pem), _) => Ok(pem.clone().into_bytes()),
            (None, Some(file)) => fs::read(file).map_err(|error| format!("{}: {error}", file.display())),
            (None, None) => Err("no public key is given".to_owned()),
        };
        let unusable =
            |error| format!("no public key of this kind in PEM (-----BEGIN PUBLIC KEY-----): {error}");
        let secret = || DecodingKey::from_secret(config.secret.as_deref().unwrap_or_default().as_bytes());
        let (algorithm, key) = match config.algorithm {
            JwtAlgorithm::HS256 => (Algorithm::HS256, secret()),
            JwtAlgorithm::HS384 => (Algorithm::HS384, secret()),
            JwtAlgorithm::HS512 => (Algorithm::HS512, secret()),
            JwtAlgorithm::RS256 => (Algorithm::RS256, DecodingKey::from_rsa_pem(&pem()?).map_err(unusable)?),
            JwtAlgorithm::ES256 => (Algorithm::ES256, DecodingKey::from_ec_pem(&pem()?).map_err(unusable)?),
        };
        Ok(Self { id: config.id.clone(), algorithm, key })
    }

    /// A token without `kid`, or a key without one, leaves the choice to the algorithm.
    fn fits(&self, header: &Header) -> bool {
        let id = match (&self.id, &header.kid) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => true,
        };
        id && header.alg.parse::<Algorithm>().is_ok_and(|algorithm| algorithm == self.algorithm)
    }
}

impl Audience {
    fn contains(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Many(many) => many.iter().any(|one| one == audience),
        }
    }
}

fn part<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_slice(&from_base64url(text)?).ok()
}

fn storable(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= MAX_NAME && !text.contains('\0')
}

#[cfg(test)]
mod tests;
