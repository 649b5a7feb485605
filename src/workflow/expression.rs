//! CEL expressions (`when`, `transform`) over `input` and `steps.<key>.output`.
//!
//! The interpreter has no limits of its own, and a few chained `map` with `+` multiply a value each: so before it
//! runs, [`guard`] tells what the expression can at most do with values of the sizes at hand.
mod guard;

use super::{
    graph::MAX_EXPRESSION,
    scope::{Reference, Scope},
};
use cel::{
    Context, Env, ExecutionError, Program, Value as Cel,
    common::ast::{Expr, IdedExpr, LiteralValue, operators},
    objects::{Key, Map},
};
use guard::{Bound, MAX_WORK, Sizes, children};
use serde_json::Value;
use std::{
    collections::{BTreeSet, HashMap},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, LazyLock},
};

/// Bytes: the generated parser was seen to take 170 KB a bracket.
const STACK: usize = 16 << 20;
/// What fits on any stack: brackets, and bytes of the expression.
const SMALL: (usize, usize) = (2, 200);

static ENVIRONMENT: LazyLock<Arc<Env>> =
    LazyLock::new(|| Arc::new(Env::stdlib().with_optional_support(false)));

/// A compiled expression.
#[derive(Debug)]
pub struct Expression {
    program: Program,
    small: bool,
}

impl Expression {
    /// The message says what is wrong and where.
    pub fn compile(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("write an expression".into());
        }
        if text.len() > MAX_EXPRESSION {
            return Err(format!("{} bytes: at most {MAX_EXPRESSION} are possible", text.len()));
        }
        let small = guard::depth(text)? <= SMALL.0 && text.len() <= SMALL.1;
        // The generated parser may panic on malformed texts.
        let parsed = apart(small, || ENVIRONMENT.compile(text)).ok_or("not a CEL expression")?;
        let program = parsed.map_err(|errors| {
            let first = errors.errors.first().map(|error| error.to_string()).unwrap_or_default();
            format!("not a CEL expression: {}", first.lines().next().unwrap_or_default())
        })?;
        guard::check(program.expression(), 0)?;
        Ok(Self { program, small })
    }

    pub fn references(&self) -> BTreeSet<Reference> {
        let mut found = BTreeSet::new();
        collect(self.program.expression(), &mut vec![], &mut found);
        found
    }

    /// The message says what is wrong with the expression or its values.
    pub fn evaluate(&self, scope: &Scope) -> Result<Value, String> {
        let Bound { work, size } = guard::bound(self.program.expression(), &mut Sizes::new(scope));
        if work > MAX_WORK || size > MAX_WORK {
            return Err(
                "with these values the expression could take too long: compare or map less at once".into()
            );
        }
        let mut context = Context::with_env(ENVIRONMENT.clone());
        context.add_variable_from_value("input", to_cel(&scope.input));
        context.add_variable_from_value("steps", to_cel(&scope.steps));
        // Arithmetic on times beyond the calendar panics.
        let value = apart(self.small, || self.program.execute(&context))
            .ok_or("a value lies outside of what can be computed")?
            .map_err(|error| describe(&error))?;
        if !is_finite(&value) {
            return Err(
                "a number is infinite or none, as after a division by 0.0: JSON cannot hold it".into()
            );
        }
        value.json().map_err(|_| "the value is nothing that JSON can hold".to_owned())
    }

    /// A condition: anything but `true` and `false` is an error.
    pub fn test(&self, scope: &Scope) -> Result<bool, String> {
        match self.evaluate(scope)? {
            Value::Bool(holds) => Ok(holds),
            _ => Err("a condition gives true or false, and nothing else".into()),
        }
    }
}

/// JSON would make nulls of the other numbers.
fn is_finite(value: &Cel) -> bool {
    match value {
        Cel::Float(number) => number.is_finite(),
        Cel::List(items) => items.iter().all(is_finite),
        Cel::Map(map) => map.map.values().all(is_finite),
        _ => true,
    }
}

/// On a stack that is large enough; `None` where it panicked.
fn apart<T: Send>(small: bool, work: impl FnOnce() -> T + Send) -> Option<T> {
    if small {
        return catch_unwind(AssertUnwindSafe(work)).ok();
    }
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        thread.ok().and_then(|thread| thread.join().ok())
    })
}

