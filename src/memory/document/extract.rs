use super::{Readable, html, markdown, pdf};
use crate::{
    memory::{DocumentFailure, MediaType},
    shared::text::is_blank,
};

/// Bytes of a readable text in UTF-8.
pub const MAX_READABLE: usize = 4 * 1024 * 1024;

/// What a person can read of a file. `progress` hears of pages done, and of how many there are.
pub fn extract(
    media_type: MediaType,
    bytes: &[u8],
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Readable, DocumentFailure> {
    let readable = match media_type {
        MediaType::Plain => Readable { text: text(bytes)?.to_owned(), headings: vec![] },
        MediaType::Markdown => {
            let text = text(bytes)?;
            Readable { text: text.to_owned(), headings: markdown::headings(text) }
        }
        MediaType::Html => html::readable(text(bytes)?),
        MediaType::Pdf => pdf::readable(bytes, progress)?,
    };
    if readable.text.len() > MAX_READABLE {
        return Err(DocumentFailure::TooMuchText);
    }
    if is_blank(&readable.text) {
        return Err(DocumentFailure::NoText);
    }
    Ok(readable)
}

/// UTF-8, without the mark that some editors begin it with.
fn text(bytes: &[u8]) -> Result<&str, DocumentFailure> {
    let text = std::str::from_utf8(bytes).map_err(|_| DocumentFailure::WrongEncoding)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // No database keeps it in a text, and no text has it: it is something else.
    if text.contains('\0') { Err(DocumentFailure::WrongEncoding) } else { Ok(text) }
}
