//! The document pipeline: what a stranger sends becomes a request that may be executed, or typed errors.
//!
//! Once a document, kept by its hash: byte limit → parse by apollo-compiler (tokens and nesting bounded) → full
//! validation against our SDL → size ([`measure`]) → translation into async-graphql's document, with the checks of
//! literals that apollo-compiler leaves out ([`translate`]), its fields merged ([`collect`]). Then for each request: the
//! operation, its cost, its variables ([`variables`], with [`files`] and without what is [`absent`]), and what `@skip` and
//! `@include` leave. The answer gets its form from [`Shape`].
//!
//! The result is executed under `ValidationMode::Fast`, which checks next to nothing. async-graphql's own parser
//! is never called: a few kilobytes of nesting overflow its stack and kill the process.
mod absent;
mod asks;
mod collect;
mod descriptions;
mod entries;
mod error;
mod files;
mod measure;
mod null_default;
mod resume;
mod shape;
mod tokens;
mod translate;
mod variables;
mod words;
mod work;

#[cfg(test)]
mod tests;

pub use apollo_compiler::response::{JsonMap, JsonValue};
pub use asks::Asks;
pub use error::RequestError;
pub use files::Files;
pub use shape::Shape;

use crate::{
    config::Limits,
    graphql_kit::ErrorCode,
    shared::texts::{ByText, Text, cache_of_texts},
};

use apollo_compiler::{
    ExecutableDocument, Node, Schema, ast,
    executable::Operation,
    parser::Parser,
    request::coerce_variable_values,
    validation::{DiagnosticList, Valid},
};
use asks::asks;
use async_graphql::{Pos, Request, Variables};
use collect::Conditions;
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};
use translate::{Plan, Positions};
use work::{Unit, Work};

pub use async_graphql::parser::types::OperationType;

/// Validation tells at most so many errors: a document can have one for each of its tokens.
const ERRORS_TOLD: usize = 20;

/// Cheap to clone: the schema and the cache are shared.
#[derive(Clone)]
pub struct Pipeline(Arc<Shared>);

struct Shared {
    schema: Valid<Schema>,
    limits: Limits,
    cache: Cache<[u8; 32], Arc<Document>, ByText>,
    work: Work,
}

/// A document that passed everything which does not depend on variables.
struct Document {
    /// Kept for coercion and for costs that depend on variables.
    source: Valid<ExecutableDocument>,
    operations: Vec<Ready>,
    bytes: u64,
}

struct Ready {
    definition: Node<Operation>,
    plan: Plan,
    asks: Asks,
    /// `None` where it depends on variables.
    cost: Option<u64>,
}

impl Text for Arc<Document> {
    fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// A request that may be executed.
#[derive(Debug)]
pub struct Prepared {
    pub operation_type: OperationType,
    pub operation_name: Option<String>,
    pub asks: Asks,
    /// Objects that may be fetched.
    pub cost: u64,
    /// With document and variables; the caller adds the request's data.
    pub request: Request,
    /// What each answer has to be brought into.
    pub shape: Arc<Shape>,
}

impl std::fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pipeline")
            .field("limits", &self.0.limits)
            .field("cached", &self.0.cache.len())
            .finish()
    }
}

impl Prepared {
    /// A subscription then goes on after `cursor`.
    pub fn resume_after(&mut self, cursor: &str) {
        if let Ok(document) = self.request.parsed_query() {
            let mut document = document.clone();
            resume::after(&mut document, cursor);
            self.request.set_parsed_query(document);
        }
    }

    /// Equal for two subscriptions only if they tell the same event to the same reader in the same words. `text` is the document's.
    pub fn words(&mut self, text: &str) -> Option<[u8; 32]> {
        let Self { request, operation_name, .. } = self;
        let variables = request.variables.clone();
        let document = request.parsed_query().ok()?;
        words::fingerprint(text, operation_name.as_deref(), document, &variables)
    }
}

impl Pipeline {
    /// `sdl` is the schema as exported; an error tells what is wrong with it.
    pub fn new(sdl: &str, limits: Limits) -> Result<Self, String> {
        let schema =
            Schema::parse_and_validate(sdl, "schema.graphql").map_err(|invalid| invalid.to_string())?;
        let cache = cache_of_texts(limits.cache_bytes, limits.document_bytes);
        Ok(Self(Arc::new(Shared { schema, limits, cache, work: Work::default() })))
    }

    /// Bytes, tokens and nodes (selections) that were read since the start: what no document may drive up.
    pub fn work_done(&self) -> [u64; 3] {
        self.0.work.done()
    }

    /// Everything between the text and the execution. `operation_name` chooses among several operations.
    pub fn prepare(
        &self,
        query: &str,
        operation_name: Option<&str>,
        variables: &JsonMap,
    ) -> Result<Prepared, Vec<RequestError>> {
        self.prepare_with(query, operation_name, variables, Files::default())
    }

