//! Documents, their ids, and the rules that need no database.
use super::{Check, OWN};
use crate::shared::{
    Error, Problem, Problems, Result,
    id::{AnyId, WorkspaceId},
    text,
    text::sha256_hex,
};
use chrono::{DateTime, Utc};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

/// Documents of one registration, and of one retirement.
pub const MAX_DOCUMENTS: usize = 1_000;
/// That one application of a workspace may have.
pub const MAX_REGISTERED: u64 = 20_000;
/// That all applications of a workspace may have together.
pub const MAX_IN_WORKSPACE: u64 = 100_000;
/// Characters of an application's name.
const MAX_APPLICATION: usize = 100;
/// Characters of a document's id.
const MAX_ID: usize = 200;
/// Characters of an id that is none.
const QUOTED: usize = 50;
/// Problems of one registration: a document can have 20, and there are many.
pub const PROBLEMS_TOLD: usize = 100;

/// A document as it comes, by a manifest or by a mutation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDocument {
    pub id: String,
    pub text: String,
}

/// What a client application registers together.
#[derive(Clone, Debug)]
pub struct Registration {
    /// `None`: the one that the credential opens.
    pub workspace: Option<WorkspaceId>,
    pub application: String,
    pub documents: Vec<NewDocument>,
    /// Changes nothing, and tells the same problems.
    pub validate_only: bool,
}

/// How many documents are new, and how many were there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Registered {
    pub registered: u64,
    pub unchanged: u64,
}

/// One that a workspace has.
#[derive(Clone, Debug)]
pub struct TrustedDocument {
    pub id: DocumentId,
    pub application: String,
    pub text: String,
    /// A person or a service account.
    pub registered_by: AnyId,
    pub registered_at: DateTime<Utc>,
}

/// By the draft of persisted documents for GraphQL over HTTP, appendix A. What looks like a SHA-256 is one, with the
/// prefix or without: Apollo sends it bare.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentId(Arc<str>);

const SHA256: &str = "sha256:";
/// Of ids that the server itself gives.
const OWN_PREFIX: &str = "x-aifirst";

