//! Texts with `{{ … }}` (minijinja) over `input` and `steps.<key>.output`: prompts, queries, titles.
mod filter;

use super::scope::{Reference, Scope};
use minijinja::{
    Environment, Error, ErrorKind, Template, UndefinedBehavior, Value,
    value::{Serde, ValueKind},
};
use std::{collections::BTreeSet, sync::LazyLock};

/// Bytes of a rendered text.
pub const MAX_RENDERED: usize = 65_536;
/// Instructions and 64-byte pieces of data: bounds both time and memory of one rendering.
const FUEL: u64 = 50_000;
/// Characters between `{{` and `}}`, brackets inside one another there, and `elif` in all: the engine recurses into
/// chains of operators without a limit, and would end the process.
const MAX_TAG: usize = 500;
const MAX_DEPTH: usize = 16;
const MAX_ELIF: usize = 50;
/// Functions that the engine itself offers.
const GLOBALS: &[&str] = &["range"];
/// What can be done between `{%` and `%}`. Nothing that gives a made value a name, as `set` does: fuel counts neither
/// what a list holds nor what is shared in it, so that a few lines of `set a = [a, a]` make more than any machine
/// can print, add up or compare.
const STATEMENTS: &[&str] = &["for", "endfor", "if", "elif", "else", "endif"];
/// Words after which a bracket opens a list.
const KEYWORDS: &[&str] = &["in", "is", "not", "and", "or", "if", "elif", "else"];
const NO_LISTS: &str =
    "lists and maps cannot be written in a template: make them in a step of the action transform";
/// Repeats lists without end for no fuel: whatever then makes a text of one does not come back.
const NO_MULTIPLICATION: &str =
    "* is not available in a template: multiply and repeat in a step of the action transform";

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(64);
    // A name that is not there is an error, not an empty prompt.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    for name in ["debug", "dict", "namespace"] {
        environment.remove_global(name);
    }
    environment.add_filter("tojson", filter::tojson);
    environment.add_filter("map", filter::map);
    environment.set_formatter(|out, state, value| match value.kind() {
        // As JSON: what a model reads best, and the same on every machine.
        ValueKind::Seq | ValueKind::Map | ValueKind::Iterable | ValueKind::Bool => {
            out.write_str(&filter::tojson(value)?).map_err(Error::from)
        }
        ValueKind::None => Ok(()),
        _ => minijinja::escape_formatter(out, state, value),
    });
    environment
});

/// What is wrong with the text, and where.
pub fn check(text: &str) -> Result<(), String> {
    compile(text).map(drop)
}

/// The only way to the engine's parser.
fn compile(text: &str) -> Result<Template<'_, '_>, String> {
    check_tags(text)?;
    ENVIRONMENT.template_from_str(text).map_err(|error| describe(&error))
}

