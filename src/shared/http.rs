//! HTTP as a client.
use reqwest::{Client, ClientBuilder};

/// What every client is made of: TLS by rustls and ring, as towards the database and the bus.
#[expect(clippy::disallowed_methods, reason = "the one place that makes clients")]
pub fn client() -> ClientBuilder {
    // Refused where it was done before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
}

/// For a server on this machine, which speaks no TLS itself: it needs none of the system's certificates.
pub fn plain() -> reqwest::Result<Client> {
    client().tls_certs_only([]).build()
}
