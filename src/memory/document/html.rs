//! The words of an HTML page, by its tokens: no tree is built, so nesting costs nothing. Scripts, styles and what else is
//! not read stays out; nothing is executed or fetched.
use super::{Heading, Readable};
use html5gum::{DefaultEmitter, Token, Tokenizer};

/// What is not part of what a page says.
const SILENT: &[&str] = &[
    "applet", "audio", "canvas", "embed", "iframe", "math", "noembed", "noframes", "noscript", "object",
    "script", "select", "style", "svg", "template", "textarea", "title", "video",
];
/// Elements that stand apart from what is before and behind them.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "caption",
    "dd",
    "details",
    "dialog",
    "div",
    "dl",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "header",
    "hr",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "ul",
];
/// Elements that are on lines of their own.
const LINES: &[&str] = &["br", "dt", "legend", "li", "option", "tr"];

pub fn readable(html: &str) -> Readable {
    let mut emitter = DefaultEmitter::default();
    // Without it, what is in a script or a style could be taken for tags.
    emitter.naively_switch_states(true);
    let mut page = Page::default();
    for Ok(token) in Tokenizer::new_with_emitter(html, emitter) {
        match token {
            Token::StartTag(tag) => page.start(&String::from_utf8_lossy(&tag.name), tag.self_closing),
            Token::EndTag(tag) => page.end(&String::from_utf8_lossy(&tag.name)),
            Token::String(words) => page.say(&String::from_utf8_lossy(&words.value)),
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    page.end_heading();
    Readable { text: page.text, headings: page.headings }
}

/// What is between two words.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    #[default]
    None,
    Blank,
    Line,
    Block,
}

#[derive(Default)]
struct Page {
    text: String,
    headings: Vec<Heading>,
    gap: Gap,
    /// The silent element that it is in, and how often within itself.
    silent: Option<(String, usize)>,
    /// Preformatted elements that it is in: there lines stay lines.
    preformatted: usize,
    in_heading: bool,
    /// Whether the heading that it is in has begun.
    begun: Option<usize>,
}

impl Page {
    fn start(&mut self, name: &str, self_closing: bool) {
        if let Some((silent, depth)) = &mut self.silent {
            *depth += usize::from(silent.as_str() == name && !self_closing);
        } else if SILENT.contains(&name) {
            self.part(Gap::Blank);
            // In HTML a slash at the end of a tag means nothing, but for what comes from SVG and MathML; `embed` has no end.
            let foreign = matches!(name, "svg" | "math");
            if name != "embed" && !(foreign && self_closing) {
                self.silent = Some((name.to_owned(), 1));
            }
        } else if is_heading(name) {
            self.end_heading();
            self.part(Gap::Block);
            self.in_heading = true;
        } else {
            self.preformatted += usize::from(name == "pre");
            self.part(gap_of(name));
        }
    }

    fn end(&mut self, name: &str) {
        if let Some((silent, depth)) = &mut self.silent {
            *depth -= usize::from(silent.as_str() == name);
            if *depth == 0 {
                self.silent = None;
            }
        } else if is_heading(name) {
            self.end_heading();
            self.part(Gap::Block);
        } else {
            if name == "pre" {
                self.preformatted = self.preformatted.saturating_sub(1);
            }
            self.part(gap_of(name));
        }
    }

    fn say(&mut self, words: &str) {
        if self.silent.is_some() {
            return;
        }
        for char in words.chars() {
            if char == '\n' && self.preformatted > 0 {
                // Empty lines part blocks.
                self.part(if self.gap == Gap::Line { Gap::Block } else { Gap::Line });
            } else if char.is_whitespace() {
                self.part(Gap::Blank);
            } else if !char.is_control() {
                self.put(char);
            }
        }
    }

    fn part(&mut self, gap: Gap) {
        self.gap = self.gap.max(gap);
    }

    fn put(&mut self, char: char) {
        let gap = std::mem::take(&mut self.gap);
        if !self.text.is_empty() {
            self.text.push_str(match gap {
                Gap::None => "",
                Gap::Blank => " ",
                Gap::Line => "\n",
                Gap::Block => "\n\n",
            });
        }
        if self.in_heading && self.begun.is_none() {
            self.begun = Some(self.text.len());
        }
        self.text.push(char);
    }

    fn end_heading(&mut self) {
        self.in_heading = false;
        if let Some(at) = self.begun.take() {
            self.headings.push(Heading { at, title: at..self.text.len() });
        }
    }
}

fn is_heading(name: &str) -> bool {
    matches!(name, "h1" | "h2" | "h3" | "h4" | "h5" | "h6")
}

fn gap_of(name: &str) -> Gap {
    if BLOCKS.contains(&name) {
        Gap::Block
    } else if LINES.contains(&name) {
        Gap::Line
    } else if matches!(name, "td" | "th") {
        Gap::Blank
    } else {
        Gap::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_its_words_in_their_blocks() {
        let html = "<!DOCTYPE html><html><head><title>No</title><meta charset=utf-8><style>p { color: red }</style>
            </head><body><h1>The <em>first</em>&nbsp;&amp; last</h1><p>One<br>two   three</p><ul><li>a<li>b</ul>
            <table><tr><td>x</td><td>y</td></tr></table><pre>  l1\n l2</pre><img alt=no src=x></body></html>";
        let page = readable(html);
        assert_eq!(page.text, "The first & last\n\nOne\ntwo three\n\na\nb\n\nx y\n\nl1\nl2");
        assert_eq!(page.headings, [Heading { at: 0, title: 0..16 }]);
    }

    #[test]
    fn scripts_and_what_looks_like_one_say_nothing() {
        for html in [
            "<script>alert('<p>x</p>')</script>",
            "<SCRIPT>if (a</b>/.test(c)) document.write('<h1>x</h1>')</SCRIPT >",
            "<style><!-- </p> --></style><!-- x -- > --><svg><script>x</script><text>x</text></svg>",
            "<p onclick=\"x()\" title='x'></p><template><p>x</p><template>x</template>x</template>",
            "<iframe src='javascript:x'>x</iframe><noscript>x</noscript><textarea><p>x</textarea><script>x",
        ] {
            assert_eq!(readable(html).text, "", "{html}");
        }
        assert_eq!(
            readable("&lt;script&gt;1&lt;/script&gt;<svg/>2<b/>3</i>4").text,
            "<script>1</script> 234"
        );
    }

    #[test]
    fn a_hundred_thousand_elements_in_each_other_are_read() {
        let page =
            readable(&format!("{}deep{}", "<div><svg>".repeat(100_000), "</svg></div>".repeat(100_000)));
        assert_eq!(page.text, "");
        assert_eq!(readable(&format!("{}deep", "<div><b>".repeat(100_000))).text, "deep");
    }

    proptest::proptest! {
        #[test]
        fn any_page_is_text_without_control_characters(html in "(<(/?(p|h[1-3]|script|pre|svg|li|td)|!--|[a-z\"'=/]{0,4})>?|&[a-z#0-9]{0,6};|.|\n){0,200}") {
            let page = readable(&html);
            proptest::prop_assert!(page.text.chars().all(|char| char == '\n' || !char.is_control()));
            proptest::prop_assert!(page.headings.windows(2).all(|two| two[0].title.end <= two[1].at));
            proptest::prop_assert!(page.headings.iter().all(|it| page.text.get(it.title.clone()).is_some()));
        }
    }
}
