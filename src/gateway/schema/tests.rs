use super::*;
use proptest::prelude::*;
use serde_json::json;

/// Doubles what is asked about one value at each of so many levels.
fn doubling(levels: usize, keyword: &str) -> Value {
    let mut schema = json!({ "$defs": {}, "$ref": "#/$defs/a0" });
    for level in 0..levels {
        let next = json!({ "$ref": format!("#/$defs/a{}", level + 1) });
        schema["$defs"][format!("a{level}")] = json!({ keyword: [next, next] });
    }
    schema["$defs"][format!("a{levels}")] = json!({ "type": "string" });
    schema
}

/// Asks about each field of an object what it asks about the object, twice.
fn twice_below() -> Value {
    let below = json!({ "properties": { "a": { "$ref": "#" } } });
    json!({ "allOf": [below, below] })
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(json!({}), |value, _| json!({ "a": value }))
}

fn refusal(schema: &Value) -> String {
    Schema::read(schema).err().unwrap_or_else(|| panic!("{schema} was taken"))
}

#[test]
fn a_value_fits_or_is_told_what_is_wrong_with_it_and_where() {
    let schema = Schema::read(&json!({
        "type": "object", "required": ["title"], "additionalProperties": false,
        "properties": { "title": { "type": "string" }, "count": { "type": "integer" } }
    }));
    let schema = schema.unwrap();
    assert!(schema.fits(&json!({ "title": "x" })));
    assert_eq!(schema.problems(&json!({ "title": "x", "count": "secret" })), ["/count: must be integer"]);
    assert_eq!(schema.problems(&json!({})), ["/: needs title"]);
    assert!(!schema.fits(&json!({ "title": "x", "more": 1 })));
}

#[test]
fn a_schema_that_cannot_be_read_or_lies_elsewhere_is_refused() {
    let elsewhere =
        ["http://127.0.0.1:9/schema", "file:///etc/hostname", "schema.json", "#name", "#/$defs/a%62"];
    for place in elsewhere {
        assert!(refusal(&json!({ "$ref": place })).contains("a $ref leads to a part"), "{place}");
    }
    for schema in [json!({ "type": 1 }), json!(1), json!({ "$ref": "#/none" }), json!({ "$ref": 1 })] {
        refusal(&schema);
    }
    for (schema, why) in [
        (json!({ "$dynamicRef": "#meta" }), "$dynamicRef"),
        (json!({ "properties": { "a": { "$id": "http://other.example/" } } }), "$id"),
        (json!({ "$schema": "http://json-schema.org/draft-04/schema#" }), "$schema"),
        (json!({ "items": { "format": "regex" } }), "regex"),
    ] {
        assert!(refusal(&schema).contains(why), "{schema}");
    }
    // These are names of fields.
    let named = json!({ "properties": { "$id": { "type": "string" }, "$dynamicRef": true, "id": true } });
    assert!(Schema::read(&named).unwrap().fits(&json!({ "$id": "x", "id": "y" })));
    let own = json!({ "$schema": "http://json-schema.org/draft-07/schema#", "$id": "https://a.example/s",
        "$defs": { "a": { "type": "object" } }, "$ref": "#/$defs/a" });
    assert!(Schema::read(&own).unwrap().fits(&json!({})));
}

#[test]
fn a_schema_that_asks_without_end_is_refused_before_it_asks() {
    for keyword in ["allOf", "anyOf", "oneOf"] {
        assert!(refusal(&doubling(20, keyword)).contains("questions about one value"), "{keyword}");
        assert!(Schema::read(&doubling(6, keyword)).is_ok());
    }
    assert!(refusal(&doubling(30, "allOf")).contains("over more than"));
    for circle in [
        json!({ "$ref": "#" }),
        json!({ "not": { "$ref": "#" } }),
        json!({ "$defs": { "a": { "anyOf": [{ "$ref": "#/$defs/a" }] } }, "$ref": "#/$defs/a" }),
    ] {
        assert!(refusal(&circle).contains("in a circle"), "{circle}");
    }
    let deep = (0..100).fold(json!({}), |schema, _| json!({ "not": schema }));
    assert!(refusal(&deep).contains("nested deeper"));
    let many: Vec<_> = (0..201).map(|_| json!({ "$ref": "#/$defs/a" })).collect();
    assert!(refusal(&json!({ "$defs": { "a": {} }, "prefixItems": many })).contains("more than 200 times"));
    assert!(refusal(&json!({ "description": "x".repeat(70_000) })).contains("bytes"));
}

#[test]
fn a_pattern_is_bounded_as_it_is_written_and_as_it_is_written_out() {
    for pattern in [r"((a{50}){50}){50}", r"(?=a)b", r"(a)\1", "(", r"\a", &"a".repeat(501)] {
        assert!(refusal(&json!({ "pattern": pattern })).contains("pattern"), "{pattern}");
        assert!(refusal(&json!({ "patternProperties": { pattern: true } })).contains("pattern"), "{pattern}");
    }
    let nine: Vec<_> = (0..9).map(|_| json!({ "pattern": "a" })).collect();
    assert!(refusal(&json!({ "anyOf": nine })).contains("at most 8 patterns"));
    let common = [r"^\d{4}-\d{2}-\d{2}$", r"^[\w.+-]+@[\w-]+\.\w{2,}$", r"^\S+ \S+$", r"^(\p{L}|\s)+$"];
    for (pattern, text) in common.into_iter().zip(["2026-01-31", "a.b@c.example", "a b", "é a"]) {
        assert!(Schema::read(&json!({ "pattern": pattern })).unwrap().fits(&json!(text)), "{pattern}");
    }
}