/// Without the values: an error outlives them.
fn describe(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => format!("there is no {key:?}"),
        ExecutionError::UndeclaredReference(name) => format!("there is no {name:?}"),
        ExecutionError::NoSuchOverload(_) => shorten(error.to_string()),
        ExecutionError::IndexOutOfBounds(_) => "there is no element at this index".into(),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => "division by zero".into(),
        ExecutionError::Overflow(..) => "a number is too large".into(),
        ExecutionError::FunctionError { function, .. } => format!("{function} cannot take this value"),
        _ => "cannot be computed with these values".into(),
    }
}

fn shorten(text: String) -> String {
    match text.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn collect<'e>(expression: &'e IdedExpr, bound: &mut Vec<&'e str>, found: &mut BTreeSet<Reference>) {
    let free = |operand: &IdedExpr, root: &str, bound: &[&str]| matches!(&operand.expr, Expr::Ident(name) if name == root && !bound.contains(&root));
    match &expression.expr {
        Expr::Select(select) if free(&select.operand, "steps", bound) => {
            found.insert(Reference::Step(select.field.clone()));
        }
        Expr::Select(select) if free(&select.operand, "input", bound) => {
            // `has(input.x)` asks whether there is one.
            if !select.test {
                found.insert(Reference::Input(select.field.clone()));
            }
        }
        Expr::Call(call) if call.func_name == operators::INDEX && call.args.len() == 2 => {
            match (&call.args[0], &call.args[1].expr) {
                (operand, Expr::Literal(LiteralValue::String(key))) if free(operand, "steps", bound) => {
                    found.insert(Reference::Step(key.inner().to_owned()));
                }
                _ => call.args.iter().for_each(|arg| collect(arg, bound, found)),
            }
        }
        Expr::Ident(name) if !bound.contains(&name.as_str()) && name != "input" && name != "steps" => {
            found.insert(Reference::Unknown(name.clone()));
        }
        Expr::Comprehension(c) => {
            collect(&c.iter_range, bound, found);
            collect(&c.accu_init, bound, found);
            let outer = bound.len();
            bound.extend([c.iter_var.as_str(), c.accu_var.as_str()]);
            bound.extend(c.iter_var2.as_deref());
            [&c.loop_cond, &c.loop_step, &c.result].into_iter().for_each(|part| collect(part, bound, found));
            bound.truncate(outer);
        }
        _ => children(expression).into_iter().for_each(|child| collect(child, bound, found)),
    }
}

