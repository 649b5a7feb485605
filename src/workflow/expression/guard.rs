//! What keeps an expression from taking the server with it: what may be written, checked before and after the parser
//! sees it, and [`bound`], which tells what it can at most do with values of the sizes at hand.
use super::super::scope::{Scope, size_of};
use cel::common::ast::{ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators};
use serde_json::Value;

/// Values touched, bytes made or compared, at most, in one evaluation.
pub(super) const MAX_WORK: f64 = 2_000_000.0;
/// Of `map`, `filter`, `all`, `exists` inside one another.
const MAX_NESTING: usize = 3;
/// Of brackets inside one another, counted before the parser recurses into them.
pub(super) const MAX_DEPTH: usize = 24;
/// Of signs in a row, and of parts that `?:` chains: the parser recurses into them too.
const MAX_CHAIN: usize = 32;
/// Of signs that make one expression of two: left-hand chains are recursed into as well.
const MAX_OPERATORS: usize = 200;
/// Not here: `matches`, whose work a short pattern can make as long as it likes.
const FUNCTIONS: &[&str] = &[
    operators::CONDITIONAL,
    operators::LOGICAL_AND,
    operators::LOGICAL_OR,
    operators::LOGICAL_NOT,
    operators::SUBSTRACT,
    operators::ADD,
    operators::MULTIPLY,
    operators::DIVIDE,
    operators::MODULO,
    operators::EQUALS,
    operators::NOT_EQUALS,
    operators::GREATER_EQUALS,
    operators::LESS_EQUALS,
    operators::GREATER,
    operators::LESS,
    operators::NEGATE,
    operators::INDEX,
    operators::NOT_STRICTLY_FALSE,
    operators::IN,
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "int",
    "uint",
    "double",
    "string",
    "bool",
    "timestamp",
    "duration",
    "getFullYear",
    "getMonth",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getHours",
    "getMinutes",
    "getSeconds",
    "getMilliseconds",
];

/// How deep the brackets go; texts count as if they were code.
pub(super) fn depth(text: &str) -> Result<usize, String> {
    let (mut depth, mut deepest, mut chain, mut ternaries, mut operators) =
        (0_usize, 0, 0_usize, 0_usize, 0_usize);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        match byte {
            b'!' | b'-' => chain += 1,
            b if b.is_ascii_whitespace() => {}
            _ => chain = 0,
        }
        ternaries += usize::from(byte == b'?');
        operators += usize::from(b"+-*/%.<>=&|![(".contains(&byte));
        deepest = deepest.max(depth);
        if depth > MAX_DEPTH || chain > MAX_CHAIN || ternaries > MAX_CHAIN || operators > MAX_OPERATORS {
            return Err("nested too deeply, or more than can be computed at once".into());
        }
    }
    Ok(deepest)
}

/// Refuses what is not offered, and nesting whose bound would take long to find.
pub(super) fn check(expression: &IdedExpr, nesting: usize) -> Result<(), String> {
    match &expression.expr {
        Expr::Struct(_) | Expr::Unspecified => {
            return Err("messages are not available: use {\"key\": value}".into());
        }
        Expr::Call(call) if !FUNCTIONS.contains(&call.func_name.as_str()) => {
            return Err(format!("there is no function {}", super::shorten(call.func_name.clone())));
        }
        Expr::Comprehension(_) if nesting >= MAX_NESTING => {
            return Err(format!("more than {MAX_NESTING} of map, filter, all, exists inside one another"));
        }
        _ => {}
    }
    if let Expr::Comprehension(comprehension) = &expression.expr {
        // One after the other is not one inside the other.
        check(&comprehension.iter_range, nesting)?;
        return check(&comprehension.loop_step, nesting + 1);
    }
    children(expression).into_iter().try_for_each(|child| check(child, nesting))
}

pub(super) fn children(expression: &IdedExpr) -> Vec<&IdedExpr> {
    match &expression.expr {
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).collect(),
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Map(map) => map.entries.iter().flat_map(|entry| pair(&entry.expr)).collect(),
        Expr::Select(select) => vec![&select.operand],
        Expr::Comprehension(c) => {
            vec![&c.iter_range, &c.accu_init, &c.loop_cond, &c.loop_step, &c.result]
        }
        Expr::Struct(_) | Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => vec![],
    }
}

fn pair(entry: &EntryExpr) -> Vec<&IdedExpr> {
    match entry {
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
        EntryExpr::StructField(field) => vec![&field.value],
    }
}

/// At most: how large the value is, and what it takes to make it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bound {
    pub(super) size: f64,
    pub(super) work: f64,
}

