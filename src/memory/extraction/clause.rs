//! A text as statements: its sentences and clauses, without what only leads in, and without what states nothing.
use super::{
    phrases::{Phrases, list, phrases},
    subject::{is_first_name, is_name},
};
use crate::shared::sentence::{sentences, trimmed};
use std::{cell::LazyCell, ops::Range, sync::LazyLock};

/// Bytes of a statement: what is longer is no one thing to remember.
const LONGEST: usize = 400;

/// A part of a text that may say something.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    /// Bytes of the text.
    pub range: Range<usize>,
    /// Who says it, where its line says so: `Ana: …`.
    pub speaker: Option<String>,
    /// Whether it is only thought of: maybe, might.
    pub hedged: bool,
    /// Whether it holds under a condition alone.
    pub conditional: bool,
    pub exclaims: bool,
    pub quotes: bool,
    /// Whether the sentence before is part of it, for it tells of whom it speaks.
    pub with_context: bool,
    pub before_question: bool,
    /// Whether the text asks anything.
    pub beside_question: bool,
    /// Whether nothing in the text is written large.
    pub in_small_letters: bool,
    /// Whether the text has no other.
    pub alone: bool,
    /// Whether much else stands in the text.
    pub in_long_text: bool,
}

/// A word as it stands, and as rules see it.
#[derive(Clone, Debug)]
pub(in crate::memory) struct Word<'a> {
    pub text: &'a str,
    /// With straight apostrophes.
    pub lower: String,
    /// Where it ends, in bytes of the clause.
    pub end: usize,
}

#[derive(Debug)]
pub(super) struct Clause<'a> {
    pub words: Vec<Word<'a>>,
}

impl<'a> Clause<'a> {
    pub fn new(text: &'a str, range: Range<usize>) -> Self {
        let words = words(text.get(range).unwrap_or_default());
        Self { words }
    }

    pub fn lower(&self, at: usize) -> &str {
        self.words.get(at).map(|word| word.lower.as_str()).unwrap_or_default()
    }

    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether the words of a phrase stand here.
    pub fn is_at(&self, at: usize, phrase: &str) -> bool {
        phrase.split(' ').enumerate().all(|(offset, word)| self.lower(at + offset) == word)
    }

    /// The first of the places where one of the phrases stands, with its end; of those at one place the longest.
    pub fn find(&self, phrases: &Phrases, from: usize) -> Option<(usize, usize)> {
        (from..self.len()).find_map(|at| Some((at, at + self.longest_at(at, phrases)?)))
    }

    /// How many words the longest of the phrases that stand here has.
    pub fn longest_at(&self, at: usize, phrases: &Phrases) -> Option<usize> {
        let here = phrases.beginning(self.lower(at)).filter(|phrase| self.is_at(at, phrase));
        here.map(|phrase| phrase.split(' ').count()).max()
    }

    pub fn has(&self, phrases: &Phrases) -> bool {
        self.find(phrases, 0).is_some()
    }
}

pub(in crate::memory) fn words(text: &str) -> Vec<Word<'_>> {
    #[cfg(test)]
    tests::READ.set(tests::READ.get() + text.len());
    let mut found = vec![];
    let mut start = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        let joins = matches!(char, '\'' | '’' | '-' | '.' | ':' | '@' | '/' | '_' | ',' | '&')
            && start.is_some()
            && next.is_some_and(|next| next.is_alphanumeric() && (char != ',' || next.is_ascii_digit()));
        let inside = char.is_alphanumeric() || joins || matches!(char, '$' | '€' | '£' | '%' | '#' | '+');
        match (inside, start) {
            (true, None) => start = Some(at),
            (false, Some(begun)) => {
                found.push(word(text, begun..at));
                start = None;
            }
            _ => {}
        }
    }
    found.extend(start.map(|begun| word(text, begun..text.len())));
    found
}

fn word(text: &str, range: Range<usize>) -> Word<'_> {
    let (end, text) = (range.end, &text[range]);
    Word { text, lower: text.to_lowercase().replace('’', "'"), end }
}

/// Speakers whose words are nobody's memories: machines, and what sets them up.
static MACHINES: LazyLock<Phrases> =
    phrases!("assistant, ai, bot, chatbot, system, coach, model, chatgpt, claude, tool");

