//! How deep a YAML text is nested, checked before it is read into values: the library that does so takes time that grows
//! with the square of the depth.

use granit_parser::{ErrorKind, Parser};

/// Rules and configurations nest less deep than this.
pub const SETTINGS: usize = 32;

/// Manifests and other documents of a repository nest less deep than this.
pub const DOCUMENTS: usize = 128;

/// Looks whether a text is YAML, nested at most `deepest` deep.
///
/// # Errors
/// The line, from 1, and what is wrong there.
pub fn check_nesting(text: &str, deepest: usize) -> Result<(), (usize, String)> {
    let options = granit_parser::options! { block_nesting_limit: deepest, flow_nesting_limit: deepest };
    match Parser::new_from_str_with_options(text, options).find_map(Result::err) {
        None => Ok(()),
        Some(error) => {
            let message = match error.kind() {
                ErrorKind::RecursionLimitExceeded => format!("lists and mappings are nested more than {deepest} deep"),
                _ => format!("not valid YAML: {}", error.info()),
            };
            Err((error.marker().line(), message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_texts_are_refused_before_they_cost_time() {
        let deep = format!("allow: {}", "[".repeat(100_000));
        assert_eq!(check_nesting(&deep, SETTINGS), Err((1, "lists and mappings are nested more than 32 deep".to_owned())));
        let block: String = (0..40).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
        assert!(check_nesting(&block, SETTINGS).is_err());
        assert!(check_nesting("a: \"x\nb: c\n", SETTINGS).is_err());
        assert_eq!(check_nesting("allow:\n  - paths: [a, 'b/**']\n    reason: x\n", SETTINGS), Ok(()));
        assert_eq!(check_nesting("", SETTINGS), Ok(()));
    }
}
