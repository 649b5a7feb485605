//! From apollo-compiler's validated document to the one that async-graphql executes, directly: a second parser
//! would have a second opinion, and no bound on nesting.
use super::{
    RequestError,
    variables::{exactly_one_key, input_object, storable},
};
use crate::graphql_kit::ErrorCode;
use apollo_compiler::{
    self as apollo, ExecutableDocument, Node, Schema,
    ast::{Argument, DirectiveList, Type, Value, VariableDefinition},
    executable::{Field, Operation, Selection, SelectionSet},
    parser::SourceSpan,
};
use async_graphql::{Name, Number, Pos, Positioned, indexmap::IndexMap, parser::types as ag};
use async_graphql_value as ag_value;
use std::collections::HashMap;

pub(super) fn operation_type(ty: apollo::ast::OperationType) -> ag::OperationType {
    match ty {
        apollo::ast::OperationType::Query => ag::OperationType::Query,
        apollo::ast::OperationType::Mutation => ag::OperationType::Mutation,
        apollo::ast::OperationType::Subscription => ag::OperationType::Subscription,
    }
}

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
        let (line, column) = span.and_then(|span| self.0.get(span.offset())).copied().unwrap_or((1, 1));
        Pos { line: line as usize, column: column as usize }
    }
}

/// The operation alone, with the fragments that it reaches.
pub(super) fn operation(
    schema: &Schema,
    document: &ExecutableDocument,
    operation: &Node<Operation>,
    positions: &Positions,
) -> Result<ag::ExecutableDocument, RequestError> {
    let mut translation = Translation { schema, operation, positions, spread: Vec::new() };
    let at = positions.at(operation.location());
    let definition = ag::OperationDefinition {
        ty: operation_type(operation.operation_type),
        variable_definitions: operation
            .variables
            .iter()
            .map(|variable| translation.variable_definition(variable))
            .collect::<Result<_, _>>()?,
        directives: translation.directives(&operation.directives)?,
        selection_set: translation.selection_set(&operation.selection_set, at)?,
    };
    let mut fragments = HashMap::new();
    while let Some(name) = translation.spread.pop() {
        let name = Name::new(name);
        let Some(fragment) = document.fragments.get(name.as_str()) else { continue };
        if fragments.contains_key(&name) {
            continue;
        }
        let at = positions.at(fragment.location());
        let on = Positioned::new(Name::new(fragment.type_condition()), at);
        let definition = ag::FragmentDefinition {
            type_condition: Positioned::new(ag::TypeCondition { on }, at),
            directives: translation.directives(&fragment.directives)?,
            selection_set: translation.selection_set(&fragment.selection_set, at)?,
        };
        fragments.insert(name, Positioned::new(definition, at));
    }
    Ok(ag::ExecutableDocument {
        operations: ag::DocumentOperations::Single(Positioned::new(definition, at)),
        fragments,
    })
}

struct Translation<'a> {
    schema: &'a Schema,
    operation: &'a Operation,
    positions: &'a Positions,
    /// Fragments that were spread and are to be translated.
    spread: Vec<&'a str>,
}

impl<'a> Translation<'a> {
    fn name(&self, name: &apollo::Name) -> Positioned<Name> {
        Positioned::new(Name::new(name), self.positions.at(name.location()))
    }

    fn selection_set(
        &mut self,
        set: &'a SelectionSet,
        at: Pos,
    ) -> Result<Positioned<ag::SelectionSet>, RequestError> {
        let items = set.selections.iter().map(|s| self.selection(s)).collect::<Result<_, _>>()?;
        Ok(Positioned::new(ag::SelectionSet { items }, at))
    }

    fn selection(&mut self, selection: &'a Selection) -> Result<Positioned<ag::Selection>, RequestError> {
        Ok(match selection {
            Selection::Field(field) => {
                let at = self.positions.at(field.location());
                Positioned::new(ag::Selection::Field(Positioned::new(self.field(field, at)?, at)), at)
            }
            Selection::FragmentSpread(spread) => {
                self.spread.push(&spread.fragment_name);
                let at = self.positions.at(spread.location());
                let spread = ag::FragmentSpread {
                    fragment_name: self.name(&spread.fragment_name),
                    directives: self.directives(&spread.directives)?,
                };
                Positioned::new(ag::Selection::FragmentSpread(Positioned::new(spread, at)), at)
            }
            Selection::InlineFragment(fragment) => {
                let at = self.positions.at(fragment.location());
                let on = fragment.type_condition.as_ref().map(|on| self.name(on));
                let fragment = ag::InlineFragment {
                    type_condition: on.map(|on| Positioned::new(ag::TypeCondition { on }, at)),
                    directives: self.directives(&fragment.directives)?,
                    selection_set: self.selection_set(&fragment.selection_set, at)?,
                };
                Positioned::new(ag::Selection::InlineFragment(Positioned::new(fragment, at)), at)
            }
        })
    }

    fn field(&mut self, field: &'a Field, at: Pos) -> Result<ag::Field, RequestError> {
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
            selection_set: self.selection_set(&field.selection_set, at)?,
        })
    }

    fn directives(&self, directives: &DirectiveList) -> Result<Vec<Positioned<ag::Directive>>, RequestError> {
        directives
            .iter()
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
                To::List(items.iter().map(|item| self.value(item, item_type)).collect::<Result<_, _>>()?)
            }
            Value::Object(entries) => {
                let input = ty.and_then(|ty| input_object(self.schema, ty));
                if let Some(input) = input {
                    let given = entries.iter().map(|(key, entry)| (key.as_str(), self.may_be_null(entry)));
                    exactly_one_key(input, given).map_err(|message| self.bad(message, value))?;
                }
                let mut object = IndexMap::with_capacity(entries.len());
                for (key, entry) in entries {
                    let ty = input.and_then(|input| input.fields.get(key)).map(|field| &*field.ty);
                    object.insert(Name::new(key), self.value(entry, ty)?);
                }
                To::Object(object)
            }
        })
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

fn type_of(ty: &Type) -> ag::Type {
    let base = match ty {
        Type::Named(name) | Type::NonNullNamed(name) => ag::BaseType::Named(Name::new(name)),
        Type::List(item) | Type::NonNullList(item) => ag::BaseType::List(Box::new(type_of(item))),
    };
    ag::Type { base, nullable: !ty.is_non_null() }
}
