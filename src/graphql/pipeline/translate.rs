//! From apollo-compiler's validated document to the one that async-graphql executes, directly: a second parser
//! would have a second opinion, and no bound on nesting.
use super::{
    RequestError,
    collect::{Collector, Conditions, Group, Groups},
    measure,
    shape::{Counts, Entry, Fields, HIDDEN, Shape},
    variables::{exactly_one_key, input_object, storable},
};
use crate::{config::Limits, graphql_kit::ErrorCode};
use apollo_compiler::{
    self as apollo, ExecutableDocument, Node, Schema,
    ast::{Argument, DirectiveList, Type, Value, VariableDefinition},
    executable::{Field, Operation, SelectionSet},
    parser::SourceSpan,
    schema::ExtendedType,
    validation::Valid,
};
use async_graphql::{Name, Number, Pos, Positioned, indexmap::IndexMap, parser::types as ag};
use async_graphql_value as ag_value;
use std::{collections::HashMap, sync::Arc};

pub(super) fn operation_type(ty: apollo::ast::OperationType) -> ag::OperationType {
    match ty {
        apollo::ast::OperationType::Query => ag::OperationType::Query,
        apollo::ast::OperationType::Mutation => ag::OperationType::Mutation,
        apollo::ast::OperationType::Subscription => ag::OperationType::Subscription,
    }
}

/// An interface's fragments are written once for each type of object: so many fields may become of one.
pub(super) const SPREAD: u64 = 8;

/// Line and column, both from 1, of each byte of the text.
pub(super) struct Positions(pub(super) Vec<(u32, u32)>);

impl Positions {
    pub(super) fn of(text: &str) -> Self {
        let (mut line, mut column) = (1_u32, 0_u32);
        let mut positions = Vec::with_capacity(text.len() + 1);
        let mut previous = 0;
        for byte in text.bytes() {
            let continues_character = byte & 0b1100_0000 == 0b1000_0000;
            match (previous, byte) {
                (b'\r', b'\n') => {}
                (b'\n' | b'\r', _) => (line, column) = (line + 1, 1),
                _ if continues_character => {}
                _ => column += 1,
            }
            positions.push((line, column));
            previous = byte;
        }
        positions.push((line, column + 1));
        Self(positions)
    }

    fn at(&self, span: Option<SourceSpan>) -> Pos {
        self.place(span.map_or(0, |span| span.offset()))
    }

    /// Of a byte.
    pub(super) fn place(&self, byte: usize) -> Pos {
        let (line, column) = self.0.get(byte).copied().unwrap_or((1, 1));
        Pos { line: line as usize, column: column as usize }
    }
}

/// An operation as it is executed, and the form of its answer.
#[derive(Debug)]
pub(super) struct Plan {
    pub executable: ag::ExecutableDocument,
    pub shape: Arc<Shape>,
    /// Whether it depends on `@skip` and `@include`.
    pub conditional: bool,
}

/// The operation alone: its fragments dissolved, its fields merged; and how many fields that came to, which
/// `limits` bound.
pub(super) fn operation(
    schema: &Valid<Schema>,
    document: &ExecutableDocument,
    operation: &Node<Operation>,
    positions: &Positions,
    conditions: Conditions<'_>,
    limits: &Limits,
) -> Result<(Plan, u64), RequestError> {
    let collector = Collector { schema, document, conditions, conditional: false };
    let selections = limits.selections.saturating_mul(SPREAD);
    let mut translation = Translation { schema, operation, positions, collector, limits, left: selections };
    let at = positions.at(operation.location());
    let root = &operation.selection_set;
    let (selection_set, shape) = translation.selection_set(&root.ty, &[root], at)?;
    let definition = ag::OperationDefinition {
        ty: operation_type(operation.operation_type),
        variable_definitions: operation
            .variables
            .iter()
            .map(|variable| translation.variable_definition(variable))
            .collect::<Result<_, _>>()?,
        directives: translation.directives(&operation.directives)?,
        selection_set,
    };
    let executable = ag::ExecutableDocument {
        operations: ag::DocumentOperations::Single(Positioned::new(definition, at)),
        fragments: HashMap::new(),
    };
    let conditional = translation.collector.conditional;
    let written = selections - translation.left;
    Ok((Plan { executable, shape: Arc::new(shape), conditional }, written))
}

