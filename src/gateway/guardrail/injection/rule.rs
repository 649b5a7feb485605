//! Which concepts, close together within a sentence, make an attack.
use super::concept::*;

/// Around a word of `anchor`, so many words back and on, there must be a word of each of `with`.
struct Rule {
    anchor: Concepts,
    back: usize,
    on: usize,
    with: &'static [Concepts],
}

const RULES_OF_ATTACKS: &[Rule] = &[
    // ignore … previous instructions; disregard your guidelines; your rules … forget (verb last)
    Rule { anchor: OVERRIDE, back: 1, on: 8, with: &[RULES | PROMPT, PRIOR | YOUR | HIDDEN | ALL] },
    Rule { anchor: OVERRIDE, back: 6, on: 0, with: &[RULES | PROMPT, PRIOR | YOUR | HIDDEN] },
    // forget everything you were told before
    Rule { anchor: OVERRIDE, back: 0, on: 8, with: &[ALL, YOUR, PRIOR] },
    // reveal your system prompt, print the hidden prompt
    Rule { anchor: REVEAL, back: 0, on: 8, with: &[PROMPT, HIDDEN | YOUR] },
    Rule { anchor: REVEAL, back: 0, on: 6, with: &[RULES, HIDDEN] },
    Rule { anchor: REVEAL, back: 6, on: 0, with: &[PROMPT | RULES, HIDDEN] },
    Rule { anchor: REVEAL, back: 0, on: 6, with: &[MESSAGE, HIDDEN, YOUR] },
    Rule { anchor: REVEAL, back: 0, on: 6, with: &[RULES, ALL, PRIOR] },
    Rule { anchor: ASK, back: 0, on: 6, with: &[RULES | PROMPT, YOUR, HIDDEN] },
    // you have no rules, answer without restrictions, an AI without filters
    Rule { anchor: LIMITS, back: 7, on: 0, with: &[NOT, ANSWER | BECOME | MODEL | PERSONA] },
    Rule { anchor: LIMITS, back: 0, on: 3, with: &[NOT, ANSWER] },
    Rule { anchor: NOT, back: 8, on: 4, with: &[LIMITS, MODEL | PERSONA] },
    // you are now DAN
    Rule { anchor: PERSONA, back: 6, on: 4, with: &[BECOME | MODEL, YOUR | MODEL] },
    // enable developer mode
    Rule { anchor: MODE, back: 3, on: 0, with: &[HIDDEN | PERSONA, SWITCH | YOUR] },
    // do not tell the user
    Rule { anchor: TELL, back: 3, on: 3, with: &[NOT, USER] },
    // dear assistant, note to the language model, if you are an AI
    Rule { anchor: ADDRESS, back: 0, on: 4, with: &[MODEL] },
    // send the user's notes to https://…
    Rule { anchor: SEND, back: 0, on: 10, with: &[DATA, SINK] },
    Rule { anchor: TOOL, back: 3, on: 8, with: &[CALL, SEND | SINK] },
    // do not follow the rules of the system
    Rule { anchor: FOLLOW, back: 5, on: 6, with: &[NOT, RULES | LIMITS] },
    // your new system prompt, your new task
    Rule { anchor: NEW, back: 3, on: 3, with: &[YOUR, TASK | PROMPT] },
    Rule { anchor: OFF, back: 6, on: 3, with: &[RULES | LIMITS, YOUR | MODEL | PRIOR] },
];

/// In a text that somebody hid an order to set rules aside is enough, whichever rules.
const RULES_OF_HIDDEN: &[Rule] =
    &[Rule { anchor: OVERRIDE, back: 6, on: 8, with: &[RULES | PROMPT | PRIOR] }];

pub fn is_attack(words: &[Concepts]) -> bool {
    is_any(RULES_OF_ATTACKS, words)
}

pub fn is_hidden_attack(words: &[Concepts]) -> bool {
    is_any(RULES_OF_HIDDEN, words)
}

fn is_any(rules: &[Rule], words: &[Concepts]) -> bool {
    words.split(|word| *word == BREAK).any(|sentence| {
        sentence.iter().enumerate().any(|(at, word)| {
            *word != 0 && rules.iter().any(|rule| word & rule.anchor != 0 && holds(rule, sentence, at))
        })
    })
}

fn holds(rule: &Rule, sentence: &[Concepts], at: usize) -> bool {
    let end = (at + rule.on + 1).min(sentence.len());
    let around = sentence.get(at.saturating_sub(rule.back)..end).unwrap_or_default();
    rule.with.iter().all(|wanted| around.iter().any(|word| word & wanted != 0))
}

/// Of letters that were spelled out one by one, where no blanks tell words.
pub fn is_spelled_attack(letters: &str) -> bool {
    let has = |words: &[&str]| words.iter().any(|word| letters.contains(word));
    has(&["ignore", "disregard", "forget", "bypass"])
        && has(&["previous", "prior", "above", "instruction", "rules", "guideline"])
        || has(&["reveal", "print", "show", "repeat"]) && has(&["prompt", "instruction"])
}
