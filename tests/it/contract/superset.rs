use apollo_compiler::{
    Node, Schema,
    ast::{FieldDefinition, InputValueDefinition},
    schema::{ExtendedType, Name},
};
use std::collections::BTreeSet;

/// What the contract fixes and this version does not have yet. What is here and exists fails the test.
const LATER: &[&str] = &["Mutation.rerunFromStep", "RerunFromStepInput", "RerunFromStepPayload"];

struct Comparison {
    found: Vec<String>,
    absent: BTreeSet<String>,
}

impl Comparison {
    fn missing(&mut self, what: String) {
        if LATER.contains(&what.as_str()) {
            self.absent.insert(what);
        } else {
            self.found.push(format!("{what} is missing"));
        }
    }

    fn differs(&mut self, what: &str, contract: impl ToString, ours: impl ToString) {
        let (contract, ours) = (contract.to_string(), ours.to_string());
        if contract != ours {
            self.found.push(format!("{what}: the contract says {contract}, the schema {ours}"));
        }
    }

    fn field(&mut self, place: &str, contract: &FieldDefinition, ours: &FieldDefinition) {
        self.differs(place, &contract.ty, &ours.ty);
        self.inputs(place, &contract.arguments, &ours.arguments);
    }

    /// What a client may leave out in the contract it may leave out here.
    fn inputs(
        &mut self,
        place: &str,
        contract: &[Node<InputValueDefinition>],
        ours: &[Node<InputValueDefinition>],
    ) {
        for wanted in contract {
            let what = format!("{place}.{}", wanted.name);
            let Some(found) = ours.iter().find(|input| input.name == wanted.name) else {
                self.missing(what);
                continue;
            };
            // What must be given by the contract may be left out here: whoever gives it is served.
            if found.ty.is_non_null() || wanted.ty.as_ref().clone().nullable() != *found.ty {
                self.differs(&what, &wanted.ty, &found.ty);
            }
            let default =
                |input: &InputValueDefinition| input.default_value.as_ref().map(ToString::to_string);
            self.differs(&what, format!("{:?}", default(wanted)), format!("{:?}", default(found)));
        }
        for extra in ours.iter().filter(|input| input.is_required()) {
            if !contract.iter().any(|wanted| wanted.name == extra.name) {
                self.found.push(format!("{place}.{} is required, the contract does not know it", extra.name));
            }
        }
    }

    fn names<'a>(&mut self, place: &str, contract: impl Iterator<Item = &'a Name>, ours: &BTreeSet<String>) {
        for name in contract.filter(|name| !ours.contains(name.as_str())) {
            self.missing(format!("{place}.{name}"));
        }
    }

    fn types(&mut self, name: &Name, contract: &ExtendedType, ours: &ExtendedType) {
        let texts = |names: Vec<&Name>| names.into_iter().map(ToString::to_string).collect::<BTreeSet<_>>();
        match (contract, ours) {
            (ExtendedType::Scalar(_), ExtendedType::Scalar(_)) => {}
            (ExtendedType::Enum(contract), ExtendedType::Enum(ours)) => {
                self.names(name, contract.values.keys(), &texts(ours.values.keys().collect()));
            }
            (ExtendedType::Union(contract), ExtendedType::Union(ours)) => {
                let members = texts(ours.members.iter().map(|member| &member.name).collect());
                self.names(name, contract.members.iter().map(|member| &member.name), &members);
            }
            (ExtendedType::InputObject(contract), ExtendedType::InputObject(ours)) => {
                let inputs = |fields: Vec<&InputValueDefinition>| {
                    fields.into_iter().map(|field| Node::new(field.clone())).collect::<Vec<_>>()
                };
                let contract_inputs = inputs(contract.fields.values().map(|field| field.as_ref()).collect());
                let our_inputs = inputs(ours.fields.values().map(|field| field.as_ref()).collect());
                self.inputs(name, &contract_inputs, &our_inputs);
                let one_of = |directives: &apollo_compiler::schema::DirectiveList| directives.has("oneOf");
                self.differs(name, one_of(&contract.directives), one_of(&ours.directives));
            }
            (ExtendedType::Object(contract), ExtendedType::Object(ours)) => {
                for (field, wanted) in &contract.fields {
                    match ours.fields.get(field) {
                        Some(found) => self.field(&format!("{name}.{field}"), wanted, found),
                        None => self.missing(format!("{name}.{field}")),
                    }
                }
                let interfaces = texts(ours.implements_interfaces.iter().map(|i| &i.name).collect());
                self.names(name, contract.implements_interfaces.iter().map(|i| &i.name), &interfaces);
            }
            (ExtendedType::Interface(contract), ExtendedType::Interface(ours)) => {
                for (field, wanted) in &contract.fields {
                    match ours.fields.get(field) {
                        Some(found) => self.field(&format!("{name}.{field}"), wanted, found),
                        None => self.missing(format!("{name}.{field}")),
                    }
                }
            }
            _ => self.found.push(format!("{name} is of another kind")),
        }
    }
}

