//! How a detector reads: forwards, a character at a time, and it is told where the text that is there ends before
//! the text itself does.
//!
//! A detector that asks for a character which has not come yet gets [`More`] and hands it on with `?`. So whatever a
//! detector says without `More` holds for every way the text may go on, and a text in pieces gives what the whole
//! gives.

/// The answer depends on text that has not come yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct More;

pub type Look<T> = Result<T, More>;

/// How far back a detector may look, in bytes: a stream keeps that much of what it has released.
pub const BEHIND: usize = 64;

#[cfg(test)]
thread_local! {
    static READS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// How many characters detectors read while `work` runs.
#[cfg(test)]
pub fn count_reads(work: impl FnOnce()) -> u64 {
    READS.set(0);
    work();
    READS.get()
}

#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    text: &'a str,
    start: usize,
    at: usize,
    /// Whether nothing follows `text`.
    complete: bool,
}

impl<'a> Reader<'a> {
    /// `start` must lie between two characters.
    pub fn new(text: &'a str, start: usize, complete: bool) -> Self {
        Self { text, start, at: start, complete }
    }

    pub fn text(&self) -> &'a str {
        self.text
    }

    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Of the next character, in the text.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Bytes read so far.
    pub fn read(&self) -> usize {
        self.at - self.start
    }

    /// What was read so far.
    pub fn taken(&self) -> &'a str {
        self.text.get(self.start..self.at).unwrap_or_default()
    }

    /// What was read since `from`.
    pub fn since(&self, from: usize) -> &'a str {
        self.text.get(from..self.at).unwrap_or_default()
    }

    /// The next character; `None` at the end of the text.
    pub fn peek(&self) -> Look<Option<char>> {
        match char_at(self.text, self.at) {
            None if !self.complete => Err(More),
            next => Ok(next),
        }
    }

    /// The character after the next one.
    pub fn peek_second(&self) -> Look<Option<char>> {
        let mut ahead = *self;
        match ahead.next()? {
            Some(_) => ahead.peek(),
            None => Ok(None),
        }
    }

    pub fn next(&mut self) -> Look<Option<char>> {
        let next = self.peek()?;
        #[cfg(test)]
        READS.set(READS.get() + 1);
        if let Some(c) = next {
            self.at += c.len_utf8();
        }
        Ok(next)
    }

    /// Reads the next character if it fits.
    pub fn next_if(&mut self, fits: impl FnOnce(char) -> bool) -> Look<Option<char>> {
        #[cfg(test)]
        READS.set(READS.get() + 1);
        match self.peek()? {
            Some(c) if fits(c) => {
                self.at += c.len_utf8();
                Ok(Some(c))
            }
            _ => Ok(None),
        }
    }

    pub fn eat(&mut self, wanted: char) -> Look<bool> {
        Ok(self.next_if(|c| c == wanted)?.is_some())
    }

    /// Reads `wanted`, letters of either case; where it is not there the place of the reader is of no more use.
    pub fn eat_word(&mut self, wanted: &str) -> Look<bool> {
        for letter in wanted.chars() {
            if self.next_if(|c| c.eq_ignore_ascii_case(&letter))?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads while characters fit, at most to `limit` bytes from the reader's start; how many bytes that were.
    pub fn eat_while(&mut self, limit: usize, fits: impl Fn(char) -> bool) -> Look<usize> {
        let from = self.at;
        while self.read() < limit && self.next_if(&fits)?.is_some() {}
        Ok(self.at - from)
    }

    /// The character before the reader's start.
    pub fn before(&self) -> Option<char> {
        char_before(self.text, self.start)
    }

    /// At most [`BEHIND`] bytes before the reader's start.
    pub fn behind(&self) -> &'a str {
        let mut from = self.start.saturating_sub(BEHIND);
        while !self.text.is_char_boundary(from) {
            from += 1;
        }
        self.text.get(from..self.start).unwrap_or_default()
    }

    /// Whether a word could end here: what follows does not continue it.
    pub fn at_word_end(&self) -> Look<bool> {
        Ok(!self.peek()?.is_some_and(is_word))
    }
}

pub fn char_at(text: &str, at: usize) -> Option<char> {
    let byte = *text.as_bytes().get(at)?;
    if byte.is_ascii() { Some(char::from(byte)) } else { text.get(at..)?.chars().next() }
}

pub fn char_before(text: &str, at: usize) -> Option<char> {
    let byte = *text.as_bytes().get(at.checked_sub(1)?)?;
    if byte.is_ascii() { Some(char::from(byte)) } else { text.get(..at)?.chars().next_back() }
}

/// A letter or digit that forms words together with its neighbours.
pub fn is_word(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() } else { c.is_alphanumeric() && !is_unspaced(c) }
}

/// Letters of scripts that put no blanks between words, or glue endings to foreign ones.
pub fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0E00}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1100}'..='\u{11FF}' | '\u{1780}'..='\u{17FF}'
        | '\u{2E80}'..='\u{2FDF}' | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{31FF}' | '\u{3400}'..='\u{9FFF}'
        | '\u{AC00}'..='\u{D7FF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

/// A decimal digit of the scripts that people write numbers in.
pub fn digit(c: char) -> Option<u8> {
    let zero = match c {
        '0'..='9' => '0',
        '\u{0660}'..='\u{0669}' => '\u{0660}',
        '\u{06F0}'..='\u{06F9}' => '\u{06F0}',
        '\u{0966}'..='\u{096F}' => '\u{0966}',
        '\u{FF10}'..='\u{FF19}' => '\u{FF10}',
        _ => return None,
    };
    u8::try_from(u32::from(c) - u32::from(zero)).ok()
}

/// A blank within a line.
pub fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{A0}' | '\u{2007}' | '\u{2009}' | '\u{202F}' | '\u{3000}')
}
