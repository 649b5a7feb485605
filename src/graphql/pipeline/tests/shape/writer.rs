//! Documents of random bytes.
/// A document, written by what the test's generator chose.
pub(super) struct Writer<'a>(pub std::slice::Iter<'a, u8>);

impl Writer<'_> {
    fn pick(&mut self, below: usize) -> usize {
        usize::from(*self.0.next().unwrap_or(&0)) % below
    }

    fn among<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.pick(items.len())]
    }

    pub(super) fn document(mut self) -> String {
        let query = self.set("Thing", 3);
        let mut document = query;
        for ty in ["Thing", "Any", "Other", "Counted", "Either"] {
            let name = format!("Of{ty}");
            if document.contains(&format!("...{name} ")) {
                let set = self.set_without_spreads(ty);
                document = format!("{document} fragment {name} on {ty} {set}");
            }
        }
        let declared: Vec<_> = [("$yes", "$yes: Boolean!"), ("$no", "$no: Boolean = false")]
            .into_iter()
            .filter_map(|(name, declaration)| document.contains(name).then_some(declaration))
            .collect();
        if declared.is_empty() { document } else { format!("query({}) {document}", declared.join(" ")) }
    }

    fn set_without_spreads(&mut self, ty: &str) -> String {
        format!("{{ {} {} }}", self.leaf(ty), self.leaf(ty))
    }

    fn set(&mut self, ty: &str, depth: usize) -> String {
        let selections: Vec<_> = (0..=self.pick(4)).map(|_| self.selection(ty, depth)).collect();
        format!("{{ {} }}", selections.join(" "))
    }

    fn selection(&mut self, ty: &str, depth: usize) -> String {
        if depth == 0 || self.pick(3) == 0 {
            return self.leaf(ty);
        }
        let condition = self.condition();
        if self.pick(3) > 0 && !matches!(ty, "Counted" | "Either") {
            let (field, below) = match ty {
                "Thing" => self.among(&[
                    ("thing", "Thing"),
                    ("hardThing", "Thing"),
                    ("things", "Thing"),
                    ("maybeThings", "Thing"),
                    ("any", "Any"),
                    ("anys", "Any"),
                    ("counted", "Counted"),
                    ("either", "Either"),
                    ("eithers", "Either"),
                ]),
                _ => ("thing", "Thing"),
            };
            return format!("{}{condition} {}", self.field(field), self.set(below, depth - 1));
        }
        let on = match ty {
            "Any" | "Counted" | "Either" => self.among(&["Any", "Thing", "Other", "Counted", "Either"]),
            _ => self.among(&[ty, "Any", "Counted", "Either"]),
        };
        match self.pick(3) {
            0 => format!("...Of{on} {condition}"),
            1 => format!("...{condition} {}", self.set(ty, depth - 1)),
            _ => format!("... on {on}{condition} {}", self.set(on, depth - 1)),
        }
    }

    fn leaf(&mut self, ty: &str) -> String {
        let field = match ty {
            "Thing" => self.among(&["n", "none", "fails", "failsHard", "odd", "oddHard", "__typename"]),
            "Other" => self.among(&["n", "fails", "__typename"]),
            "Either" => "__typename",
            _ => self.among(&["n", "__typename"]),
        };
        format!("{}{}", self.field(field), self.condition())
    }

    /// The same key is always the same field with the same arguments: such fields merge.
    fn field(&mut self, field: &str) -> String {
        match self.pick(4) {
            late @ 1..=3 if field != "__typename" => format!("{field}{late}: {field}(late: {late})"),
            _ => field.to_owned(),
        }
    }

    fn condition(&mut self) -> &'static str {
        self.among(&[
            "",
            "",
            "",
            "",
            "",
            " @include(if: $yes)",
            " @skip(if: $yes)",
            " @include(if: $no)",
            " @include(if: false)",
            " @skip(if: $no) @include(if: true)",
        ])
    }
}
