//! Which plain files somebody meant to encrypt. A creation rule says how a file is encrypted, not that it must be: broad
//! rules cover manuals, templates and sources too.

use crate::sops::creation_rule::CreationRule;
use crate::sops::store::{Format, as_utf8};

/// Whether a plain file that a rule covers should be encrypted: the rule is for it alone, or its name or its content says
/// that it holds secrets.
pub(super) fn is_meant(path: &str, bytes: &[u8], rule: &CreationRule) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let bytes = &*as_utf8(bytes);
    if memchr::memmem::find(bytes, b"{{").is_some() || is_sample(name) || is_in_samples(path) {
        return false;
    }
    let names_it = rule.path_regex.as_ref().is_some_and(|regex| names_one_file(regex.as_str(), path));
    let format = Format::from_path(path);
    let says_secret = path.split('/').any(|part| part.to_ascii_lowercase().contains("secret"));
    names_it
        || is_store_by_name(name)
        || match format {
            Format::Dotenv => true,
            Format::Binary => memchr::memmem::find(bytes, b"PRIVATE KEY-----").is_some(),
            // The path says nothing of an ExternalSecret or a Kustomization.
            Format::Yaml => match kinds(bytes).as_slice() {
                [] => says_secret,
                kinds => kinds.contains(&"Secret"),
            },
            Format::Json | Format::Ini => says_secret,
        }
}

/// Whether a name says that its file is encrypted with sops: `db.enc.yaml`, `prod.sops.env`.
pub(super) fn is_store_by_name(name: &str) -> bool {
    let parts: Vec<&str> = name.split('.').collect();
    let [stem @ .., mark, extension] = parts.as_slice() else { return false };
    let named = !stem.iter().all(|part| part.is_empty()) && !stem.iter().any(|part| is_sample(part));
    named && ["enc", "sops"].contains(mark) && ["yaml", "yml", "json", "env", "ini"].contains(extension)
}

fn is_sample(name: &str) -> bool {
    ["example", "sample", "template", "tmpl", "tpl", "dist"].iter().any(|word| name.contains(word))
}

/// Whether a file lies among templates and examples.
pub(super) fn is_in_samples(path: &str) -> bool {
    let mut folders = path.split('/').rev().skip(1);
    folders.any(|folder| ["tmpl", "template", "templates", "example", "examples", "sample", "samples"].contains(&folder))
}

/// The kinds of the manifests of Kubernetes in a file.
fn kinds(bytes: &[u8]) -> Vec<&str> {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    text.lines().filter_map(|line| line.strip_prefix("kind:")).map(|kind| kind.trim().trim_matches(['"', '\''])).collect()
}

/// Whether a regular expression has no part that stands for more than one text, and ends where the path does: one that ends
/// before it is for a folder.
fn names_one_file(regex: &str, path: &str) -> bool {
    let is_literal = !regex.is_empty() && !regex.contains(['*', '+', '?', '[', '(', '{', '|']) && !regex.starts_with("\\.");
    is_literal && path.ends_with(&regex.trim_start_matches('^').trim_end_matches('$').replace('\\', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_for_one_file_names_it() {
        for (regex, one) in [
            (r"^config/prod\.yaml$", true),
            ("prod.yaml", true),
            (r"\.yaml$", false),
            (r"\.(enc|sops)\.yaml$", false),
            ("config/.*", false),
            ("^config/", false),
            ("config/prod", false),
        ] {
            assert_eq!(names_one_file(regex, "config/prod.yaml"), one, "{regex}");
        }
    }
}