impl DocumentId {
    /// `None` for what no document can have.
    pub fn parse(id: &str) -> Option<Self> {
        if id.len() > MAX_ID {
            return None;
        }
        let unreserved = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
        };
        match id.split_once(':') {
            None if is_sha256(id) => Some(Self(format!("{SHA256}{id}").into())),
            None => unreserved(id).then(|| Self(id.into())),
            Some(("sha256", hash)) => is_sha256(hash).then(|| Self(id.into())),
            Some((prefix, name)) => {
                let own = prefix.strip_prefix("x-").is_some_and(unreserved) && unreserved(name);
                own.then(|| Self(id.into()))
            }
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it names one text, wherever it is registered.
    pub fn is_hash(&self) -> bool {
        self.0.starts_with(SHA256)
    }

    /// Whether it is a hash of another text.
    fn belies(&self, text: &str) -> bool {
        self.0.strip_prefix(SHA256).is_some_and(|hash| hash != sha256_hex(text))
    }
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// A name, as people read it.
pub fn application(name: &str) -> Result<String> {
    let mut problems = Problems::default();
    let name = text::required(&mut problems, "application", name, MAX_APPLICATION);
    problems.finish().map(|()| name)
}

/// The documents that shall not run any more: in the order of their ids, as they are registered.
pub fn to_retire(ids: &[String]) -> Result<BTreeSet<DocumentId>> {
    if ids.is_empty() || ids.len() > MAX_DOCUMENTS {
        let have = ids.len();
        return Err(Error::invalid("documentIds", format!("{have}: 1 to {MAX_DOCUMENTS} are taken at once")));
    }
    let (mut parsed, mut problems) = (BTreeSet::new(), vec![]);
    for (place, id) in ids.iter().enumerate() {
        match DocumentId::parse(id) {
            Some(id) => _ = parsed.insert(id),
            None => problems.push(Problem::invalid(format!("documentIds.{place}"), no_id(id))),
        }
    }
    problems.truncate(PROBLEMS_TOLD);
    if problems.is_empty() { Ok(parsed) } else { Err(Error::Refused(problems)) }
}

fn no_id(id: &str) -> String {
    let told: String = id.chars().take(QUOTED).collect();
    format!(
        "{told:?}: not an id of a document: at most {MAX_ID} of a–z, A–Z, 0–9 and -._~, or sha256: and 64 lower-case \
         hex digits"
    )
}

/// Documents that may run, each with its place in the registration. In the order of their ids, so that two
/// registrations never wait for each other.
#[derive(Clone, Debug, Default)]
pub struct Checked(pub BTreeMap<DocumentId, (usize, Arc<str>)>);

/// All documents or all that is wrong with them, as far as [`PROBLEMS_TOLD`]. Takes milliseconds a document at worst, so
/// not on a thread that serves.
pub fn check(documents: Vec<NewDocument>, check: &dyn Check) -> Result<Checked> {
    if documents.is_empty() || documents.len() > MAX_DOCUMENTS {
        let have = documents.len();
        return Err(Error::invalid("documents", format!("{have}: 1 to {MAX_DOCUMENTS} are taken at once")));
    }
    let mut checked = Checked::default();
    let mut problems = vec![];
    for (place, document) in documents.into_iter().enumerate() {
        match checked.add(place, document, check) {
            Ok(()) => {}
            Err(found) => problems.extend(found),
        }
        if problems.len() >= PROBLEMS_TOLD {
            problems.truncate(PROBLEMS_TOLD);
            problems.push(Problem::invalid("documents", "there may be more problems than these"));
            break;
        }
    }
    if problems.is_empty() { Ok(checked) } else { Err(Error::Refused(problems)) }
}

impl Checked {
    /// Of two manifests, of which neither changes what the other has.
    pub fn joined(mut self, other: Self) -> Result<Self> {
        for (id, (place, text)) in other.0 {
            if self.0.get(&id).is_some_and(|(_, known)| *known != text) {
                return Err(Error::invalid("documents", format!("{id}: stands twice, with different texts")));
            }
            self.0.insert(id, (place, text));
        }
        Ok(self)
    }

    fn add(&mut self, place: usize, document: NewDocument, check: &dyn Check) -> Result<(), Vec<Problem>> {
        let wrong = |part: &str, message: String| {
            vec![Problem::invalid(format!("documents.{place}.{part}"), message)]
        };
        let Some(id) = DocumentId::parse(&document.id).filter(|id| !id.as_str().starts_with(OWN_PREFIX))
        else {
            return Err(wrong("id", no_id(&document.id)));
        };
        let told = document.id;
        if id.belies(&document.text) {
            let message =
                format!("{told}: not the SHA-256 of the text. Was the text altered after it was hashed?");
            return Err(wrong("id", message));
        }
        let faults = check.check(&document.text);
        if !faults.is_empty() {
            let path = format!("documents.{place}.text");
            return Err(faults
                .iter()
                .map(|fault| Problem::invalid(&path, format!("{told}: {fault}")))
                .collect());
        }
        let text: Arc<str> = document.text.into();
        if let Some((_, other)) = self.0.insert(id, (place, Arc::clone(&text)))
            && other != text
        {
            return Err(wrong("id", format!("{told}: stands twice, with different texts")));
        }
        Ok(())
    }
}

/// What everybody may run: the server's own documents, and those of its operator's manifests.
pub fn for_everybody(manifests: Checked) -> BTreeMap<DocumentId, Arc<str>> {
    let own = OWN.map(|(id, text)| (DocumentId(id.into()), Arc::from(text)));
    manifests.0.into_iter().map(|(id, (_, text))| (id, text)).chain(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trusted::Fault;
    use proptest::prelude::*;

    /// Takes whatever is no `nonsense`.
    #[derive(Debug)]
    struct Lenient;

    impl Check for Lenient {
        fn check(&self, text: &str) -> Vec<Fault> {
            let fault =
                Fault { code: "GRAPHQL_PARSE_FAILED", message: "what is this?".into(), at: Some((1, 3)) };
            if text == "nonsense" { vec![fault; 3] } else { vec![] }
        }
    }

    fn checked(documents: &[(&str, &str)]) -> Result<Checked> {
        let new = |(id, text): &(&str, &str)| NewDocument { id: (*id).into(), text: (*text).into() };
        check(documents.iter().map(new).collect(), &Lenient)
    }

    fn problems(documents: &[(&str, &str)]) -> Vec<(String, String)> {
        let Err(Error::Refused(problems)) = checked(documents) else { panic!("taken") };
        problems.into_iter().map(|problem| (problem.path, problem.message)).collect()
    }

    #[test]
    fn an_id_is_one_of_the_drafts_forms() {
        let hash = sha256_hex("{ a }");
        for good in ["1", "a.b~c_d-e", "0cc175b9c0f1b6a831c399e269772661", "x-mine:1", &"a".repeat(200)] {
            assert_eq!(DocumentId::parse(good).unwrap().as_str(), good);
        }
        let prefixed = format!("sha256:{hash}");
        for same in [&hash, &prefixed] {
            assert_eq!(DocumentId::parse(same).unwrap().as_str(), prefixed);
        }
        let upper = format!("sha256:{}", hash.to_uppercase());
        for bad in ["", "a b", "é", "a/b", "md5:1", "x-:1", "x-a:", "sha256:", &upper, ":", &"a".repeat(201)]
        {
            assert_eq!(DocumentId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_document_is_told_with_its_place_its_id_and_what_is_wrong() {
        let altered = sha256_hex("{ a }");
        let found = problems(&[("good", "{ a }"), ("bad", "nonsense"), (&altered, "{ b }"), ("é", "{ a }")]);
        let paths: Vec<_> = found.iter().map(|(path, _)| path.as_str()).collect();
        let text = "documents.1.text";
        assert_eq!(paths, [text, text, text, "documents.2.id", "documents.3.id"]);
        assert_eq!(found[0].1, "bad: line 1, column 3: what is this? [GRAPHQL_PARSE_FAILED]");
        assert!(found[3].1.starts_with(&altered), "{found:?}");
    }

    #[test]
    fn a_document_that_stands_twice_is_one_and_an_id_with_two_texts_none() {
        let hash = sha256_hex("{ a }");
        let prefixed = format!("sha256:{hash}");
        assert_eq!(checked(&[(&hash, "{ a }"), (&prefixed, "{ a }")]).unwrap().0.len(), 1);
        assert_eq!(problems(&[("a", "{ a }"), ("a", "{ b }")])[0].0, "documents.1.id");
    }

    #[test]
    fn what_is_told_has_a_bound_and_so_has_a_registration() {
        let many = vec![("a", "nonsense"); MAX_DOCUMENTS];
        assert_eq!(problems(&many).len(), PROBLEMS_TOLD + 1);
        assert_eq!(problems(&vec![("a", "{ a }"); MAX_DOCUMENTS + 1])[0].0, "documents");
        assert_eq!(problems(&[])[0].0, "documents");
    }

    #[test]
    fn nobody_registers_what_the_server_itself_names() {
        for own in OWN {
            assert!(checked(&[own]).is_err());
            assert!(for_everybody(Checked::default()).contains_key(&DocumentId::parse(own.0).unwrap()));
        }
    }

    proptest! {
        #[test]
        fn an_id_is_read_back_as_itself(id: String) {
            if let Some(parsed) = DocumentId::parse(&id) {
                prop_assert_eq!(DocumentId::parse(parsed.as_str()), Some(parsed));
            }
        }
    }
}
