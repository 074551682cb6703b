//! Encrypted files among the resources of a kustomization: kustomize passes the ciphertext on to the cluster.

use std::collections::BTreeMap;

use crate::text::{DOCUMENTS, check_nesting};
use serde::Deserialize;

/// The kustomizations of a repository.
#[derive(Default)]
pub(super) struct Kustomizations {
    /// Path and what is listed there.
    lists: Vec<(String, Vec<String>)>,
    /// Flux decrypts what it applies.
    decrypted: bool,
}

/// How scripts that call flux say that it decrypts.
const FLUX_OPTIONS: [&[u8]; 2] = [b"--decryption-provider=sops", b"--decryption-provider sops"];

#[derive(Deserialize)]
struct Kustomization {
    #[serde(default)]
    resources: Vec<String>,
}

impl Kustomizations {
    /// Looks at a file of the repository.
    pub(super) fn note(&mut self, path: &str, bytes: &[u8]) {
        let name = path.rsplit('/').next().unwrap_or(path);
        self.decrypted |= FLUX_OPTIONS.iter().any(|option| memchr::memmem::find(bytes, option).is_some());
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        if ["kustomization.yaml", "kustomization.yml", "Kustomization"].contains(&name) {
            let read = check_nesting(text, DOCUMENTS).ok().and_then(|()| serde_yaml::from_str(text).ok());
            let list = read.map_or_else(Vec::new, |Kustomization { resources }| resources);
            self.lists.push((path.to_owned(), list));
        }
        let has = |line: &str| text.lines().any(|found| found.trim() == line);
        self.decrypted |= (name.ends_with(".yaml") || name.ends_with(".yml")) && has("decryption:") && has("provider: sops");
    }

    /// The kustomization that hands a file on as it is.
    pub(super) fn of(&self) -> BTreeMap<String, &str> {
        let lists = self.lists.iter().filter(|_| !self.decrypted);
        lists.flat_map(|(path, list)| list.iter().filter_map(|entry| Some((beside(path, entry)?, path.as_str())))).collect()
    }
}

/// The path of an entry, relative to the file that lists it; `None` if it leads out of what is examined.
fn beside(path: &str, entry: &str) -> Option<String> {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in entry.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop()?,
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_relative_to_their_list() {
        assert_eq!(beside("a/b/kustomization.yaml", "../c/./secret.yaml").as_deref(), Some("a/c/secret.yaml"));
        assert_eq!(beside("kustomization.yaml", "secret.yaml").as_deref(), Some("secret.yaml"));
        assert_eq!(beside("kustomization.yaml", "../secret.yaml"), None);
    }
}
