//! What the documentation says of the schema is what the schema says.
use apollo_compiler::{Schema, schema::ExtendedType};

const SCHEMA: &str = include_str!("../../schema.graphql");
const ERRORS: &str = include_str!("../../docs/errors.md");

/// The values of an enum with their descriptions, as the cells of a table.
fn cells(name: &str) -> Vec<(String, String)> {
    let schema = Schema::parse(SCHEMA, "schema.graphql").unwrap();
    let ExtendedType::Enum(found) = &schema.types[name] else { panic!("{name} is no enum") };
    let cell = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    found.values.values().map(|v| (v.value.to_string(), cell(v.description.as_deref().unwrap()))).collect()
}

/// The rows of the table that stands below a heading, as their first two cells.
fn rows(heading: &str) -> Vec<(String, String)> {
    let (_, section) = ERRORS.split_once(heading).unwrap();
    let table = section.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let row = |line: &str| {
        let mut cells =
            line.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`').to_owned());
        (cells.next().unwrap(), cells.next().unwrap())
    };
    table.take_while(|line| line.starts_with('|')).map(row).collect()
}

#[test]
fn the_table_of_errors_has_every_code_with_its_meaning() {
    assert_eq!(rows("## Codes of `errors`"), cells("ErrorCode"));
    assert_eq!(rows("## Codes of `userErrors`"), cells("UserErrorCode"));
}