/// What only leads in, where it stands first; the longest goes first.
static LEADS: LazyLock<Phrases> = phrases!(
    "by the way, just so you know, for the record, to be honest, one more thing, just a heads up, as \
    a heads up, heads up, quick update, quick note, please note that, note that, please remember \
    that, remember that, please remember, keep in mind that, bear in mind that, as i said, like i \
    said, in fact, of course, good news, bad news, fun fact, i think that, oh well, thank you, you \
    know, i mean, it turns out, turns out, long story short, btw, fyi, well, oh, so, and, but, also, \
    actually, anyway, honestly, yes, yeah, yep, no, nope, ok, okay, hi, hey, hello, thanks, sure, \
    right, great, alright, look, listen, update, reminder, note, ps, p.s, hmm, ah, because, plus, \
    sorry, haha, lol, wow, cool, nice, perfect, basically, personally, then"
);

/// With which a clause of its own begins behind `and`, `but` and commas.
static OPENS: LazyLock<Phrases> = phrases!("i, i'm, i've, i'll, i'd, we, we're, we've, we'll, we'd, my, our");

/// All statements of a text, in its order.
pub(super) fn statements(text: &str) -> Vec<Statement> {
    let sentences = sentences(text);
    let mut found: Vec<Statement> = vec![];
    let beside_question = text.contains('?');
    let in_small_letters = !text.contains(char::is_uppercase);
    for (place, sentence) in sentences.iter().enumerate() {
        let (speaker, body) = said_by(text, sentence.clone());
        if speaker.as_deref().is_some_and(|name| MACHINES.contains(name.to_lowercase().as_str())) {
            continue;
        }
        if is_no_statement(&text[body.clone()]) {
            continue;
        }
        // Once for all clauses: a sentence may have many, and the one before may be long.
        let named_before = LazyCell::new(|| {
            let before = sentences.get(place.checked_sub(1)?)?;
            let near = !text[before.end..sentence.start].contains('\n');
            (near && names_somebody(&Clause::new(text, before.clone()))).then_some(before.start)
        });
        let before_question = sentences.get(place + 1).is_some_and(|next| is_question(&text[next.clone()]));
        for part in clauses(text, body) {
            let Some(range) = without_lead(text, part) else { continue };
            if range.len() > LONGEST || is_no_statement(&text[range.clone()]) {
                continue;
            }
            let clause = Clause::new(text, range.clone());
            if clause.len() < 3 || asks(&clause) || clause.has(&UNREAL) {
                continue;
            }
            // One that begins with a pronoun takes the sentence before along, where that names somebody: alone it says
            // nothing.
            let context = if leans(&clause) { *named_before } else { None };
            let (range, with_context) = (context.unwrap_or(range.start)..range.end, context.is_some());
            if range.len() > LONGEST {
                continue;
            }
            let (hedged, conditional) = (clause.has(&HEDGES), clause.has(&CONDITIONS));
            let said = &text[range.clone()];
            let (exclaims, quotes) = (said.contains('!'), said.contains(['"', '“', '”']));
            let statement = Statement {
                range,
                speaker: speaker.clone(),
                hedged,
                conditional,
                exclaims,
                quotes,
                with_context,
                before_question,
                beside_question,
                in_small_letters,
                alone: sentences.len() == 1,
                in_long_text: sentences.len() > 5,
            };
            found.push(statement);
        }
    }
    found
}

/// Whether only the sentence before tells of whom it speaks.
fn leans(clause: &Clause<'_>) -> bool {
    list!("he, she, he's, she's, they, they're, his, her, he'll, she'll, their").contains(clause.lower(0))
}

fn names_somebody(clause: &Clause<'_>) -> bool {
    clause.words.iter().skip(1).any(|word| is_name(word))
        || is_first_name(clause)
        || clause.has(list!("my, our"))
}

/// Takes `Ana:` or `- ` off the start of a line.
fn said_by(text: &str, range: Range<usize>) -> (Option<String>, Range<usize>) {
    let is_bullet = |c: char| matches!(c, '-' | '*' | '•' | '>' | '–') || c.is_whitespace();
    let line = &text[range.clone()];
    let start = range.start + (line.len() - line.trim_start_matches(is_bullet).len());
    let range = start..range.end;
    let line = &text[range.clone()];
    let Some((name, rest)) = line.split_once(": ") else { return (None, range) };
    let is_name = name.len() <= 30
        && name.split(' ').count() <= 2
        && name
            .split(' ')
            .all(|word| word.starts_with(char::is_uppercase) && word.chars().all(char::is_alphabetic));
    let leads = LEADS.contains(name.to_lowercase().as_str());
    if !is_name || leads || is_heading(name) {
        return (None, range);
    }
    let at = range.end - rest.len();
    (Some(name.to_owned()), trimmed(text, at..range.end).unwrap_or(range))
}

