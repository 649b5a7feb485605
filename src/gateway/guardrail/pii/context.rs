//! The words before a number, for those that no check digit tells: what the nearest known word says.
use crate::gateway::guardrail::reader::{is_unspaced, is_word};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    Phone,
    /// A number of a person that an authority gave out.
    NationalId(Authority),
    /// A number of a thing: an order, a parcel, a book.
    Thing,
    Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    Us,
    Germany,
    Netherlands,
    Poland,
    Brazil,
    India,
    Sweden,
    Japan,
}

/// By folded beginning of a word; `$` ends a word that must be whole.
const WORDS: &[(Hint, &[&str])] = &[
    (
        Hint::Phone,
        &[
            "phone$",
            "phones$",
            "telephone",
            "tel$",
            "telefon",
            "téléphone",
            "teléfono",
            "teléfon",
            "telefoon",
            "telefone",
            "cell$",
            "cellphone",
            "mobile$",
            "mobil$",
            "mobiel",
            "móvil",
            "mobilnummer",
            "mobiltelefon",
            "handy",
            "portable$",
            "cellulare",
            "celular",
            "komórk",
            "call$",
            "calls$",
            "called$",
            "dial",
            "ring$",
            "text$",
            "sms$",
            "whatsapp",
            "signal$",
            "fax",
            "reach$",
            "ruf$",
            "anrufen",
            "appelez",
            "appeler",
            "joindre",
            "llama",
            "llám",
            "chiama",
            "bel$",
            "bellen",
            "zadzwoń",
            "dzwoń",
            "numer$",
            "ligue",
            "ligar",
            "hotline",
            "rufnummer",
            "durchwahl",
            "nummer$",
            "numéro$",
            "landline",
            "pager",
            "callback",
        ],
    ),
    (Hint::NationalId(Authority::Us), &["ssn", "social$", "tin$", "itin$"]),
    (Hint::NationalId(Authority::Germany), &["personalausweis", "ausweis"]),
    (Hint::NationalId(Authority::Netherlands), &["bsn", "burgerservicenummer", "sofi"]),
    (Hint::NationalId(Authority::Poland), &["pesel"]),
    (Hint::NationalId(Authority::Brazil), &["cpf"]),
    (Hint::NationalId(Authority::India), &["aadhaar", "aadhar", "uidai"]),
    (Hint::NationalId(Authority::Sweden), &["personnummer", "pnr$", "samordningsnummer"]),
    (Hint::NationalId(Authority::Japan), &["mynumber"]),
    (
        Hint::Thing,
        &[
            "order",
            "bestell",
            "commande",
            "pedido",
            "ordine",
            "invoice",
            "rechnung",
            "facture",
            "factura",
            "fattura",
            "faktura",
            "tracking",
            "parcel",
            "sendung",
            "shipment",
            "isbn",
            "issn",
            "ean$",
            "sku$",
            "sn$",
            "serial",
            "ticket",
            "case$",
            "item",
            "page",
            "pages",
            "row",
            "rows",
            "line",
            "lines",
            "article",
            "artikel",
            "ref$",
            "reference",
            "issue",
            "build$",
            "usd$",
            "eur$",
            "pln$",
            "gbp$",
            "timestamp",
            "epoch",
            "part$",
            "model$",
            "doi$",
            "batch",
            "lot$",
        ],
    ),
    (Hint::Version, &["version", "release", "v$", "chrome", "firmware", "build$"]),
];

/// In scripts without blanks, and phrases: as they stand somewhere before.
const PHRASES: &[(Hint, &[&str])] = &[
    (
        Hint::Phone,
        &[
            "電話",
            "携帯",
            "連絡先",
            "电话",
            "手机",
            "전화",
            "휴대폰",
            "my number is",
            "her number is",
            "his number is",
        ],
    ),
    (Hint::NationalId(Authority::Japan), &["マイナンバー", "個人番号", "my number:"]),
    (Hint::Thing, &["注文", "訂単", "订单", "追跡"]),
];

/// What the text before a number says of it: its last known word. Only the same line counts.
pub fn before(text: &str) -> Option<Hint> {
    let line = text.rsplit('\n').next().unwrap_or_default().to_lowercase();
    let phrase = PHRASES.iter().find(|(_, phrases)| phrases.iter().any(|phrase| line.contains(phrase)));
    let word = line
        .rsplit(|c: char| !is_word(c) && !is_unspaced(c))
        .filter(|word| !word.is_empty())
        .find_map(of_word);
    phrase.map(|(hint, _)| *hint).or(word)
}

fn of_word(word: &str) -> Option<Hint> {
    let fits = |known: &&str| match known.strip_suffix('$') {
        Some(whole) => word == whole,
        None => word.starts_with(known),
    };
    WORDS.iter().find(|(_, words)| words.iter().any(|known| fits(&known))).map(|(hint, _)| *hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_known_word_of_the_line_counts() {
        assert_eq!(before("call me about order "), Some(Hint::Thing));
        assert_eq!(before("about my order, call me at "), Some(Hint::Phone));
        assert_eq!(before("phone\nhere: "), None);
        assert_eq!(before("電話番号は"), Some(Hint::Phone));
        assert_eq!(before("Mijn BSN is "), Some(Hint::NationalId(Authority::Netherlands)));
    }
}