    /// As [`Self::prepare`], with files for some of the variables, which have to hold anything but null there.
    pub fn prepare_with(
        &self,
        query: &str,
        operation_name: Option<&str>,
        variables: &JsonMap,
        files: Files,
    ) -> Result<Prepared, Vec<RequestError>> {
        let document = self.document(query)?;
        let operation = document.operation(operation_name).map_err(|e| vec![e])?;
        self.bind(query, &document, operation, variables, files).map_err(|e| vec![e])
    }

    /// The cost of a request that can be prepared, by the path of the field that brings it: `viewer.memberships`.
    pub fn costs(
        &self,
        query: &str,
        operation_name: Option<&str>,
        variables: &JsonMap,
    ) -> Result<BTreeMap<String, u64>, Vec<RequestError>> {
        let document = self.document(query)?;
        let Ready { definition, .. } = document.operation(operation_name).map_err(|e| vec![e])?;
        let coerced = coerce_variable_values(&self.0.schema, definition, variables);
        Ok(measure::costs(
            &document.source,
            definition,
            &self.0.limits,
            &coerced.map(Valid::into_inner).unwrap_or_default(),
        ))
    }

    /// What keeps a document from ever running, whatever its variables. It is not kept ready for that.
    pub fn validate(&self, query: &str) -> Result<(), Vec<RequestError>> {
        self.bounded(query)?;
        self.read(query).map(drop)
    }

    fn bounded(&self, query: &str) -> Result<(), Vec<RequestError>> {
        let Limits { document_bytes, .. } = self.0.limits;
        if query.len() > document_bytes {
            return Err(vec![RequestError::new(
                ErrorCode::QueryTooComplex,
                format!("the document is longer than {document_bytes} bytes: send long values as variables"),
            )]);
        }
        self.0.work.add(Unit::Bytes, query.len() as u64);
        Ok(())
    }

    fn document(&self, query: &str) -> Result<Arc<Document>, Vec<RequestError>> {
        self.bounded(query)?;
        let hash: [u8; 32] = Sha256::digest(query).into();
        if let Some(document) = self.0.cache.get(&hash) {
            return Ok(document);
        }
        let document = Arc::new(self.read(query)?);
        self.0.cache.insert(hash, Arc::clone(&document));
        Ok(document)
    }

    fn read(&self, query: &str) -> Result<Document, Vec<RequestError>> {
        let Shared { schema, limits, .. } = &*self.0;
        let mut parser = Parser::new().token_limit(limits.tokens).recursion_limit(limits.syntax_nesting);
        let query = &*descriptions::blanked(query);
        let parsed = parser.parse_ast(query, "document");
        self.0.work.add(Unit::Tokens, parser.tokens_reached() as u64);
        let parsed = parsed.map_err(|with_errors| {
            if parser.tokens_reached() > limits.tokens || parser.recursion_reached() > limits.syntax_nesting {
                return vec![RequestError::new(
                    ErrorCode::QueryTooComplex,
                    format!(
                        "the document has more than {} tokens or nests deeper than {}: \
                         send long values as variables, and ask in several requests",
                        limits.tokens, limits.syntax_nesting
                    ),
                )];
            }
            told(&with_errors.errors, ErrorCode::GraphqlParseFailed)
        })?;
        if let Some((name, at)) = entries::without_value(query) {
            let message = format!("expected a colon and a value after `{name}`");
            return Err(vec![
                RequestError::new(ErrorCode::GraphqlParseFailed, message)
                    .at([Positions::of(query).place(at)]),
            ]);
        }
        let valid = |document: &ast::Document| {
            document
                .to_executable_validate(schema)
                .map_err(|with_errors| told(&with_errors.errors, ErrorCode::GraphqlValidationFailed))
        };
        let source = valid(&parsed)?;
        if let Some(without) = null_default::left_out(&parsed) {
            valid(&without)?;
        }
        if source.operations.is_empty() {
            return Err(vec![RequestError::new(
                ErrorCode::GraphqlParseFailed,
                "the document has no operation: send one, such as `query { viewer { id } }`",
            )]);
        }
        let mut measure = measure::Measure::new(&source, limits);
        let positions = Positions::of(query);
        let mut operations = Vec::with_capacity(source.operations.len());
        for definition in source.operations.iter() {
            let ready = measure.check(definition).and_then(|()| {
                let plan = self.plan(&source, definition, &positions, Conditions::Ignored)?;
                Ok(Ready {
                    plan,
                    asks: asks(&source, definition),
                    cost: measure::fixed_cost(&source, definition, limits)?,
                    definition: definition.clone(),
                })
            });
            operations.push(ready);
        }
        self.0.work.add(Unit::Nodes, measure.visited());
        let operations = operations.into_iter().collect::<Result<_, _>>().map_err(|e| vec![e])?;
        let bytes = query.len() as u64;
        Ok(Document { source, operations, bytes })
    }

