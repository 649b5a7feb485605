//! Where a provider may be. What an address stands for is judged where it is dialled: a name is looked up once, and
//! only what was found and allowed is connected to, so that no second answer of the name's server can lead elsewhere.
use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};
use tokio::net::lookup_host;

/// What a provider's settings allow beside public addresses over TLS and this machine's own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Egress {
    /// Private networks, there also without TLS.
    private: bool,
    secure: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// This machine.
    Loopback,
    Private,
    Public,
    /// The metadata of clouds, whatever is on the link, what names no machine.
    Never,
}

/// Where clouds tell machines their secrets, beside 169.254.0.0/16: AWS by IPv6, Alibaba, Oracle, Azure.
const METADATA: [IpAddr; 4] = [
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
];

impl Egress {
    /// The rule for a provider at this address; an error says why there can be none.
    pub(super) fn of(base: &str, private: bool) -> Result<Self, String> {
        let url = Url::parse(base).map_err(|error| format!("base_url: {error}"))?;
        let secure = match url.scheme() {
            "https" => true,
            "http" => false,
            scheme => return Err(format!("base_url: {scheme} is neither https nor http")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err("base_url: no user or password there: set api_key_env".into());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("base_url: it ends with the path, without ? and #".into());
        }
        let egress = Self { private, secure };
        let host = url.host_str().unwrap_or_default();
        // What a name stands for is looked at when it is called.
        if let Ok(address) = host.trim_start_matches('[').trim_end_matches(']').parse() {
            egress.check(address).map_err(|why| format!("base_url: {why}"))?;
        }
        Ok(egress)
    }

    pub(super) fn is_secure(self) -> bool {
        self.secure
    }

    fn check(self, address: IpAddr) -> Result<(), &'static str> {
        match reach(address) {
            Reach::Loopback => Ok(()),
            Reach::Private if self.private => Ok(()),
            Reach::Private => Err("the address is of a private network: allow_private = true allows that"),
            Reach::Public if self.secure => Ok(()),
            Reach::Public => Err("the address is public: use https"),
            Reach::Never => Err("nothing is called at this address"),
        }
    }
}

impl Resolve for Egress {
    fn resolve(&self, name: Name) -> Resolving {
        let egress = *self;
        Box::pin(async move {
            let (mut allowed, mut refused) = (vec![], None);
            for address in lookup_host((name.as_str(), 0)).await? {
                match egress.check(address.ip()) {
                    Ok(()) => allowed.push(address),
                    Err(why) => refused = Some(why),
                }
            }
            match refused.filter(|_| allowed.is_empty()) {
                Some(why) => {
                    tracing::warn!(host = name.as_str(), "a provider is not called: {why}");
                    Err(io::Error::new(io::ErrorKind::PermissionDenied, why).into())
                }
                None => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

fn reach(address: IpAddr) -> Reach {
    if METADATA.contains(&address) {
        return Reach::Never;
    }
    match address {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => reach_v6(address),
    }
}

/// By the registry of special addresses, RFC 6890.
fn reach_v4(address: Ipv4Addr) -> Reach {
    match address.octets() {
        [127, ..] => Reach::Loopback,
        [0, ..]
        | [169, 254, ..]
        | [192, 0, 2, _]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        | [224..=255, ..] => Reach::Never,
        [10, ..]
        | [100, 64..=127, ..]
        | [172, 16..=31, ..]
        | [192, 0, 0, _]
        | [192, 168, ..]
        | [198, 18..=19, ..] => Reach::Private,
        _ => Reach::Public,
    }
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    if address == Ipv6Addr::LOCALHOST {
        return Reach::Loopback;
    }
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        reach(Ipv4Addr::new(a, b, c, d).into())
    };
    match address.segments() {
        // An IPv4 address in the form of an IPv6 one: as it is, mapped, translated, in a tunnel.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => embedded(high, low),
        // Teredo, documentation.
        [0x2001, 0 | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Reach::Never,
        [0x64, 0xff9b, 1, ..] | [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => Reach::Private,
        // Others than global ones: on the link, to many, unassigned.
        [0x2000..=0x3fff, ..] => Reach::Public,
        _ => Reach::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_called_as_its_network_and_the_settings_allow() {
        // By https alone, in a private network also without; also by http.
        let cases = [
            ("127.0.0.1", "always"),
            ("127.8.9.10", "always"),
            ("[::1]", "always"),
            ("[::ffff:127.0.0.1]", "always"),
            ("10.1.2.3", "private"),
            ("172.31.0.1", "private"),
            ("192.168.1.1", "private"),
            ("100.64.0.1", "private"),
            ("[fd12:3456::1]", "private"),
            ("[::ffff:10.0.0.1]", "private"),
            ("[64:ff9b::192.168.0.1]", "private"),
            ("8.8.8.8", "public"),
            ("172.32.0.1", "public"),
            ("[2606:4700::1111]", "public"),
            ("[2002:808:808::1]", "public"),
            ("169.254.169.254", "never"),
            ("169.254.1.1", "never"),
            ("[fe80::1]", "never"),
            ("[::ffff:169.254.169.254]", "never"),
            ("[64:ff9b::169.254.169.254]", "never"),
            ("[2002:a9fe:a9fe::1]", "never"),
            ("[fd00:ec2::254]", "never"),
            ("100.100.100.200", "never"),
            ("168.63.129.16", "never"),
            ("0.0.0.0", "never"),
            ("[::]", "never"),
            ("224.0.0.1", "never"),
            ("255.255.255.255", "never"),
            ("[ff02::1]", "never"),
            // As browsers and libraries also read an IPv4 address.
            ("2852039166", "never"),
            ("0xa9.0xfe.0xa9.0xfe", "never"),
            ("0251.0376.0251.0376", "never"),
            ("0x7f.1", "always"),
        ];
        for (host, allowed) in cases {
            for (scheme, private) in [("http", false), ("http", true), ("https", false), ("https", true)] {
                let expected = match allowed {
                    "always" => true,
                    "private" => private,
                    "public" => scheme == "https",
                    _ => false,
                };
                let found = Egress::of(&format!("{scheme}://{host}/v1"), private);
                assert_eq!(found.is_ok(), expected, "{scheme} {host} {private}: {found:?}");
            }
        }
    }

    #[test]
    fn an_address_that_holds_more_than_a_place_is_refused() {
        for base in [
            "https://ana:secret@example.com/v1",
            "https://ana@example.com/v1",
            "https://example.com/v1?key=secret",
            "https://example.com/v1#part",
            "ftp://example.com",
            "file:///etc/passwd",
            "example.com/v1",
            "",
        ] {
            let refused = Egress::of(base, true).unwrap_err();
            assert!(refused.starts_with("base_url: ") && !refused.contains("secret"), "{base}: {refused}");
        }
    }

    #[tokio::test]
    async fn what_a_name_stands_for_is_judged_when_it_is_called() {
        let found = async |base: &str| {
            let egress = Egress::of(base, false).unwrap();
            egress.resolve("localhost".parse().unwrap()).await.map(Iterator::count)
        };
        assert!(found("http://localhost").await.unwrap() > 0);
        // A name of this kind stands for an address as it is written.
        let refused = Egress::of("http://metadata.example", true).unwrap();
        let refused = refused.resolve("169.254.169.254".parse().unwrap()).await.err().unwrap();
        assert!(refused.to_string().contains("nothing is called"), "{refused}");
    }
}
