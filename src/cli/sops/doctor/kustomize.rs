//! Encrypted files among the resources of a kustomization: kustomize passes the ciphertext on to the cluster.

use std::collections::BTreeMap;

use crate::text::{DOCUMENTS, check_nesting};
use serde::Deserialize;

/// The kustomizations of a repository.
#[derive(Default)]
pub(super) struct Kustomizations {
    /// Path and what is listed there.
    lists: Vec<(String, Vec<String>)>,
    /// Something in the cluster decrypts what is applied.
    decrypted: bool,
}

/// How a repository says that something decrypts: scripts that call flux, options of its controllers, patches of its
/// Kustomizations, and the key in the environment of any other program.
const DECRYPTING: [&[u8]; 5] =
    [b"--decryption-provider=sops", b"--decryption-provider sops", b"--sops-age-secret", b"path: /spec/decryption", b"name: SOPS_AGE_KEY"];

#[derive(Deserialize)]
struct Kustomization {
    #[serde(default)]
    resources: Vec<String>,
}

impl Kustomizations {
    /// Looks at a file of the repository.
    pub(super) fn note(&mut self, path: &str, bytes: &[u8]) {
        let name = path.rsplit('/').next().unwrap_or(path);
        self.decrypted |= DECRYPTING.iter().any(|option| memchr::memmem::find(bytes, option).is_some());
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        if ["kustomization.yaml", "kustomization.yml", "Kustomization"].contains(&name) {
            let read = check_nesting(text, DOCUMENTS).ok().and_then(|()| serde_yaml::from_str(text).ok());
            let list = read.map_or_else(Vec::new, |Kustomization { resources }| resources);
            self.lists.push((path.to_owned(), list));
        }
        // Quotes and the braces of the flow style say no more.
        let has = |line: &str| text.lines().any(|found| found.replace(['"', '\'', ',', '{', '}'], "").trim() == line);
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
