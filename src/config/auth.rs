//! Which tokens of other issuers are taken.
use super::{ConfigError, Mode};
use serde::{Deserialize, Serialize, Serializer};
use std::path::PathBuf;

/// In the examples of `config.default.toml`, so known to everybody: no production server starts with it.
pub const DEVELOPMENT_SECRET: &str = "development-secret-known-to-everybody";
/// Bytes of the shortest HMAC secret: those of SHA-256's output (RFC 7518 §3.2).
const MIN_SECRET: usize = 32;
/// Sockets look again every `http.socket.recheck_seconds`, 30 by default: both together are a minute at most.
const MAX_RECHECK: u32 = 30;
/// Two clocks further apart than this are a fault to mend, not a skew to allow.
const MAX_SKEW: u64 = 600;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthConfig {
    pub provision_users: bool,
    pub recheck_seconds: u32,
    pub jwt: JwtConfig,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JwtConfig {
    pub issuer: String,
    pub audience: String,
    pub skew_seconds: u64,
    pub keys: Vec<JwtKeyConfig>,
}

/// A key and the one algorithm that it is good for.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JwtKeyConfig {
    pub algorithm: JwtAlgorithm,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "mask")]
    pub secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_key_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JwtAlgorithm {
    HS256,
    HS384,
    HS512,
    RS256,
    ES256,
}

impl JwtAlgorithm {
    fn is_symmetric(self) -> bool {
        matches!(self, Self::HS256 | Self::HS384 | Self::HS512)
    }
}

fn mask<S: Serializer>(_: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str("***")
}

impl std::fmt::Debug for JwtKeyConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JwtKeyConfig")
            .field("algorithm", &self.algorithm)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl AuthConfig {
    pub(super) fn check(&self, mode: Mode) -> Result<(), ConfigError> {
        let jwt = &self.jwt;
        if self.recheck_seconds > MAX_RECHECK {
            return Err(ConfigError(format!("auth.recheck_seconds: {MAX_RECHECK} at most")));
        }
        if jwt.keys.is_empty() != jwt.issuer.is_empty() {
            return Err(ConfigError("auth.jwt: issuer and keys go together: set both or none".into()));
        }
        if jwt.audience.is_empty() {
            return Err(ConfigError(
                "auth.jwt.audience: must not be empty, else any token of the issuer would do".into(),
            ));
        }
        if jwt.skew_seconds > MAX_SKEW {
            return Err(ConfigError(format!("auth.jwt.skew_seconds: {MAX_SKEW} at most")));
        }
        jwt.keys.iter().enumerate().try_for_each(|(place, key)| {
            key.check(mode).map_err(|problem| ConfigError(format!("auth.jwt.keys.{place}: {problem}")))
        })
    }
}

impl JwtKeyConfig {
    fn check(&self, mode: Mode) -> Result<(), String> {
        let public = [self.public_key.is_some(), self.public_key_file.is_some()];
        match (&self.secret, public.into_iter().filter(|given| *given).count()) {
            (Some(secret), 0) if self.algorithm.is_symmetric() => {
                if secret.len() < MIN_SECRET {
                    return Err(format!("the secret must have {MIN_SECRET} bytes at least"));
                }
                if mode == Mode::Production && secret == DEVELOPMENT_SECRET {
                    return Err(
                        "this is the documentation's secret, which everybody knows: make one of your own, \
                                as by `openssl rand -base64 48`"
                            .into(),
                    );
                }
                Ok(())
            }
            (None, 1) if !self.algorithm.is_symmetric() => Ok(()),
            _ if self.algorithm.is_symmetric() => Err("HS… takes `secret` and nothing else".into()),
            _ => Err("RS… and ES… take either `public_key` or `public_key_file`, and no secret".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    fn with(keys: &str) -> Result<Config, String> {
        let toml = format!("[auth.jwt]\nissuer = 'https://issuer.example'\nkeys = [{keys}]");
        Config::with(&toml).map_err(|error| error.to_string())
    }

    #[test]
    fn a_key_fits_its_algorithm_or_is_refused_by_its_place() {
        let good = "{ algorithm = 'HS256', secret = 'development-secret-known-to-everybody' }";
        assert!(with(good).is_ok());
        assert!(with("{ algorithm = 'ES256', public_key_file = 'key.pem' }").is_ok());
        for bad in [
            "{ algorithm = 'HS256', secret = 'short' }",
            "{ algorithm = 'HS256' }",
            "{ algorithm = 'HS256', public_key = 'x' }",
            "{ algorithm = 'RS256', secret = 'development-secret-known-to-everybody' }",
            "{ algorithm = 'RS256' }",
            "{ algorithm = 'RS256', public_key = 'x', public_key_file = 'y' }",
            "{ algorithm = 'none' }",
        ] {
            let error = with(&format!("{good}, {bad}")).unwrap_err();
            assert!(error.contains("auth.jwt.keys.1"), "{error}");
        }
    }

    #[test]
    fn production_refuses_the_secret_that_everybody_knows() {
        let toml = "mode = 'production'\n[auth.jwt]\nissuer = 'i'\n\
                    keys = [{ algorithm = 'HS512', secret = 'development-secret-known-to-everybody' }]";
        let error = Config::with(toml).unwrap_err().to_string();
        assert!(error.contains("auth.jwt.keys.0") && error.contains("everybody knows"), "{error}");
        assert!(Config::with(&toml.replace("production", "development")).is_ok());
    }

    #[test]
    fn issuer_and_keys_go_together() {
        assert!(Config::with("[auth.jwt]\nissuer = 'x'").is_err());
        assert!(Config::with("[auth.jwt]\nkeys = [{ algorithm = 'ES256', public_key = 'x' }]").is_err());
        assert!(Config::with("[auth.jwt]\naudience = ''").is_err());
    }

    #[test]
    fn secrets_are_masked_however_they_are_shown() {
        let config =
            with("{ algorithm = 'HS256', secret = 'development-secret-known-to-everybody' }").unwrap();
        let shown = format!("{}{config:?}", config.masked().unwrap());
        assert!(!shown.contains("known-to-everybody") && shown.contains("***"), "{shown}");
    }
}