/// Labels that look like names and are none.
fn is_heading(name: &str) -> bool {
    let labels = list!(
        "decision, action, actions, agreed, todo, deadline, date, name, birthday, important, next, goal, \
            address, phone, email, preference, allergies, allergy, warning, question, answer, example, task, \
            step, summary, plan, status, outcome, result"
    );
    name.to_lowercase().split(' ').any(|word| labels.contains(word))
}

/// Cut where another clause with a subject of its own begins.
fn clauses(text: &str, sentence: Range<usize>) -> Vec<Range<usize>> {
    let body = &text[sentence.clone()];
    let mut cuts = vec![];
    for (at, mark) in body.match_indices([';', ',']) {
        if mark == ";" {
            cuts.push(at + 1);
            continue;
        }
        let rest = body[at + mark.len()..].trim_start();
        let joined = ["and ", "but ", "so ", "though ", "although ", "while "];
        let Some(after) = joined.iter().find_map(|word| rest.strip_prefix(word)) else { continue };
        let first = words(&after[..after.floor_char_boundary(12)]).into_iter().next();
        if first.is_some_and(|word| OPENS.contains(word.lower.as_str())) {
            cuts.push(body.len() - after.len());
        }
    }
    cuts.push(body.len());
    let mut start = 0;
    let mut found = vec![];
    for cut in cuts {
        if cut > start {
            found.extend(without_joint(text, sentence.start + start..sentence.start + cut));
            start = cut;
        }
    }
    found
}

/// Without the comma and the `and` that lead over to the next clause.
fn without_joint(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let mut range = trimmed(text, range)?;
    loop {
        let part = &text[range.clone()];
        let bare = part.trim_end_matches([',', ';', ' ']);
        let bare = [" and", " but", " so", " though", " although", " while"]
            .iter()
            .find_map(|joint| bare.strip_suffix(joint))
            .unwrap_or(bare);
        if bare.len() == part.len() {
            return (!part.is_empty()).then_some(range);
        }
        range = trimmed(text, range.start..range.start + bare.len())?;
    }
}

/// Takes what leads in off the start. The words are read once, however many lead in.
fn without_lead(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let part = &text[range.clone()];
    let clause = Clause::new(text, range.clone());
    let (mut start, mut first) = (range.start, 0);
    while let Some(count) = clause.longest_at(first, &LEADS).filter(|count| first + *count < clause.len()) {
        let behind = &part[clause.words.get(first + count - 1)?.end..];
        let rest = behind.trim_start_matches([',', ':', '!', '.', '-', '–', '—', ' ']);
        // "No meat" and "So many" lead into nothing.
        let marked = behind.starts_with([',', ':', '!', '.', ' '])
            && (count > 1 || leads_alone(&clause, first, behind));
        if rest.is_empty() || !marked {
            break;
        }
        start = range.end - rest.len();
        first += count;
    }
    trimmed(text, start..range.end)
}

/// Whether the word at `first` leads in: a comma follows, or a subject.
fn leads_alone(clause: &Clause<'_>, first: usize, rest: &str) -> bool {
    rest.starts_with([',', ':', '!', '.'])
        || OPENS.contains(clause.lower(first + 1))
        || list!("so, and, but, also, because, btw, fyi, then, plus").contains(clause.lower(first))
            && clause.lower(first) != "so"
        || clause.longest_at(first + 1, &LEADS).is_some()
}

/// What is thought of and not said to be so.
static UNREAL: LazyLock<Phrases> = phrases!(
    "suppose, imagine, let's say, pretend, hypothetically, what if, would have, could have, should \
    have, i wish, we wish, as if, in theory, for example, for instance, e.g, in the movie, in the \
    film, in the book, in the novel, in the story, the character, the protagonist, in my dream, i \
    dreamed, i dreamt, just kidding, joking, if i were, if we were, sarcasm, lorem ipsum"
);