#[test]
fn a_value_that_would_take_too_much_work_is_refused_without_doing_it() {
    let schema = Schema::read(&twice_below()).unwrap();
    assert!(schema.fits(&nested(10)));
    assert!(!schema.fits(&nested(30)), "2^30 questions");
    assert_eq!(schema.problems(&nested(30)), ["/: takes too long to be held against the schema"]);

    let below = |schema: Value, value: Value, fits: bool| {
        assert_eq!(Schema::read(&schema).unwrap().fits(&value), fits, "{schema:.200}");
    };
    let numbers = |count: usize| Value::from((0..count).collect::<Vec<_>>());
    // The greatest answer that is one list.
    below(json!({ "type": "array", "items": { "type": "integer" } }), numbers(50_000), true);
    let many = vec![json!({ "type": "integer" }); 10];
    below(json!({ "items": { "allOf": many } }), numbers(50_000), false);
    below(json!({ "items": { "enum": (0..1_000).collect::<Vec<_>>() } }), numbers(1_000), false);
    below(json!({ "pattern": "^a*$" }), json!("a".repeat(100_000)), true);
    below(
        json!({ "allOf": [{ "pattern": "^a*$" }, { "pattern": "a$" }, { "pattern": "^a" }] }),
        json!("a".repeat(100_000)),
        false,
    );
    below(json!({ "pattern": "^(a{50}){10}" }), json!("a".repeat(100_000)), false);
    let large = json!((0..15_000).collect::<Vec<_>>());
    below(json!({ "uniqueItems": true }), json!([large, 1]), true);
    below(json!({ "uniqueItems": true }), Value::from(vec![large; 20]), false);
}

/// A thread of the least stack that one of ours has: 2 MiB.
#[test]
fn the_deepest_schema_and_value_that_are_taken_need_no_more_stack_than_there_is() {
    let mut schema = json!({ "$defs": {}, "$ref": "#/$defs/a0" });
    for level in 0..40 {
        schema["$defs"][format!("a{level}")] = json!({ "$ref": format!("#/$defs/a{}", level + 1) });
    }
    schema["$defs"]["a40"] =
        json!({ "properties": { "a": { "$ref": "#" } }, "propertyNames": { "type": "string" } });
    let schema = Schema::read(&schema).unwrap();
    let deepest = (0..).take_while(|levels| schema.fits(&nested(*levels))).last().unwrap();
    assert!((1..5).contains(&deepest), "{deepest}");
    let tree = Schema::read(&json!({ "additionalProperties": { "$ref": "#" } })).unwrap();
    let deepest = (0..).take_while(|levels| tree.fits(&nested(*levels))).last().unwrap();
    assert!((40..55).contains(&deepest), "{deepest}");
    // And of the rules of JSON Schema itself, which the schema is held against.
    let deep = (0..15).fold(json!({}), |schema, _| json!({ "properties": { "a": schema } }));
    assert!(Schema::read(&deep).unwrap().fits(&nested(40)));
    let nots = (0..31).fold(json!({}), |schema, _| json!({ "not": schema }));
    assert!(Schema::read(&nots).is_ok());
}

/// Formats are for the reader: none is held against a value, whatever the draft.
#[test]
fn a_format_is_not_held_against_a_value() {
    for draft in ["http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema"] {
        for format in FORMATS {
            let schema = Schema::read(&json!({ "$schema": draft, "format": format })).unwrap();
            assert!(schema.fits(&json!("(no such thing")), "{draft} {format}");
        }
    }
}

/// Small schemas of all that leads from one to another.
fn schemas() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({ "type": "string" })),
        Just(json!({ "$ref": "#/$defs/a" })),
        Just(json!({ "$ref": "#" })),
        Just(json!({ "pattern": "a+" })),
        Just(json!(true)),
    ];
    leaf.prop_recursive(4, 20, 3, |inner| {
        let list = prop::collection::vec(inner.clone(), 1..3);
        prop_oneof![
            (prop::sample::select(&["allOf", "anyOf", "oneOf", "prefixItems"][..]), list)
                .prop_map(|(keyword, list)| json!({ keyword: list })),
            (
                prop::sample::select(
                    &[
                        "not",
                        "items",
                        "contains",
                        "additionalProperties",
                        "propertyNames",
                        "unevaluatedProperties"
                    ][..]
                ),
                inner.clone()
            )
                .prop_map(|(keyword, schema)| json!({ keyword: schema })),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| json!({ "properties": { "a": a, "b": b } })),
            (inner.clone(), inner).prop_map(
                |(a, b)| json!({ "patternProperties": { "a": a }, "dependentSchemas": { "b": b } })
            ),
        ]
    })
}

proptest! {
    /// Where a schema is taken, each value is answered; and the count of a part alone is below that of the whole.
    #[test]
    fn whatever_is_taken_comes_to_an_answer(schema in schemas(), a in schemas(), levels in 0_usize..30) {
        let mut whole = json!({ "allOf": [schema], "$defs": { "a": a } });
        whole["uniqueItems"] = json!(true);
        if let Ok(ready) = Schema::read(&whole) {
            let value = (0..levels).fold(json!(["a", 1]), |value, level| if level % 2 == 0 { json!({ "a": value }) } else { json!([value, "b"]) });
            let counted = work::of(&ready.parts, &value);
            let problems = ready.problems(&value);
            prop_assert_eq!(ready.fits(&value), problems.is_empty());
            if counted.is_err() {
                prop_assert_eq!(problems.len(), 1);
            }
        }
    }
}