#[test]
fn the_schema_is_a_superset_of_the_contract() {
    let contract = Schema::parse(include_str!("contract.graphql"), "contract.graphql").unwrap();
    let ours = Schema::parse(aifirst::graphql::sdl(), "schema.graphql").unwrap();
    let mut comparison = Comparison { found: vec![], absent: BTreeSet::new() };
    for (name, wanted) in contract.types.iter().filter(|(_, wanted)| !wanted.is_built_in()) {
        match ours.types.get(name) {
            Some(found) => comparison.types(name, wanted, found),
            None => comparison.missing(name.to_string()),
        }
    }
    let stale: Vec<_> = LATER.iter().filter(|what| !comparison.absent.contains(**what)).collect();
    assert!(comparison.found.is_empty(), "{}", comparison.found.join("\n"));
    assert!(stale.is_empty(), "these exist now: take them out of LATER: {stale:?}");
}

#[test]
fn everything_public_has_a_description() {
    let ours = Schema::parse(aifirst::graphql::sdl(), "schema.graphql").unwrap();
    let mut bare = vec![];
    let mut check = |place: String, described: bool| {
        if !described {
            bare.push(place);
        }
    };
    for (name, ty) in ours.types.iter().filter(|(_, ty)| !ty.is_built_in()) {
        check(name.to_string(), ty.description().is_some());
        let (fields, inputs): (Vec<&FieldDefinition>, Vec<&InputValueDefinition>) = match ty {
            ExtendedType::Object(ty) => (ty.fields.values().map(|field| field.as_ref()).collect(), vec![]),
            ExtendedType::Interface(ty) => (ty.fields.values().map(|field| field.as_ref()).collect(), vec![]),
            ExtendedType::InputObject(ty) => {
                (vec![], ty.fields.values().map(|field| field.as_ref()).collect())
            }
            ExtendedType::Enum(ty) => {
                ty.values
                    .iter()
                    .for_each(|(value, d)| check(format!("{name}.{value}"), d.description.is_some()));
                (vec![], vec![])
            }
            _ => (vec![], vec![]),
        };
        for field in fields {
            check(format!("{name}.{}", field.name), field.description.is_some());
            for argument in &field.arguments {
                check(format!("{name}.{}({})", field.name, argument.name), argument.description.is_some());
            }
        }
        for input in inputs {
            check(format!("{name}.{}", input.name), input.description.is_some());
        }
    }
    assert!(bare.is_empty(), "without a description:\n{}", bare.join("\n"));
}

#[test]
fn every_scalar_says_what_it_is_by() {
    let ours = Schema::parse(aifirst::graphql::sdl(), "schema.graphql").unwrap();
    for (name, ty) in ours.types.iter().filter(|(_, ty)| ty.is_scalar() && !ty.is_built_in()) {
        assert!(ty.directives().has("specifiedBy"), "scalar {name}");
    }
}
