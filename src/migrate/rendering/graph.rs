//! [`Graph`]: which kustomizations render a file.

use std::collections::{BTreeMap, BTreeSet};

use serde_yaml::Value;

use crate::migrate::file::folder_of;
use crate::migrate::manifests::{is_kustomization, resolve};

/// The kustomizations of a repository and what they name.
pub struct Graph {
    nodes: BTreeMap<String, Node>,
}

#[derive(Default)]
struct Node {
    /// Files, and kustomizations of folders.
    names: BTreeSet<String>,
    /// Whether something comes over the network or is made by a program.
    foreign: bool,
}

/// A kustomization that none of the others uses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Root {
    /// Its folder, relative to the top; empty for the top itself.
    pub folder: String,
    /// Whether rendering it would reach out or run programs.
    pub foreign: bool,
}

impl Graph {
    /// Of the YAML files of a repository, by path.
    pub fn new<'t>(texts: impl Iterator<Item = (&'t str, &'t str)>) -> Self {
        let kustomizations: Vec<(&str, &str)> = texts.filter(|(path, _)| is_kustomization(path)).collect();
        let folders: BTreeMap<String, &str> =
            kustomizations.iter().map(|(path, _)| (folder_of(path).trim_end_matches('/').to_owned(), *path)).collect();
        let node = |path: &str, text: &str| {
            let mut node = Node::default();
            let value: Value = serde_yaml::from_str(text).unwrap_or_default();
            const PROGRAMS: [&str; 5] = ["generators", "transformers", "validators", "helmCharts", "helmChartInflationGenerator"];
            node.foreign = PROGRAMS.iter().any(|key| value[*key].as_sequence().is_some_and(|items| !items.is_empty()));
            let mut scalars = Vec::new();
            strings(&value, &mut scalars);
            for text in scalars {
                let target = resolve(path, text);
                node.names.insert(folders.get(&target).map_or(target, |kustomization| (*kustomization).to_owned()));
            }
            const LISTS: [&str; 5] = ["resources", "bases", "components", "crds", "configurations"];
            let listed = LISTS.iter().filter_map(|key| value[*key].as_sequence()).flatten().filter_map(Value::as_str);
            node.foreign |= listed.into_iter().any(is_remote);
            node
        };
        Self { nodes: kustomizations.iter().map(|(path, text)| ((*path).to_owned(), node(path, text))).collect() }
    }

    /// The outermost kustomizations that some files are part of.
    pub fn roots<'p>(&self, files: impl Iterator<Item = &'p str>) -> BTreeSet<Root> {
        let mut reached: BTreeSet<&str> = BTreeSet::new();
        let mut next: Vec<String> = files.map(str::to_owned).collect();
        let mut known: BTreeSet<String> = next.iter().cloned().collect();
        while let Some(path) = next.pop() {
            if let Some((path, _)) = self.nodes.get_key_value(&path) {
                reached.insert(path);
            }
            for (kustomization, node) in &self.nodes {
                if node.names.contains(&path) && known.insert(kustomization.clone()) {
                    next.push(kustomization.clone());
                }
            }
        }
        let used = |path: &str| self.nodes.iter().any(|(other, node)| other != path && node.names.contains(path));
        let roots = reached.into_iter().filter(|path| !used(path));
        roots.map(|path| Root { folder: folder_of(path).trim_end_matches('/').to_owned(), foreign: self.is_foreign(path) }).collect()
    }

    fn is_foreign(&self, root: &str) -> bool {
        let mut known = BTreeSet::from([root]);
        let mut next = vec![root];
        while let Some(path) = next.pop() {
            let Some(node) = self.nodes.get(path) else { continue };
            if node.foreign {
                return true;
            }
            next.extend(node.names.iter().map(String::as_str).filter(|name| known.insert(name)));
        }
        false
    }
}

fn strings<'v>(value: &'v Value, out: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => out.push(text),
        Value::Sequence(items) => items.iter().for_each(|item| strings(item, out)),
        Value::Mapping(map) => map.iter().for_each(|(_, value)| strings(value, out)),
        _ => {}
    }
}

/// Whether a resource is not of this repository: `https://…`, `git@…`, `github.com/owner/name//path?ref=main`.
fn is_remote(resource: &str) -> bool {
    const ENDS: [&str; 6] = [".com", ".org", ".io", ".net", ".dev", ".cloud"];
    let hosted = resource.split_once('/').is_some_and(|(first, _)| ENDS.iter().any(|end| first.ends_with(end)));
    resource.contains("://") || resource.contains("git@") || resource.contains("?ref=") || hosted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_what_nothing_else_uses() {
        let texts = [
            ("base/kustomization.yaml", "resources: [app.yaml, ../shared]\n"),
            ("shared/kustomization.yaml", "resources: [secret.yaml]\n"),
            ("overlays/dev/kustomization.yaml", "resources: [../../base]\npatches: [{path: patch.yaml}]\n"),
            ("overlays/prod/kustomization.yaml", "resources: [../../base, https://example.org/x.yaml]\n"),
            ("other/kustomization.yaml", "resources: [x.yaml]\n"),
        ];
        let graph = Graph::new(texts.into_iter());
        let roots = |file| graph.roots([file].into_iter()).into_iter().map(|root| (root.folder, root.foreign)).collect::<Vec<_>>();
        let both = [("overlays/dev".to_owned(), false), ("overlays/prod".to_owned(), true)];
        assert_eq!(roots("shared/secret.yaml"), both);
        assert_eq!(roots("overlays/dev/patch.yaml"), both[..1]);
        assert_eq!(roots("README.md"), []);
    }

    #[test]
    fn resources_of_others_are_told() {
        for remote in ["https://x.org/a.yaml", "github.com/a/b//c?ref=v1", "git@x.org:a/b", "github.com/a/b"] {
            assert!(is_remote(remote), "{remote}");
        }
        for local in ["../base", "./a.yaml", "a.b.yaml", "apps.v1/x.yaml", "deploy/x"] {
            assert!(!is_remote(local), "{local}");
        }
    }
}
