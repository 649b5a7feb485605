use super::*;
use crate::shared::text::base64url;
use jsonwebtoken::EncodingKey;
use proptest::prelude::*;
use serde_json::{Value, json};

const SECRET: &[u8] = b"a secret of thirty-two bytes or more";
// Made for these tests; they open nothing.
const RSA: &str = include_str!("../../../tests/it/keys/rsa.pem");
const RSA_PUBLIC: &str = include_str!("../../../tests/it/keys/rsa.pub.pem");
const EC: &str = include_str!("../../../tests/it/keys/ec.pem");
const EC_PUBLIC: &str = include_str!("../../../tests/it/keys/ec.pub.pem");

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
    let message =
        format!("{}.{}", base64url(header.to_string().as_bytes()), base64url(claims.to_string().as_bytes()));
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
        assert_eq!((identity.subject.as_str(), identity.issuer.as_str()), ("ana", "https://issuer.example"));
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
