//! Tokens of another issuer. The attacks on the token itself are tested in `src/account/jwt.rs`, too; here they meet
//! the server.
use super::*;
use aifirst::shared::text::base64url;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};

const SECRET: &str = "a secret of thirty-two bytes or more";
const RSA: &str = include_str!("../keys/rsa.pem");
const RSA_PUBLIC: &str = include_str!("../keys/rsa.pub.pem");

fn settings(provision: bool) -> String {
    format!(
        "serve.work = false\nauth.recheck_seconds = 0\nauth.provision_users = {provision}\n[auth.jwt]\nissuer = 'https://issuer.example'\nkeys = [
            {{ algorithm = 'HS256', secret = '{SECRET}' }},
            {{ algorithm = 'RS256', id = 'rsa', public_key = '''{RSA_PUBLIC}''' }}]"
    )
}

fn claims(clock: &TestClock) -> Value {
    let exp = clock.now().timestamp() + 300;
    json!({ "iss": "https://issuer.example", "aud": "aifirst", "sub": "ana", "name": "Ana", "exp": exp })
}

fn signed(header: Value, claims: &Value, key: &EncodingKey, algorithm: Algorithm) -> String {
    let part = |value: &Value| base64url(value.to_string().as_bytes());
    let message = format!("{}.{}", part(&header), part(claims));
    format!("{message}.{}", crypto::sign(message.as_bytes(), key, algorithm).unwrap())
}

fn hs256(claims: &Value) -> String {
    signed(json!({ "alg": "HS256" }), claims, &EncodingKey::from_secret(SECRET.as_bytes()), Algorithm::HS256)
}

on_both! {
    async fn a_token_that_was_tampered_with_is_refused(database: Database) {
        let clock = TestClock::default();
        let app = TestApp::start_with(database, &settings(true), clock.ambient()).await;
        let good = claims(&clock);
        let with = |name: &str, value: Value| {
            let mut changed = good.clone();
            changed[name] = value;
            hs256(&changed)
        };
        let now = clock.now().timestamp();
        let hmac = |header: Value, secret: &str| {
            signed(header, &good, &EncodingKey::from_secret(secret.as_bytes()), Algorithm::HS256)
        };
        let unsigned = base64url(json!({ "alg": "none" }).to_string().as_bytes());
        let payload = base64url(good.to_string().as_bytes());
        let token = hs256(&good);
        for attack in [
            format!("{unsigned}.{payload}."),
            format!("{unsigned}.{payload}"),
            hmac(json!({ "alg": "HS256" }), "another secret of thirty-two bytes"),
            hmac(json!({ "alg": "HS256", "kid": "rsa" }), RSA_PUBLIC),
            hmac(json!({ "alg": "RS256" }), SECRET),
            hmac(json!({ "alg": "HS512" }), SECRET),
            hmac(json!({ "alg": "HS256", "jku": "https://attacker.example/jwks" }), SECRET),
            hmac(json!({ "alg": "HS256", "x5u": "https://attacker.example/x" }), SECRET),
            hmac(json!({ "alg": "HS256", "kid": "x' OR '1'='1" }), "x"),
            with("aud", json!("another")),
            with("iss", json!("https://attacker.example")),
            with("exp", json!(now - 61)),
            with("exp", json!(null)),
            with("nbf", json!(now + 61)),
            with("sub", json!("")),
            with("sub", json!("a\u{0}b")),
            token[..token.len() - 5].to_owned(),
        ] {
            app.assert_refused(&attack).await;
        }
        let rsa = EncodingKey::from_rsa_pem(RSA.as_bytes()).unwrap();
        for good in [token, signed(json!({ "alg": "RS256", "kid": "rsa" }), &good, &rsa, Algorithm::RS256)] {
            let ana = Person { id: String::new(), token: good };
            let data = app.ok(&ana, "{ viewer { displayName } }", json!({})).await;
            assert_eq!(data, json!({ "viewer": { "displayName": "Ana" } }));
        }
    }
}

on_both! {
    async fn a_token_ends_when_it_says(database: Database) {
        let clock = TestClock::default();
        let app = TestApp::start_with(database, &settings(true), clock.ambient()).await;
        let ana = Person { id: String::new(), token: hs256(&claims(&clock)) };
        app.ok(&ana, "{ viewer { id } }", json!({})).await;
        // Five minutes, and the minute by which clocks may differ.
        clock.forward(TimeDelta::seconds(359));
        app.ok(&ana, "{ viewer { id } }", json!({})).await;
        clock.forward(TimeDelta::seconds(1));
        app.assert_refused(&ana.token).await;
    }
}

on_both! {
    async fn who_comes_by_a_token_is_one_person_with_the_memberships_of_that_person(database: Database) {
        let clock = TestClock::default();
        let app = TestApp::start_with(database, &settings(true), clock.ambient()).await;
        let ana = Person { id: String::new(), token: hs256(&claims(&clock)) };
        let ids = futures_util::future::join_all((0..8).map(|_| app.ok(&ana, "{ viewer { id } }", json!({})))).await;
        assert!(ids.iter().all(|id| *id == ids[0]), "first requests at once make one person");
        app.join(&ana, "MEMBER").await;
        let query = "{ viewer { memberships { nodes { role workspace { slug } } } } }";
        let shown = app.ok(&ana, query, json!({})).await;
        let expected = json!([{ "role": "MEMBER", "workspace": { "slug": "acme" } }]);
        assert_eq!(shown["viewer"]["memberships"]["nodes"], expected);
        let (_, statements) = app.cost(&ana, "{ viewer { id } }", json!({})).await;
        assert_eq!(statements, 1);
    }
}

on_both! {
    async fn what_a_person_of_an_issuer_may_do_is_read_once_and_changes_at_once(database: Database) {
        let clock = TestClock::default();
        let kept = settings(true).replace("recheck_seconds = 0", "recheck_seconds = 30");
        let app = TestApp::start_with(database, &kept, clock.ambient()).await;
        let ana = Person { id: String::new(), token: hs256(&claims(&clock)) };
        app.ok(&ana, VIEWER, json!({})).await;
        app.assert_comes_and_goes(&ana).await;
    }
}

on_both! {
    async fn a_stranger_with_a_good_token_stays_one_unless_the_configuration_takes_them_in(database: Database) {
        let clock = TestClock::default();
        let app = TestApp::start_with(database, &settings(false), clock.ambient()).await;
        app.assert_refused(&hs256(&claims(&clock))).await;
        let account = &app.running.services.account;
        let identity = Some(("https://issuer.example".to_owned(), "ana".to_owned()));
        let id = account.create_user_known_as("Ana", None, identity).await.unwrap();
        let ana = Person { id: id.to_string(), token: hs256(&claims(&clock)) };
        assert_eq!(text(&app.ok(&ana, "{ viewer { id } }", json!({})).await, "/viewer/id"), ana.id);
    }
}