/// Whole numbers are `int`, also where JSON cannot tell: so `input.n + 1` works.
fn to_cel(value: &Value) -> Cel {
    match value {
        Value::Null => Cel::Null,
        Value::Bool(value) => Cel::Bool(*value),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(int), _) => Cel::Int(int),
            (None, Some(uint)) => Cel::UInt(uint),
            (None, None) => Cel::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => Cel::String(Arc::new(text.clone())),
        Value::Array(items) => Cel::List(Arc::new(items.iter().map(to_cel).collect())),
        Value::Object(fields) => {
            let fields: HashMap<Key, Cel> = fields
                .iter()
                .map(|(key, value)| (Key::String(Arc::new(key.clone())), to_cel(value)))
                .collect();
            Cel::Map(Map { map: Arc::new(fields) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{guard::MAX_DEPTH, *};
    use proptest::prelude::*;
    use serde_json::json;

    fn run(text: &str) -> Result<Value, String> {
        let scope = Scope::new(
            &json!({"topic": "week", "n": 3, "list": [1, 2, 3], "big": "x".repeat(1_000)}),
            [("ok", json!({"approved": true})), ("skipped", Value::Null)],
        );
        Expression::compile(text)?.evaluate(&scope)
    }

    #[test]
    fn inputs_and_outputs_are_at_hand() {
        assert_eq!(run("steps.ok.output.approved == true"), Ok(json!(true)));
        assert_eq!(run("steps.skipped.output == null"), Ok(json!(true)));
        assert_eq!(run("input.n + 1"), Ok(json!(4)));
        assert_eq!(run("input.list.filter(x, x > 1).map(x, x * 2)"), Ok(json!([4, 6])));
        assert_eq!(
            run("{'topic': input.topic, 'long': size(input.big) > 10}"),
            Ok(json!({"topic": "week", "long": true}))
        );
        assert_eq!(run("has(input.none) ? input.none : 'nothing'"), Ok(json!("nothing")));
    }

    #[test]
    fn a_bad_expression_says_what_is_wrong() {
        for text in ["", "steps.ok.", "1 +", "(((", "a b", "'open", "x{y: 1}", "\u{0}", "input.?x", "}"] {
            assert!(Expression::compile(text).is_err(), "{text}");
        }
        assert!(run("'a'.matches('(a*)*b')").unwrap_err().contains("matches"));
        assert!(run("input.none").unwrap_err().contains("none"));
        assert!(run("steps.skipped.output.approved").is_err());
    }

    #[test]
    fn nesting_is_refused_before_the_parser_recurses() {
        let opens = [
            "(",
            "[",
            "{1:",
            "!",
            "-",
            "- ",
            "!-",
            "1?",
            "size(",
            "[1].map(x,",
            "x.all(y,",
            "[1,",
            "1+",
            "1&&",
            "x.",
            "x[0]",
            "1==",
            "1*",
            "1,",
            "1 in ",
            "'a'+",
            "x?1:",
            "x.size()",
            "')'(",
            "input.list+",
        ];
        for open in opens {
            for count in [2, 5, 20, MAX_DEPTH, 100, MAX_EXPRESSION / open.len() - 5] {
                let open = open.repeat(count);
                let closed = open.chars().rev().filter_map(|c| match c {
                    '(' => Some(')'),
                    '[' => Some(']'),
                    '{' => Some('}'),
                    _ => None,
                });
                for text in
                    [open.clone(), format!("{open}1"), format!("{open}1{}", closed.collect::<String>())]
                {
                    let _ = run(&text);
                }
            }
        }
    }

    #[test]
    fn work_is_bounded_before_it_is_done() {
        let doubling = format!("[input.big]{}", ".map(x, x + x)".repeat(100));
        assert!(run(&doubling).is_err());
        let tenfold = format!("[input.big]{}", ".map(x, x + x + x + x + x + x + x + x + x + x)".repeat(6));
        assert!(run(&tenfold).unwrap_err().contains("too long"));
        let nested = "input.list.map(a, input.list.map(b, input.list.map(c, a + b + c)))";
        assert!(run(nested).is_ok());
        let scope = Scope::new(&json!({"list": vec![1; 5_000]}), []);
        let nested =
            Expression::compile("input.list.all(a, input.list.all(b, input.list.all(c, a == b)))").unwrap();
        assert!(nested.evaluate(&scope).unwrap_err().contains("too long"));
        let flat = Expression::compile("input.list.filter(a, a > 0).map(a, a + 1)").unwrap();
        assert!(flat.evaluate(&scope).is_ok());
    }

    #[test]
    fn times_beyond_the_calendar_are_errors() {
        let _ = run("timestamp('9999-12-31T23:59:59Z') + duration('9223372036s') + duration('9223372036s')");
        assert!(run("9223372036854775807 + 1").is_err());
        assert!(run("1 / 0").is_err());
        for endless in ["1.0 / 0.0", "-1.0 / 0.0", "0.0 / 0.0", "[1, {'a': 1.0 / 0.0}]"] {
            assert!(run(endless).unwrap_err().contains("infinite"), "{endless}");
        }
        assert_eq!(run("1.0 / 4.0"), Ok(json!(0.25)));
    }

    #[test]
    fn references_are_found_and_bound_variables_are_not() {
        let expression =
            Expression::compile("steps.a.output.map(x, x + y + steps['b'].output) == input.z").unwrap();
        let expected = [
            Reference::Step("a".into()),
            Reference::Step("b".into()),
            Reference::Input("z".into()),
            Reference::Unknown("y".into()),
        ];
        assert_eq!(expression.references(), BTreeSet::from(expected));
    }

    proptest! {
        #[test]
        fn any_text_compiles_or_is_an_error(text: String, tokens in prop::collection::vec(
            prop::sample::select(vec!["a", "1", "+", ".", "(", ")", "[", "]", "{", "}", "?", ":", "'", "map", ",", "!", "in", "-"]), 0..30)) {
            let _ = Expression::compile(&text);
            let _ = Expression::compile(&tokens.concat());
        }
    }
}