struct Translation<'a> {
    schema: &'a Valid<Schema>,
    operation: &'a Operation,
    positions: &'a Positions,
    collector: Collector<'a>,
    limits: &'a Limits,
    /// Fields that may yet be written: fragments on interfaces multiply.
    left: u64,
}

impl<'a> Translation<'a> {
    fn name(&self, name: &apollo::Name) -> Positioned<Name> {
        Positioned::new(Name::new(name), self.positions.at(name.location()))
    }

    fn selection_set(
        &mut self,
        ty: &str,
        sets: &[&'a SelectionSet],
        at: Pos,
    ) -> Result<(Positioned<ag::SelectionSet>, Shape), RequestError> {
        let mut items = vec![];
        let (fields, hidden) = if self.collector.narrows(ty, sets) {
            items.push(hidden_type(at));
            (self.by_type(ty, sets, at, &mut items)?, true)
        } else {
            let entries = self.fields(ty, sets, &mut items)?;
            // An object without any field would be taken for null.
            let hidden = items.is_empty();
            if hidden {
                items.push(hidden_type(at));
            }
            (Fields::Same(entries), hidden)
        };
        Ok((Positioned::new(ag::SelectionSet { items }, at), Shape::new(fields, hidden)))
    }

    /// What is asked of the objects of all types alike is written once, the rest in a fragment for each type.
    fn by_type(
        &mut self,
        ty: &str,
        sets: &[&'a SelectionSet],
        at: Pos,
        items: &mut Vec<Positioned<ag::Selection>>,
    ) -> Result<Fields, RequestError> {
        let schema = self.schema;
        let objects = schema.types.values().filter(|object| object.is_object()).map(ExtendedType::name);
        let objects = objects.filter(|object| *object == ty || schema.is_subtype(ty, object));
        let asked: Vec<_> = objects.map(|object| (object, self.collector.groups(object, sets))).collect();
        let alike = self.alike(ty, &asked, items)?;
        let mut types = HashMap::new();
        for (object, groups) in &asked {
            let mut own = vec![];
            let mut entries = Vec::with_capacity(groups.len());
            for (key, group) in groups {
                entries.push(match alike.get(key) {
                    Some(entry) => {
                        self.count()?;
                        Arc::clone(entry)
                    }
                    None => self.entry(object, group, &mut own)?,
                });
            }
            types.insert(object.to_string(), entries);
            if own.is_empty() {
                continue;
            }
            let fragment = ag::InlineFragment {
                type_condition: Some(Positioned::new(ag::TypeCondition { on: self.name(object) }, at)),
                directives: vec![],
                selection_set: Positioned::new(ag::SelectionSet { items: own }, at),
            };
            items.push(Positioned::new(ag::Selection::InlineFragment(Positioned::new(fragment, at)), at));
        }
        Ok(Fields::ByType(types))
    }

    /// Writes what is the same for all of these objects, by response keys. Only fields of their interface itself: of others,
    /// such as all of a union's, async-graphql knows by the object alone.
    fn alike(
        &mut self,
        ty: &str,
        asked: &[(&'a apollo::Name, Groups<'a>)],
        items: &mut Vec<Positioned<ag::Selection>>,
    ) -> Result<HashMap<&'a str, Arc<Entry>>, RequestError> {
        let Some(((first, groups), others)) = asked.split_first() else { return Ok(HashMap::new()) };
        let mut alike = HashMap::new();
        for (key, group) in groups {
            let is_known = self.schema.type_field(ty, &group.field.name).is_ok();
            let of_field = self.type_of_field(first, group.field);
            let counts = self.counts(first, &group.field.name);
            let says_so = |(object, groups): &(&'a apollo::Name, Groups<'a>)| {
                groups.get(key).is_some_and(|other| {
                    other.is_same(group)
                        && self.type_of_field(object, other.field) == of_field
                        && self.counts(object, &other.field.name) == counts
                })
            };
            let is_alike = is_known && others.iter().all(says_so);
            if is_alike {
                alike.insert(*key, self.entry(first, group, items)?);
            }
        }
        Ok(alike)
    }

    fn fields(
        &mut self,
        ty: &str,
        sets: &[&'a SelectionSet],
        items: &mut Vec<Positioned<ag::Selection>>,
    ) -> Result<Vec<Arc<Entry>>, RequestError> {
        let groups = self.collector.groups(ty, sets);
        groups.values().map(|group| self.entry(ty, group, items)).collect()
    }

    /// Writes one field of a type.
    fn entry(
        &mut self,
        ty: &str,
        Group { field, sets }: &Group<'a>,
        items: &mut Vec<Positioned<ag::Selection>>,
    ) -> Result<Arc<Entry>, RequestError> {
        self.count()?;
        let at = self.positions.at(field.location());
        let of_field = self.type_of_field(ty, field);
        let mut selection_set = Positioned::default();
        let mut below = None;
        if !sets.is_empty() {
            let (set, shape) = self.selection_set(of_field.inner_named_type(), sets, at)?;
            (selection_set, below) = (set, Some(shape));
        }
        let translated = self.field(field, selection_set)?;
        let key = translated.response_key().node.clone();
        let counts = self.counts(ty, &field.name);
        items.push(Positioned::new(ag::Selection::Field(Positioned::new(translated, at)), at));
        Ok(Arc::new(Entry { key, ty: of_field.clone(), below, counts }))
    }

    fn count(&mut self) -> Result<(), RequestError> {
        self.left = self.left.checked_sub(1).ok_or_else(|| {
            RequestError::new(
                ErrorCode::QueryTooComplex,
                "the fragments on interfaces come to too many fields: ask for less",
            )
        })?;
        Ok(())
    }

    /// An object may promise more of a field than its interface.
    fn type_of_field(&self, parent: &str, field: &'a Field) -> &'a Type {
        let schema = self.schema;
        let own = schema.type_field(parent, &field.name).map(|own| &own.ty);
        own.unwrap_or(&field.definition.ty)
    }

    fn counts(&self, parent: &str, field: &str) -> Counts {
        if field.starts_with("__") {
            return Counts::Nothing;
        }
        measure::weight(self.limits, parent, field).map_or(Counts::Objects, Counts::Weight)
    }

    fn field(
        &self,
        field: &'a Field,
        selection_set: Positioned<ag::SelectionSet>,
    ) -> Result<ag::Field, RequestError> {
        let mut arguments = Vec::with_capacity(field.arguments.len());
        for argument in &field.arguments {
            let ty = field.definition.argument_by_name(&argument.name).map(|definition| &*definition.ty);
            arguments.push(self.argument(argument, ty)?);
        }
        Ok(ag::Field {
            alias: field.alias.as_ref().map(|alias| self.name(alias)),
            name: self.name(&field.name),
            arguments,
            directives: self.directives(&field.directives)?,
            selection_set,
        })
    }

    fn directives(&self, directives: &DirectiveList) -> Result<Vec<Positioned<ag::Directive>>, RequestError> {
        directives
            .iter()
            .filter(|directive| !matches!(directive.name.as_str(), "skip" | "include"))
            .map(|directive| {
                let arguments = directive.arguments.iter().map(|argument| self.argument(argument, None));
                let translated = ag::Directive {
                    name: self.name(&directive.name),
                    arguments: arguments.collect::<Result<_, _>>()?,
                };
                Ok(Positioned::new(translated, self.positions.at(directive.location())))
            })
            .collect()
    }

    fn argument(
        &self,
        argument: &Node<Argument>,
        ty: Option<&Type>,
    ) -> Result<(Positioned<Name>, Positioned<ag_value::Value>), RequestError> {
        let value =
            Positioned::new(self.value(&argument.value, ty)?, self.positions.at(argument.value.location()));
        Ok((self.name(&argument.name), value))
    }

    fn variable_definition(
        &self,
        variable: &Node<VariableDefinition>,
    ) -> Result<Positioned<ag::VariableDefinition>, RequestError> {
        let at = self.positions.at(variable.location());
        let default_value = match &variable.default_value {
            Some(value) => {
                // Validation refused variables within a default.
                let translated = self.value(value, Some(&variable.ty))?.into_const().unwrap_or_default();
                Some(Positioned::new(translated, self.positions.at(value.location())))
            }
            None => None,
        };
        let definition = ag::VariableDefinition {
            name: self.name(&variable.name),
            var_type: Positioned::new(type_of(&variable.ty), at),
            directives: self.directives(&variable.directives)?,
            default_value,
        };
        Ok(Positioned::new(definition, at))
    }

    /// `ty` is absent within a custom scalar and for directives.
    fn value(&self, value: &Node<Value>, ty: Option<&Type>) -> Result<ag_value::Value, RequestError> {
        use ag_value::Value as To;
        Ok(match &**value {
            Value::Null => To::Null,
            Value::Boolean(boolean) => To::Boolean(*boolean),
            Value::Enum(name) => To::Enum(Name::new(name)),
            Value::Variable(name) => To::Variable(Name::new(name)),
            Value::Int(number) => To::Number(self.number(number.as_str(), value)?),
            Value::Float(number) => To::Number(self.number(number.as_str(), value)?),
            Value::String(text) => {
                storable(text).map_err(|message| self.bad(message, value))?;
                To::String(text.clone())
            }
            Value::List(items) => {
                let item_type = ty.filter(|ty| ty.is_list()).map(Type::item_type);
                let item = |item: &Node<Value>| {
                    self.check_variable(item, item_type, false)?;
                    self.value(item, item_type)
                };
                To::List(items.iter().map(item).collect::<Result<_, _>>()?)
            }
            Value::Object(entries) => {
                let input = ty.and_then(|ty| input_object(self.schema, ty));
                if let Some(input) = input {
                    let given = entries.iter().map(|(key, entry)| (key.as_str(), self.may_be_null(entry)));
                    exactly_one_key(input, given).map_err(|message| self.bad(message, value))?;
                }
                let mut object = IndexMap::with_capacity(entries.len());
                for (key, entry) in entries {
                    let field = input.and_then(|input| input.fields.get(key));
                    let ty = field.map(|field| &*field.ty);
                    self.check_variable(entry, ty, field.is_some_and(|field| field.default_value.is_some()))?;
                    object.insert(Name::new(key), self.value(entry, ty)?);
                }
                To::Object(object)
            }
        })
    }

    /// The rule "All Variable Usages Are Allowed" for an item of a list and for a field of an input object, which
    /// apollo-compiler leaves out. `optional` is a place with a default.
    fn check_variable(
        &self,
        value: &Node<Value>,
        ty: Option<&Type>,
        optional: bool,
    ) -> Result<(), RequestError> {
        let (Value::Variable(name), Some(ty)) = (&**value, ty) else { return Ok(()) };
        let Some(variable) = self.operation.variables.iter().find(|variable| variable.name == *name) else {
            return Ok(());
        };
        let has_default = variable.default_value.as_ref().is_some_and(|default| !default.is_null());
        let fits = variable.ty.is_assignable_to(ty)
            || (has_default || optional) && variable.ty.is_assignable_to(&ty.clone().nullable());
        if fits {
            return Ok(());
        }
        Err(self.bad(
            format!("the variable ${name} is {}, but what it stands for here is {ty}", variable.ty),
            value,
        ))
    }

    /// A variable where `@oneOf` wants one value has to be of a non-null type.
    fn may_be_null(&self, value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Variable(name) => {
                let definition = self.operation.variables.iter().find(|variable| variable.name == *name);
                definition.is_none_or(|variable| !variable.ty.is_non_null())
            }
            _ => false,
        }
    }

    fn number(&self, text: &str, value: &Node<Value>) -> Result<Number, RequestError> {
        text.parse().map_err(|_| self.bad(format!("the number {text} is out of range"), value))
    }

    fn bad(&self, message: String, value: &Node<Value>) -> RequestError {
        let at = self.positions.at(value.location());
        RequestError::new(ErrorCode::GraphqlValidationFailed, message).at([at])
    }
}

/// The object's type, for [`Shape`].
fn hidden_type(at: Pos) -> Positioned<ag::Selection> {
    let name = |name| Positioned::new(Name::new(name), at);
    let field = ag::Field {
        alias: Some(name(HIDDEN)),
        name: name("__typename"),
        arguments: vec![],
        directives: vec![],
        selection_set: Positioned::default(),
    };
    Positioned::new(ag::Selection::Field(Positioned::new(field, at)), at)
}

fn type_of(ty: &Type) -> ag::Type {
    let base = match ty {
        Type::Named(name) | Type::NonNullNamed(name) => ag::BaseType::Named(Name::new(name)),
        Type::List(item) | Type::NonNullList(item) => ag::BaseType::List(Box::new(type_of(item))),
    };
    ag::Type { base, nullable: !ty.is_non_null() }
}
