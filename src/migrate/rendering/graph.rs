//! [`Graph`]: which kustomizations render a file. It is no judge of whether one may be rendered; that is
//! [`gather`](super::gather).

use std::collections::{BTreeMap, BTreeSet};

use serde_yaml::Value;

use crate::migrate::file::folder_of;
use crate::migrate::manifests::{is_kustomization, resolve};
use crate::migrate::yaml::documents;

/// The kustomizations of a repository and what they name.
pub(super) struct Graph {
    nodes: BTreeMap<String, Node>,
}

#[derive(Default)]
struct Node {
    /// Files, and kustomizations of folders.
    names: BTreeSet<String>,
    /// Whether it is no YAML, so that it may name any file.
    unread: bool,
}

impl Graph {
    /// Of the YAML files of a repository, by path. `real` is where a path leads that has symbolic links in it.
    pub(super) fn new<'t>(texts: impl Iterator<Item = (&'t str, &'t str)>, real: &dyn Fn(&str) -> Option<String>) -> Self {
        let kustomizations: Vec<(&str, &str)> = texts.filter(|(path, _)| is_kustomization(path)).collect();
        let folders: BTreeMap<String, &str> =
            kustomizations.iter().map(|(path, _)| (folder_of(path).trim_end_matches('/').to_owned(), *path)).collect();
        let node = |path: &str, text: &str| {
            let mut node = Node::default();
            let documents = documents(text);
            node.unread = documents.is_none();
            let documents = documents.unwrap_or_default();
            let mut scalars = Vec::new();
            documents.iter().for_each(|document| strings(document, &mut scalars));
            // Inputs of generators are named `path` or `key=path`.
            let keyed = scalars.iter().filter_map(|text| text.split_once('=').map(|(_, path)| path));
            for text in scalars.iter().copied().chain(keyed) {
                let target = resolve(path, text);
                for target in real(&target).into_iter().chain([target]) {
                    node.names.insert(folders.get(&target).map_or(target, |kustomization| (*kustomization).to_owned()));
                }
            }
            node
        };
        Self { nodes: kustomizations.iter().map(|(path, text)| ((*path).to_owned(), node(path, text))).collect() }
    }

    /// The folders of the outermost kustomizations that some files are part of, or may be; empty for the top itself.
    pub(super) fn roots<'p>(&self, files: impl Iterator<Item = &'p str>) -> BTreeSet<String> {
        let mut reached: BTreeSet<&str> = BTreeSet::new();
        let mut next: Vec<String> = files.map(str::to_owned).collect();
        if !next.is_empty() {
            next.extend(self.nodes.iter().filter(|(_, node)| node.unread).map(|(path, _)| path.clone()));
        }
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
        let mut roots: BTreeSet<&str> = reached.iter().copied().filter(|path| !used(path)).collect();
        // Kustomizations that use each other have no outermost one.
        let mut below = self.below(&roots);
        for path in reached {
            if !below.contains(path) {
                roots.insert(path);
                below.extend(self.below(&BTreeSet::from([path])));
            }
        }
        roots.into_iter().map(|path| folder_of(path).trim_end_matches('/').to_owned()).collect()
    }

    /// Some kustomizations and all that they use.
    fn below<'g>(&'g self, roots: &BTreeSet<&'g str>) -> BTreeSet<&'g str> {
        let mut known = roots.clone();
        let mut next: Vec<&str> = roots.iter().copied().collect();
        while let Some(node) = next.pop().and_then(|path| self.nodes.get(path)) {
            next.extend(node.names.iter().map(String::as_str).filter(|name| self.nodes.contains_key(*name) && known.insert(name)));
        }
        known
    }
}

fn strings<'v>(value: &'v Value, out: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => out.push(text),
        Value::Sequence(items) => items.iter().for_each(|item| strings(item, out)),
        Value::Mapping(map) => map.iter().for_each(|(_, value)| strings(value, out)),
        Value::Tagged(tagged) => strings(&tagged.value, out),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roots_of(texts: &[(&str, &str)], file: &str) -> Vec<String> {
        let real = |path: &str| (path == "link").then(|| "shared".to_owned());
        Graph::new(texts.iter().copied(), &real).roots([file].into_iter()).into_iter().collect()
    }

    #[test]
    fn roots_are_what_nothing_else_uses() {
        let texts = [
            ("base/kustomization.yaml", "resources: [app.yaml, ../shared]\n"),
            ("shared/kustomization.yaml", "resources: [secret.yaml]\n"),
            ("overlays/dev/kustomization.yaml", "resources: [../../base]\npatches: [{path: patch.yaml}]\n"),
            ("overlays/prod/Kustomization", "resources: [../../base, https://example.org/x.yaml]\n---\n"),
            ("other/kustomization.yaml", "resources: [x.yaml]\nsecretGenerator: [{name: a, files: [k=tls/a.key, b.key], envs: [c.env]}]\n"),
        ];
        assert_eq!(roots_of(&texts, "shared/secret.yaml"), ["overlays/dev", "overlays/prod"]);
        assert_eq!(roots_of(&texts, "overlays/dev/patch.yaml"), ["overlays/dev"]);
        for input in ["other/tls/a.key", "other/b.key", "other/c.env"] {
            assert_eq!(roots_of(&texts, input), ["other"], "{input}");
        }
        assert_eq!(roots_of(&texts, "README.md"), [""; 0]);
    }

    #[test]
    fn kustomizations_are_not_lost_behind_links_circles_and_errors() {
        let linked = [("shared/kustomization.yaml", "resources: [secret.yaml]\n"), ("k/kustomization.yaml", "resources: [../link]\n")];
        assert_eq!(roots_of(&linked, "shared/secret.yaml"), ["k"]);
        let circle = [("a/kustomization.yaml", "resources: [../b, x.yaml]\n"), ("b/kustomization.yaml", "resources: [../a]\n")];
        assert_eq!(roots_of(&circle, "a/x.yaml"), ["a"]);
        let broken = [("a/kustomization.yaml", "resources: [x.yaml\n"), ("b/kustomization.yaml", "resources: [y.yaml]\n")];
        assert_eq!(roots_of(&broken, "b/y.yaml"), ["a", "b"]);
    }
}
