//! YAML of a repository: which files are, and values, read only if they are not nested too deep.

use serde::de::{Deserialize, DeserializeOwned};
use serde_yaml::Value;

use crate::text::{DOCUMENTS, check_nesting};

/// All documents of a text; `None` if it is no YAML that sopup reads.
pub(super) fn documents(text: &str) -> Option<Vec<Value>> {
    check_nesting(text, DOCUMENTS).ok()?;
    serde_yaml::Deserializer::from_str(text).map(Value::deserialize).collect::<Result<_, _>>().ok()
}

/// The one document of a text; `None` if it is none of this kind.
pub(super) fn document<T: DeserializeOwned>(text: &str) -> Option<T> {
    check_nesting(text, DOCUMENTS).ok()?;
    serde_yaml::from_str(text).ok()
}

/// Whether a file is YAML, by its name.
pub(super) fn is_yaml(path: &str) -> bool {
    path.ends_with(".yaml") || path.ends_with(".yml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_documents_are_not_read() {
        let deep = |depth: usize| format!("a: {}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(documents(&format!("{}\n---\nb: 1\n", deep(20))).map(|all| all.len()), Some(2));
        assert!(documents(&deep(200_000)).is_none());
        assert!(document::<Value>(&deep(200_000)).is_none());
        assert!(documents("a: [").is_none());
    }
}