    fn plan(
        &self,
        document: &Valid<ExecutableDocument>,
        definition: &Node<Operation>,
        positions: &Positions,
        conditions: Conditions<'_>,
    ) -> Result<Plan, RequestError> {
        let Shared { schema, limits, .. } = &*self.0;
        let (plan, written) =
            translate::operation(schema, document, definition, positions, conditions, limits)?;
        self.0.work.add(Unit::Nodes, written);
        Ok(plan)
    }

    fn bind(
        &self,
        query: &str,
        document: &Document,
        ready: &Ready,
        given: &JsonMap,
        mut files: Files,
    ) -> Result<Prepared, RequestError> {
        let Shared { schema, limits, .. } = &*self.0;
        let definition = &ready.definition;
        let coerced = coerce_variable_values(schema, definition, given).map_err(|error| {
            let location = error.location().and_then(|span| span.line_column(&document.source.sources));
            RequestError::new(ErrorCode::BadUserInput, error.message().to_string())
                .at(location.map(|at| Pos { line: at.line, column: at.column }))
        })?;
        let cost = match ready.cost {
            Some(cost) => cost,
            None => measure::cost(&document.source, definition, limits, &coerced)?,
        };
        // Rare, and quicker written again than looked up by the values of its conditions.
        let decided = if ready.plan.conditional {
            let positions = Positions::of(query);
            Some(self.plan(&document.source, definition, &positions, Conditions::By(&coerced))?)
        } else {
            None
        };
        let (mut executable, shape) = match decided {
            Some(plan) => (plan.executable, plan.shape),
            None => (ready.plan.executable.clone(), Arc::clone(&ready.plan.shape)),
        };
        let names = definition.variables.iter().map(|variable| variable.name.as_str());
        let absent: HashSet<_> =
            names.filter(|name| !coerced.contains_key(*name)).map(async_graphql::Name::new).collect();
        if !absent.is_empty() {
            absent::leave_out(&mut executable, &absent);
        }
        let mut variables = Variables::default();
        for (name, value) in coerced.into_inner() {
            let ty = definition.variables.iter().find(|v| v.name.as_str() == name.as_str()).map(|v| &*v.ty);
            let value =
                variables::value(schema, value, ty, &variables::Path::root(name.as_str()), &mut files)?;
            variables.insert(async_graphql::Name::new(name.as_str()), value);
        }
        files.finish()?;
        let mut request = Request::new(String::new()).variables(variables);
        request.set_parsed_query(executable);
        Ok(Prepared {
            operation_type: translate::operation_type(definition.operation_type),
            operation_name: definition.name.as_ref().map(|name| name.as_str().to_owned()),
            asks: ready.asks,
            cost,
            request,
            shape,
        })
    }
}

impl Document {
    fn operation(&self, name: Option<&str>) -> Result<&Ready, RequestError> {
        let unresolved = |message: String| RequestError::new(ErrorCode::OperationResolutionFailure, message);
        match (name, &*self.operations) {
            (None, [only]) => Ok(only),
            (None, _) => {
                Err(unresolved("the document has several operations: choose one by operationName".to_owned()))
            }
            (Some(name), operations) => operations
                .iter()
                .find(|ready| ready.definition.name.as_ref().is_some_and(|n| n.as_str() == name))
                .ok_or_else(|| unresolved(format!("the document has no operation named \"{name}\""))),
        }
    }
}

fn told(diagnostics: &DiagnosticList, code: ErrorCode) -> Vec<RequestError> {
    if diagnostics.iter().any(|diagnostic| is_too_deep(&diagnostic.error.to_string())) {
        let message = "fragments are spread within each other too deeply to be checked: \
                       spread them directly, or ask in several requests";
        return vec![RequestError::new(ErrorCode::QueryTooComplex, message)];
    }
    let mut told: Vec<RequestError> = Vec::new();
    for diagnostic in diagnostics.iter().take(ERRORS_TOLD) {
        let error = diagnostic.to_json();
        let error = RequestError::new(code, error.message)
            .at(error.locations.iter().map(|at| Pos { line: at.line, column: at.column }));
        // The same fault in several places is one error.
        match told.iter_mut().find(|known| known.message == error.message) {
            Some(known) => known.locations.extend(error.locations),
            None => told.push(error),
        }
    }
    told
}

/// What apollo-compiler says where it gives up: the document need not be wrong.
fn is_too_deep(message: &str) -> bool {
    message == "too much recursion" || message.ends_with("contains too much nesting")
}