pub(super) struct Sizes<'e> {
    scope: &'e Scope,
    /// Of the variables that `map` and its like bring, the innermost last.
    variables: Vec<(&'e str, f64)>,
}

impl<'e> Sizes<'e> {
    pub(super) fn new(scope: &'e Scope) -> Self {
        Self { scope, variables: vec![] }
    }

    fn of(&self, name: &str) -> f64 {
        self.variables.iter().rev().find(|(known, _)| *known == name).map_or(1.0, |(_, size)| *size)
    }

    /// What `input.a.b` or `steps.a.output` names.
    fn known(&self, expression: &IdedExpr) -> Option<&'e Value> {
        match &expression.expr {
            Expr::Ident(name) if self.variables.iter().any(|(known, _)| known == name) => None,
            Expr::Ident(name) if name == "input" => Some(&self.scope.input),
            Expr::Ident(name) if name == "steps" => Some(&self.scope.steps),
            Expr::Select(select) if !select.test => self.known(&select.operand)?.get(&select.field),
            _ => None,
        }
    }
}

pub(super) fn bound<'e>(expression: &'e IdedExpr, sizes: &mut Sizes<'e>) -> Bound {
    if let Some(value) = sizes.known(expression) {
        return Bound { size: size_of(value) as f64, work: 3.0 };
    }
    match &expression.expr {
        Expr::Literal(LiteralValue::String(text)) => {
            let size = 1.0 + text.inner().len() as f64;
            Bound { size, work: size }
        }
        Expr::Ident(name) => Bound { size: sizes.of(name), work: 1.0 },
        // A part is no larger than the whole, and is found without a copy.
        Expr::Select(select) => {
            let whole = bound(&select.operand, sizes);
            Bound { size: whole.size, work: whole.work + 1.0 }
        }
        Expr::Comprehension(comprehension) => comprehension_bound(comprehension, sizes),
        _ => {
            let parts = children(expression).into_iter().map(|child| bound(child, sizes));
            let sum = parts.fold(Bound::default(), |sum, part| Bound {
                size: sum.size + part.size,
                work: sum.work + part.work,
            });
            let free =
                matches!(&expression.expr, Expr::Call(call) if FREE.contains(&call.func_name.as_str()));
            let work = sum.work + if free { 1.0 } else { 1.0 + sum.size };
            match &expression.expr {
                Expr::Call(call) if SCALAR.contains(&call.func_name.as_str()) => Bound { size: 1.0, work },
                // A number or a time of a few bytes is longer as text.
                Expr::Call(call) if call.func_name == "string" => Bound { size: sum.size + 64.0, work },
                _ => Bound { size: sum.size + 1.0, work },
            }
        }
    }
}

/// Whose work does not grow with their operands.
const FREE: &[&str] =
    &[operators::CONDITIONAL, operators::LOGICAL_AND, operators::LOGICAL_OR, operators::INDEX, "size"];
/// Whose value is a number, a truth value or a time.
const SCALAR: &[&str] = &[
    operators::LOGICAL_AND,
    operators::LOGICAL_OR,
    operators::LOGICAL_NOT,
    operators::EQUALS,
    operators::NOT_EQUALS,
    operators::GREATER_EQUALS,
    operators::LESS_EQUALS,
    operators::GREATER,
    operators::LESS,
    operators::NOT_STRICTLY_FALSE,
    operators::IN,
    "size",
    "contains",
    "startsWith",
    "endsWith",
];

/// Elements of sizes that add up to `s`, each at least 1, cost a step `f` at most `f(s) + s·f(1)` together: bounds
/// are made of sums and products of sizes, so they are convex and the worst case is one large element.
fn comprehension_bound<'e>(c: &'e ComprehensionExpr, sizes: &mut Sizes<'e>) -> Bound {
    let range = bound(&c.iter_range, sizes);
    let start = bound(&c.accu_init, sizes);
    let outer = sizes.variables.len();
    let mut step = |element: f64| {
        sizes.variables.truncate(outer);
        // What has been gathered is only ever added to: it counts once, below.
        sizes.variables.extend([(c.iter_var.as_str(), element), (c.accu_var.as_str(), 0.0)]);
        bound(&c.loop_step, sizes)
    };
    let (large, small) = (step(range.size), step(1.0));
    let gathered = start.size + large.size + range.size * small.size;
    sizes.variables.truncate(outer);
    sizes.variables.push((c.accu_var.as_str(), gathered));
    let result = bound(&c.result, sizes);
    sizes.variables.truncate(outer);
    Bound {
        size: result.size,
        work: range.work + start.work + large.work + range.size * (small.work + 1.0) + result.work,
    }
}
