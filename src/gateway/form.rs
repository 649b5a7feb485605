//! What a model gives in a form that it was told.
use serde::de::DeserializeOwned;

/// Of JSON, also where the model put it in a fence as in Markdown; `None` where it is not in that form.
pub fn read_form<T: DeserializeOwned>(answer: &str) -> Option<T> {
    let answer = answer.trim();
    let fenced = answer.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    let bare = fenced.map_or(answer, |inside| inside.strip_prefix("json").unwrap_or(inside));
    serde_json::from_str(bare.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::read_form;

    #[test]
    fn json_is_read_bare_or_in_a_fence() {
        for answer in ["[1,2]", "  [1, 2]\n", "```json\n[1,2]\n```", "```\n[1,2]```"] {
            assert_eq!(read_form::<Vec<i32>>(answer), Some(vec![1, 2]), "{answer}");
        }
        for answer in ["", "```", "``````", "```json", "1, 2", "[1,2] as you asked", "{}"] {
            assert_eq!(read_form::<Vec<i32>>(answer), None, "{answer}");
        }
    }
}
