//! What can stand behind `|` in a template.
use super::MAX_RENDERED;
use minijinja::{Error, ErrorKind, State, Value, value::Kwargs};
use std::io;

/// None of them puts lists into a list, which a loop could give names to, and none makes much of little before fuel is
/// taken for it: `tojson` and `map` are ours for that.
pub(super) const AVAILABLE: &str = "abs attr bool capitalize count d default dictsort e escape first float format \
    indent int items join last length lines list lower map max min reject rejectattr replace reverse round safe select \
    selectattr sort split string sum title tojson trim unique upper";

pub(super) fn is_available(name: &str) -> bool {
    AVAILABLE.split(' ').any(|available| available == name)
}

/// As it is printed: on one line, for lines cost nothing to ask for and a lot to make.
pub(super) fn tojson(value: &Value) -> Result<String, Error> {
    let mut json = Bounded(vec![]);
    serde_json::to_writer(&mut json, value).map_err(|error| {
        let what = if error.is_io() { "a value makes more text than is possible" } else { "not printable" };
        Error::new(ErrorKind::BadSerialization, what).with_source(error)
    })?;
    String::from_utf8(json.0)
        .map_err(|error| Error::new(ErrorKind::BadSerialization, "not printable").with_source(error))
}

/// Takes no more than a rendered text may have.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_RENDERED {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A filter without arguments on each item, or a part of each. The engine's own also takes arguments: a default that
/// stands for each of ten thousand items makes a text of any length.
pub(super) fn map(
    state: &mut State,
    list: Value,
    filter: Option<&str>,
    options: Kwargs,
) -> Result<Vec<Value>, Error> {
    let attribute = options.get::<Option<&str>>("attribute")?;
    options.assert_all_used()?;
    let mut mapped = vec![];
    for item in list.try_iter()? {
        state.consume_fuel(1)?;
        let new = match (filter, attribute) {
            (Some(filter), None) if is_available(filter) => state.apply_filter(filter, &[item])?,
            (None, Some(path)) => part(item, path)?,
            _ => {
                let message = "map takes the name of a filter that is available, or attribute='name'";
                return Err(Error::new(ErrorKind::InvalidOperation, message));
            }
        };
        // What the engine takes for a text that a filter makes.
        let length = new.as_str().map_or(0, str::len);
        state.consume_fuel(u64::try_from(length / 64).unwrap_or(u64::MAX))?;
        mapped.push(new);
    }
    Ok(mapped)
}

fn part(item: Value, path: &str) -> Result<Value, Error> {
    path.split('.').try_fold(item, |value, key| match key.parse() {
        Ok(place) => value.get_item_by_index(place),
        Err(_) => value.get_attr(key),
    })
}
