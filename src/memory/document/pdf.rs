//! The text layer of a PDF, page by page. What reads it is not ours and may fail in every way: it is to run in a process
//! of its own, whose memory and time are bounded from outside. A page that cannot be read is passed over.
use super::{MAX_READABLE, Readable};
use crate::{memory::DocumentFailure, shared::text::is_blank};
use pdf_extract::{Document, PlainTextOutput, output_doc_page};
use std::{
    io::{self, Write},
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Where the mark of a PDF may stand, by its specification's implementation notes.
const HEAD: usize = 1_024;

pub fn readable(bytes: &[u8], progress: &mut dyn FnMut(usize, usize)) -> Result<Readable, DocumentFailure> {
    let head = bytes.get(..HEAD.min(bytes.len())).unwrap_or_default();
    if !head.windows(5).any(|part| part == b"%PDF-") {
        return Err(DocumentFailure::Broken);
    }
    let document = caught(|| open(bytes))?;
    let pages: Vec<u32> = document.get_pages().into_keys().collect();
    let (mut text, mut broken) = (String::new(), 0);
    for (done, number) in pages.iter().enumerate() {
        progress(done, pages.len());
        let mut page = Bounded { room: MAX_READABLE.saturating_sub(text.len()), ..Bounded::default() };
        let read = catch_unwind(AssertUnwindSafe(|| {
            let mut out: PlainTextOutput<&mut dyn Write> = PlainTextOutput::new(&mut page);
            output_doc_page(&document, &mut out, *number)
        }));
        if page.full {
            return Err(DocumentFailure::TooMuchText);
        }
        broken += usize::from(!matches!(read, Ok(Ok(()))));
        append(&mut text, &String::from_utf8_lossy(&page.bytes));
    }
    if pages.is_empty() || (is_blank(&text) && broken > 0) {
        return Err(DocumentFailure::Broken);
    }
    Ok(Readable { text, headings: vec![] })
}

fn open(bytes: &[u8]) -> Result<Document, DocumentFailure> {
    let mut document = Document::load_mem(bytes).map_err(|_| DocumentFailure::Broken)?;
    // Many are locked with an empty password: everybody may read them.
    if document.is_encrypted() && document.decrypt("").is_err() {
        return Err(DocumentFailure::Encrypted);
    }
    Ok(document)
}

fn caught<T>(read: impl FnOnce() -> Result<T, DocumentFailure>) -> Result<T, DocumentFailure> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or(Err(DocumentFailure::Broken))
}

/// Lines without blanks at their ends, no two empty ones in a row, no control characters; a page is a block.
fn append(text: &mut String, page: &str) {
    let mut empty = true;
    for line in page.lines() {
        let line: String = line.chars().filter(|char| *char == '\t' || !char.is_control()).collect();
        if is_blank(&line) {
            empty = true;
            continue;
        }
        if !text.is_empty() {
            text.push_str(if empty { "\n\n" } else { "\n" });
        }
        empty = false;
        text.push_str(line.trim());
    }
}

/// Takes so much and no more.
#[derive(Default)]
struct Bounded {
    bytes: Vec<u8>,
    room: usize,
    full: bool,
}

impl Write for Bounded {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        if part.len() > self.room {
            self.full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.room -= part.len();
        self.bytes.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