/// Follows tags, comments and quotes as the engine's lexer does. `raw` blocks, which it would have to tell apart
/// by their content, are refused.
fn check_tags(text: &str) -> Result<(), String> {
    if text.matches("elif").count() > MAX_ELIF {
        return Err(format!("more than {MAX_ELIF} elif"));
    }
    let mut rest = text;
    while let Some(open) = rest.find(['{']) {
        rest = &rest[open + 1..];
        match rest.as_bytes().first() {
            Some(b'#') => rest = rest[1..].split_once("#}").map_or("", |(_, after)| after),
            Some(b'{') => rest = check_tag(&rest[1..])?,
            Some(b'%') => {
                check_statement(&rest[1..])?;
                rest = check_tag(&rest[1..])?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn check_statement(text: &str) -> Result<(), String> {
    let text = text.trim_start_matches(['-', '+']).trim_start();
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    match &text[..end] {
        "raw" => Err("raw blocks are not available: write {{ '{{' }} for braces".into()),
        word if STATEMENTS.contains(&word) => Ok(()),
        word => Err(format!(
            "{word:.40} is not available: templates have for and if; compute in a step of the action transform"
        )),
    }
}

/// What follows the tag.
fn check_tag(text: &str) -> Result<&str, String> {
    let (mut quote, mut escaped) = (None, false);
    // Open brackets, and which of them belong to what stands before them: calls and elements' places.
    let mut open: Vec<bool> = vec![];
    let (mut after_value, mut word) = (false, 0);
    for (place, char) in text.char_indices() {
        if place > MAX_TAG {
            return Err(format!(
                "more than {MAX_TAG} characters between {{{{ and }}}}: compute in a step of the action transform"
            ));
        }
        let belongs = after_value && !KEYWORDS.contains(&&text[word..place]);
        match (quote, char) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(mark), _) if mark == char => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(char),
            // A dictionary may end where the tag seems to: only without open brackets is it the end for sure.
            (None, '}' | '%') if open.is_empty() && text[place + 1..].starts_with('}') => {
                return Ok(&text[place + 2..]);
            }
            (None, '*') => return Err(NO_MULTIPLICATION.into()),
            (None, '|') => check_filter(&text[place + 1..])?,
            (None, '{') => return Err(NO_LISTS.into()),
            (None, '[') if !belongs => return Err(NO_LISTS.into()),
            (None, ',') if open.last() == Some(&false) => return Err(NO_LISTS.into()),
            (None, '(' | '[') => open.push(belongs),
            (None, ')' | ']') => drop(open.pop()),
            _ => {}
        }
        let in_word = char.is_alphanumeric() || char == '_';
        after_value = in_word || matches!(char, ')' | ']' | '"' | '\'');
        if !in_word {
            word = place + char.len_utf8();
        }
        if open.len() > MAX_DEPTH {
            return Err("nested too deeply".into());
        }
    }
    Ok("")
}

/// What stands behind `|`.
fn check_filter(text: &str) -> Result<(), String> {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    match &text[..end] {
        name if name.is_empty() || filter::is_available(name) => Ok(()),
        name => Err(format!("the filter {name:.40} is not available: there are {}", filter::AVAILABLE)),
    }
}

/// Whether anything would be replaced.
pub fn is_plain(text: &str) -> bool {
    !["{{", "{%", "{#"].iter().any(|mark| text.contains(mark))
}

/// What the template names, as far as it can be told without running it.
pub fn references(text: &str) -> BTreeSet<Reference> {
    let Ok(template) = compile(text) else { return BTreeSet::new() };
    template
        .undeclared_variables(true)
        .into_iter()
        .filter_map(|path| {
            let mut parts = path.splitn(3, '.');
            match (parts.next(), parts.next()) {
                (Some("steps"), Some(key)) => Some(Reference::Step(key.to_owned())),
                (Some("input"), Some(field)) => Some(Reference::Input(field.to_owned())),
                (Some("steps" | "input"), None) => None,
                (Some(name), _) if GLOBALS.contains(&name) => None,
                _ => Some(Reference::Unknown(path.clone())),
            }
        })
        .collect()
}

/// The text; or what is wrong with the template or its values.
pub fn render(text: &str, scope: &Scope) -> Result<String, String> {
    let template = compile(text)?;
    let context = minijinja::context! {
        input => Value::from(Serde(&scope.input)),
        steps => Value::from(Serde(&scope.steps)),
    };
    let rendered = template.render(context).map_err(|error| describe(&error))?;
    if rendered.len() > MAX_RENDERED {
        return Err(format!(
            "the text is {} bytes long: at most {MAX_RENDERED} are possible",
            rendered.len()
        ));
    }
    if rendered.contains('\0') {
        return Err("the text has the character U+0000, which cannot be kept: remove it".to_owned());
    }
    Ok(rendered)
}

fn describe(error: &Error) -> String {
    let what = match error.kind() {
        ErrorKind::OutOfFuel => "the template takes too long or makes too much".to_owned(),
        ErrorKind::UndefinedError => "a value that the template names is not there".to_owned(),
        kind => error.detail().map_or_else(|| kind.to_string(), str::to_owned),
    };
    match error.line() {
        Some(line) => format!("{what} (line {line})"),
        None => what,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn scope() -> Scope {
        Scope::new(
            &json!({"topic": "week", "yes": true}),
            [("notes", json!({"memories": [{"b": 1, "a": "ä<"}]}))],
        )
    }

    #[test]
    fn values_are_put_in_and_structures_as_json() {
        assert_eq!(render("{{ input.topic }}!", &scope()).unwrap(), "week!");
        assert_eq!(
            render("{{ steps.notes.output }}", &scope()).unwrap(),
            r#"{"memories":[{"a":"ä<","b":1}]}"#
        );
        assert_eq!(
            render("{% for m in steps.notes.output.memories %}- {{ m.a }}{% endfor %}", &scope()).unwrap(),
            "- ä<"
        );
        assert_eq!(render("{{ input.yes }} {{ none }}", &scope()).unwrap(), "true ");
        assert_eq!(render("{{ input.none | default('nothing') }}", &scope()).unwrap(), "nothing");
    }

    #[test]
    fn places_and_texts_with_brackets_are_no_lists() {
        for (text, rendered) in [
            ("{{ steps.notes.output.memories[0].a }}", "ä<"),
            ("{{ steps['notes']['output'].memories[0]['b'] }}", "1"),
            ("{{ '[x] {y}' }}", "[x] {y}"),
            ("{{ (input.topic) | replace('w', '(,)') }}", "(,)eek"),
            ("{%- if input.yes -%} [a] {b} {%- endif -%}", "[a] {b}"),
        ] {
            assert_eq!(render(text, &scope()).unwrap(), rendered, "{text}");
        }
    }

    #[test]
    fn filters_are_those_that_make_little() {
        for (text, rendered) in [
            ("{{ steps.notes.output.memories | tojson }}", r#"[{"a":"ä<","b":1}]"#),
            ("{{ steps.notes.output.memories | map(attribute='a') | join(', ') }}", "ä<"),
            ("{{ steps | map('upper') | join | length }}", "5"),
            ("{{ '|pprint * 3' | upper }}", "|PPRINT * 3"),
        ] {
            assert_eq!(render(text, &scope()).unwrap(), rendered, "{text}");
        }
        let unknown = check("{{ input.topic |\n pprint }}").unwrap_err();
        assert!(unknown.contains("pprint is not available") && unknown.contains("tojson"), "{unknown}");
        assert!(check("{% for a in input.list | zip(input.list) %}{{ a }}{% endfor %}").is_err());
        assert!(check("{{ input.list * 100000 }}").unwrap_err().contains("* is not available"));
    }

    #[test]
    fn every_filter_is_one_of_the_engine() {
        for name in filter::AVAILABLE.split_whitespace() {
            let error = compile(&format!("{{{{ 1 | {name} }}}}")).map(|template| template.render(()));
            if let Ok(Err(error)) = error {
                assert_ne!(error.kind(), ErrorKind::UnknownFilter, "{name}");
            }
        }
    }

    #[test]
    fn what_is_short_makes_no_long_text() {
        let long = "x".repeat(30_000);
        let zeros = vec![0; 15_000];
        let scope = Scope::new(&json!({"ones": vec![1; 30_000], "zeros": zeros, "long": long}), []);
        for text in [
            "{{ input | tojson(100000) }}",
            "{{ input | tojson(1000000000000000) }}",
            "{{ input | tojson(indent=1000000000000000) }}",
            "{{ input.zeros | map('tojson', 1000000000000000) }}",
            "{{ input.zeros | map('default', input.long, true) | join }}",
            "{{ input.zeros | map('default', input, true) }}",
            "{{ input.zeros | map(attribute='x', default=input) | string | length }}",
            "{{ (input.ones * 100000000) ~ 'x' }}",
            "{{ (input.ones * 100000000) | string | length }}",
            "{{ input.ones + input.ones + input.ones }}",
            "{{ input.zeros | map('pprint') }}",
        ] {
            assert!(render(text, &scope).is_err(), "{text}");
        }
    }

    #[test]
    fn a_missing_value_is_an_error() {
        assert!(render("{{ input.none }}", &scope()).unwrap_err().contains("not there"));
        assert!(render("{{ steps.other.output.text }}", &scope()).is_err());
        assert!(render("{% include 'x' %}", &scope()).is_err());
    }

    #[test]
    fn a_bad_template_names_the_line() {
        assert!(check("ok {{ input.topic }}").is_ok());
        assert!(check("one\n{{ input. }}").unwrap_err().contains("line 2"));
        assert!(check("{% if %}").is_err());
    }

    #[test]
    fn references_name_steps_and_inputs() {
        let found = references(
            "{{ steps.a.output.text }}{% for x in input.list %}{{ x }}{{ y }}{% endfor %}{{ range(3) }}",
        );
        let expected =
            [Reference::Step("a".into()), Reference::Input("list".into()), Reference::Unknown("y".into())];
        assert_eq!(found, BTreeSet::from(expected));
    }

    #[test]
    fn a_template_cannot_take_long_or_make_much() {
        for text in [
            "{% for a in range(10000) %}{% for b in range(10000) %}x{% endfor %}{% endfor %}",
            "{{ 'x' * 100000000 }}",
            "{% set ns = namespace(t='xxxxxxxx') %}{% for a in range(100) %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}",
            "{{ range(100000) | list | string }}",
            "{% set a = input.l %}{% set a = a + a %}",
            "{% with a = input.l %}{{ a }}{% endwith %}",
            "{% macro m(a) %}{{ m(a) }}{% endmacro %}",
            "{% for a in [[input.l, input.l]] %}{{ a }}{% endfor %}",
            "{% for a in (input.l + input.l) | batch(9) %}{{ a }}{% endfor %}",
            "{{ input.l | map('batch', 9) }}",
            "{{ dict(a=input.l) }}",
            "{{ {'a': 1} }}",
            "{{ 1 in [1] }}",
            "{{ 1 in[1] }}",
            "{% for a in ((input.l, input.l), 1) %}{{ a }}{% endfor %}",
            "{% for a in(input.l, input.l) %}{{ a }}{% endfor %}",
            "{% for a in[input.l] %}{{ a }}{% endfor %}",
            "{{ input.l [0] }}",
            "{{-[1]}}",
        ] {
            assert!(render(text, &scope()).is_err(), "{text}");
        }
    }

    #[test]
    fn no_text_overflows_the_parsers_stack() {
        let opens = [
            "(",
            "[",
            "{1:",
            "not ",
            "-",
            "x if ",
            "x.",
            "x|f|",
            "x(",
            "1**",
            "1~",
            "x[",
            "1 if 1 else ",
            "x is ",
            "1 and ",
            "a==",
            "*",
            "x(*",
            "'}}'-",
            "{",
            "}-",
            "%-",
            "\\",
            "'\\'",
        ];
        for open in opens {
            for text in [format!("{{{{ {}", open.repeat(5_000)), format!("{{{{ {}1 }}}}", open.repeat(5_000))]
            {
                let _ = references(&text);
                let _ = render(&text, &scope());
                let _ = references(&format!("{{% raw %}}{{{{ '{{% endraw %}}{{{{ '}}}}' {text}"));
                let _ = references(&format!("{{# ' #}}{{{{ '{text}"));
            }
        }
        for block in
            ["{{ 1 }}{% if true %}", "{% for a in b %}", "{% set x %}", "{% macro a() %}", "{% elif x %}"]
        {
            let _ = check(&block.repeat(2_000));
            let _ = check(&format!("{{% if x %}}{}{{% endif %}}", block.repeat(2_000)));
        }
    }

    proptest! {
        #[test]
        fn any_text_renders_or_is_an_error(text: String, tokens in prop::collection::vec(
            prop::sample::select(vec!["{{", "}}", "{%", "%}", "input", "steps", ".", "for x in", "if", "endfor", "1", "|", "upper", "(", ")", "\n"]), 0..30)) {
            let _ = render(&text, &scope());
            let _ = render(&tokens.join(" "), &scope());
            let _ = references(&tokens.join(" "));
        }
    }
}