static HEDGES: LazyLock<Phrases> = phrases!(
    "maybe, perhaps, might, not sure, unsure, i guess, probably, possibly, thinking about, thinking \
    of, considering, could, we should, i should, wondering, not decided, undecided, haven't decided, \
    hopefully, i hope, we hope, likely, seems, apparently, rumour, rumor, toying with, tempted"
);

static CONDITIONS: LazyLock<Phrases> =
    phrases!("if, unless, in case, provided, depending on, depends on, otherwise");

/// Orders to whoever answers, and questions without their mark.
static ORDERS: LazyLock<Phrases> = phrases!(
    "write, summarise, summarize, translate, explain, show, list, make, create, generate, act, \
    ignore, forget, respond, answer, draft, help, find, fix, rewrite, compare, output, return, \
    describe, print, calculate, convert, suggest, pretend"
);

static QUESTIONS: LazyLock<Phrases> = phrases!(
    "do, does, did, can, could, would, should, is, are, was, were, will, shall, have, has, what, how, \
    why, who, where"
);

fn asks(clause: &Clause<'_>) -> bool {
    let first = clause.lower(0);
    let asks = QUESTIONS.contains(first)
        && list!(
            "you, i, we, should, could, can, will, there, he, she, it, they, the, that, this, my, is, are, do, does, about, would, \
            anyone, if"
        )
        .contains(clause.lower(1));
    asks || ORDERS.contains(first)
}

fn is_question(text: &str) -> bool {
    text.trim_end_matches(['"', '”', '\'', ')', ' ', '!']).ends_with('?')
}

/// Questions, code, and what somebody else wrote.
fn is_no_statement(text: &str) -> bool {
    is_question(text)
        || ["{", "}", "=>", "::", "</", "/>", "();", "==", "```", "&&", "||"]
            .iter()
            .any(|mark| text.contains(mark))
        || text.starts_with(['"', '“', '`', '<', '#', '|', '>'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local! {
        /// Bytes that were read as words.
        pub(super) static READ: Cell<usize> = const { Cell::new(0) };
    }

    fn texts(text: &str) -> Vec<&str> {
        statements(text).into_iter().map(|it| &text[it.range]).collect()
    }

    #[test]
    fn a_text_falls_into_what_it_states() {
        assert_eq!(
            texts("Oh, by the way, I love green tea, but I can't stand coffee. Do you? What should we do"),
            ["I love green tea", "I can't stand coffee."]
        );
        assert_eq!(
            texts("Ana: my flight leaves at nine\nAssistant: I prefer short answers"),
            ["my flight leaves at nine"]
        );
        assert_eq!(texts("If I were rich I would live in Rome. Imagine I live there."), [""; 0]);
    }

    #[test]
    fn who_speaks_is_told_by_the_line() {
        let said = statements("Ana: my flight leaves at nine\n- Decision: we move to Rome");
        assert_eq!(said.iter().map(|it| it.speaker.as_deref()).collect::<Vec<_>>(), [Some("Ana"), None]);
    }

    #[test]
    fn many_leads_are_taken_off() {
        assert_eq!(texts("Ok, ok - well, oh by the way: and (so) I do love tea"), ["(so) I do love tea"]);
        assert_eq!(texts(&format!("{}I love green tea", "ok ".repeat(1000))), ["I love green tea"]);
    }

    #[test]
    fn a_long_text_is_read_a_few_times_and_no_more() {
        let of = |part: &str| part.repeat(50_000 / part.len());
        let blanks = " ".repeat(50_000);
        let cases = [
            (of("ok "), 0),
            (of("ok, "), 0),
            (of("by the way "), 1),
            (of("and "), 0),
            (of("very "), 0),
            (format!("I love tea,{blanks}and I love rice"), 2),
            (of("I love tea, and "), 50_000 / 16),
            (of(", "), 0),
            (of(";"), 0),
            (format!("My sister is {}. {}", of("very "), of("He loves green tea; ")), 0),
            (format!("Ana loves tea. {}", of("He loves green tea; ")), 20),
        ];
        for (text, most) in cases {
            READ.set(0);
            let found = statements(&text).len();
            let (read, start) = (READ.get(), text.get(..20));
            assert!(found <= most, "{found} statements in {start:?}");
            assert!(read <= 4 * text.len(), "{read} bytes read of {start:?}");
        }
    }
}
