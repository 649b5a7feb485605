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
mod tests {
    use super::*;
    use crate::shared::text::base64url;
    use jsonwebtoken::EncodingKey;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const SECRET: &[u8] = b"a secret of thirty-two bytes or more";
    // Made for these tests; they open nothing.
    const RSA: &str = include_str!("../../tests/it/keys/rsa.pem");
    const RSA_PUBLIC: &str = include_str!("../../tests/it/keys/rsa.pub.pem");
    const EC: &str = include_str!("../../tests/it/keys/ec.pem");
    const EC_PUBLIC: &str = include_str!("../../tests/it/keys/ec.pub.pem");

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(2_000_000_000, 0).unwrap()
    }

    fn key(algorithm: Algorithm) -> Key {
        let key = match algorithm {
            Algorithm::RS256 => DecodingKey::from_rsa_pem(RSA_PUBLIC.as_bytes()).unwrap(),
            Algorithm::ES256 => DecodingKey::from_ec_pem(EC_PUBLIC.as_bytes()).unwrap(),
            _ => DecodingKey::from_secret(SECRET),
        };
        Key { id: None, algorithm, key }
    }

    fn verifier(keys: Vec<Key>) -> Verifier {
        Verifier::new("https://issuer.example".into(), "aifirst".into(), Duration::from_secs(60), keys)
    }

    fn claims() -> Value {
        json!({"iss": "https://issuer.example", "aud": "aifirst", "sub": "ana", "exp": now().timestamp() + 300})
    }

    fn with(name: &str, value: Value) -> Value {
        let mut claims = claims();
        claims[name] = value;
        claims
    }

    fn without(name: &str) -> Value {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        claims
    }

    fn sign(header: &Value, claims: &Value, algorithm: Algorithm, key: &EncodingKey) -> String {
        let message = format!(
            "{}.{}",
            base64url(header.to_string().as_bytes()),
            base64url(claims.to_string().as_bytes())
        );
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).unwrap();
        format!("{message}.{signature}")
    }

    fn hs256(claims: &Value) -> String {
        sign(&json!({"alg": "HS256"}), claims, Algorithm::HS256, &EncodingKey::from_secret(SECRET))
    }

    fn refused(verifier: &Verifier, token: &str) -> &'static str {
        match verifier.verify(token, now()) {
            Err(Error::Unauthenticated(reason)) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_algorithm_verifies_what_its_key_signed() {
        let keys = [
            (Algorithm::HS256, "HS256", EncodingKey::from_secret(SECRET)),
            (Algorithm::HS384, "HS384", EncodingKey::from_secret(SECRET)),
            (Algorithm::HS512, "HS512", EncodingKey::from_secret(SECRET)),
            (Algorithm::RS256, "RS256", EncodingKey::from_rsa_pem(RSA.as_bytes()).unwrap()),
            (Algorithm::ES256, "ES256", EncodingKey::from_ec_pem(EC.as_bytes()).unwrap()),
        ];
        for (algorithm, name, private) in keys {
            let token = sign(&json!({"alg": name, "typ": "JWT"}), &claims(), algorithm, &private);
            let identity = verifier(vec![key(algorithm)]).verify(&token, now()).unwrap();
            assert_eq!(
                (identity.subject.as_str(), identity.issuer.as_str()),
                ("ana", "https://issuer.example")
            );
        }
    }

    #[test]
    fn a_public_key_is_no_hmac_secret() {
        let forged = sign(
            &json!({"alg": "HS256"}),
            &claims(),
            Algorithm::HS256,
            &EncodingKey::from_secret(RSA_PUBLIC.as_bytes()),
        );
        refused(&verifier(vec![key(Algorithm::RS256)]), &forged);
        refused(&verifier(vec![key(Algorithm::RS256), key(Algorithm::HS256)]), &forged);
    }

    #[test]
    fn none_is_no_algorithm() {
        let claims = base64url(claims().to_string().as_bytes());
        for name in ["none", "None", "NONE", "nOnE", "", "HS256"] {
            let header = base64url(json!({"alg": name}).to_string().as_bytes());
            refused(&verifier(vec![key(Algorithm::HS256)]), &format!("{header}.{claims}."));
            refused(&verifier(vec![]), &format!("{header}.{claims}."));
        }
    }

    #[test]
    fn a_key_that_the_token_brings_is_not_taken_even_when_the_signature_is_good() {
        for name in ["jku", "jwk", "x5u", "x5c", "crit"] {
            let header = json!({"alg": "HS256", name: "https://attacker.example/keys"});
            let token = sign(&header, &claims(), Algorithm::HS256, &EncodingKey::from_secret(SECRET));
            refused(&verifier(vec![key(Algorithm::HS256)]), &token);
        }
    }

    #[test]
    fn a_key_id_chooses_among_keys_of_one_algorithm() {
        let named = Key { id: Some("new".into()), ..key(Algorithm::HS256) };
        let token = |kid: &str| {
            sign(
                &json!({"alg": "HS256", "kid": kid}),
                &claims(),
                Algorithm::HS256,
                &EncodingKey::from_secret(SECRET),
            )
        };
        assert!(verifier(vec![named.clone()]).verify(&token("new"), now()).is_ok());
        refused(&verifier(vec![named]), &token("../../etc/passwd"));
    }

    #[test]
    fn every_demanded_claim_is_demanded() {
        for name in ["iss", "aud", "sub", "exp"] {
            refused(&verifier(vec![key(Algorithm::HS256)]), &hs256(&without(name)));
        }
        for (name, value) in [
            ("iss", json!("https://other.example")),
            ("aud", json!("another")),
            ("aud", json!([])),
            ("sub", json!(" ")),
            ("sub", json!("a\u{0}b")),
            ("sub", json!("x".repeat(256))),
            ("sub", json!(7)),
            ("exp", json!("soon")),
            ("exp", json!(-1)),
        ] {
            refused(&verifier(vec![key(Algorithm::HS256)]), &hs256(&with(name, value)));
        }
        let several = hs256(&with("aud", json!(["another", "aifirst"])));
        assert!(verifier(vec![key(Algorithm::HS256)]).verify(&several, now()).is_ok());
    }

    #[test]
    fn a_token_lives_until_its_expiry_and_the_skew() {
        let verifier = verifier(vec![key(Algorithm::HS256)]);
        let seconds = |name, offset: i64| hs256(&with(name, json!(now().timestamp() + offset)));
        assert!(verifier.verify(&seconds("exp", -59), now()).is_ok());
        assert_eq!(refused(&verifier, &seconds("exp", -60)), "the token has expired");
        assert!(verifier.verify(&seconds("nbf", 60), now()).is_ok());
        assert_eq!(refused(&verifier, &seconds("nbf", 61)), "the token is not valid yet");
        assert!(verifier.verify(&hs256(&with("exp", json!(1e300))), now()).is_ok());
    }

    #[test]
    fn a_changed_token_is_refused() {
        let verifier = verifier(vec![key(Algorithm::HS256)]);
        let token = hs256(&claims());
        let (message, signature) = token.rsplit_once('.').unwrap();
        let (header, _) = message.split_once('.').unwrap();
        let other = base64url(with("sub", json!("ben")).to_string().as_bytes());
        refused(&verifier, &format!("{header}.{other}.{signature}"));
        refused(&verifier, &format!("{message}."));
        refused(&verifier, &token[..token.len() - 2]);
        refused(&verifier, &format!("{token}.{signature}"));
        refused(&verifier, &format!("{}{token}", "a".repeat(MAX_BYTES)));
    }

    proptest! {
        #[test]
        fn any_text_is_refused(a: String, b: String, c: String) {
            let verifier = verifier(vec![key(Algorithm::HS256)]);
            refused(&verifier, &a);
            refused(&verifier, &format!("{a}.{b}.{c}"));
            let (a, b) = (base64url(a.as_bytes()), base64url(b.as_bytes()));
            refused(&verifier, &format!("{a}.{b}.{c}"));
        }
    }
}
