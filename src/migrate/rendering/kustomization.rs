//! A kustomization read by a strict model: every key is known and harmless, every path is a plain one inside the
//! repository. What is not understood completely is refused, because the program that renders it fetches and runs what
//! a kustomization names. It is handed on as JSON that sopup wrote, so that no other parser can read it in another way.

use serde_yaml::{Mapping, Value};

/// The names that a kustomization can have in its folder.
pub(super) const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// A kustomization that names nothing but files and folders of the repository.
#[derive(Debug)]
pub(super) struct Kustomization {
    /// The same as JSON, which is YAML too.
    pub(super) json: String,
    /// What it names, as written.
    pub(super) references: Vec<Reference>,
}

/// What a kustomization names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reference {
    /// A file.
    File(String),
    /// A folder with a kustomization.
    Folder(String),
    /// Either of these.
    Either(String),
}

/// How a key of a kustomization is read.
#[derive(Clone, Copy)]
enum Field {
    /// Text, numbers, maps: no path is among it.
    Inert,
    /// One path of a file.
    File,
    /// Paths of files, or of folders with kustomizations.
    Resources,
    /// Paths of folders with kustomizations.
    Folders,
    /// Paths of files.
    Files,
    /// Paths of files, or manifests on several lines.
    FilesOrManifests,
    /// `path` or `key=path`.
    KeyedFiles,
    /// Maps with these keys.
    Maps(&'static [(&'static str, Field)]),
}

use crate::migrate::yaml::{document, documents};
use Field::{File, Files, FilesOrManifests, Folders, Inert, KeyedFiles, Maps, Resources};

const GENERATOR: Field = Maps(&[
    ("name", Inert),
    ("namespace", Inert),
    ("behavior", Inert),
    ("type", Inert),
    ("options", Inert),
    ("literals", Inert),
    ("files", KeyedFiles),
    ("envs", Files),
    ("env", File),
]);
const PATCH: Field = Maps(&[("path", File), ("patch", Inert), ("target", Inert), ("options", Inert)]);

/// Every key that may stand at the top, in exactly this case.
const FIELDS: &[(&str, Field)] = &[
    ("apiVersion", Inert),
    ("kind", Inert),
    ("metadata", Inert),
    ("namespace", Inert),
    ("namePrefix", Inert),
    ("nameSuffix", Inert),
    ("commonLabels", Inert),
    ("commonAnnotations", Inert),
    ("labels", Inert),
    ("images", Inert),
    ("replicas", Inert),
    ("generatorOptions", Inert),
    ("sortOptions", Inert),
    ("vars", Inert),
    ("resources", Resources),
    ("bases", Folders),
    ("components", Folders),
    ("crds", Files),
    ("configurations", Files),
    ("patchesStrategicMerge", FilesOrManifests),
    ("patches", PATCH),
    ("patchesJson6902", PATCH),
    ("replacements", Maps(&[("path", File), ("source", Inert), ("targets", Inert)])),
    ("configMapGenerator", GENERATOR),
    ("secretGenerator", GENERATOR),
];

/// Reads a kustomization; the error says what is not understood. No value is in it.
pub(super) fn read(text: &str) -> Result<Kustomization, String> {
    let documents = documents(text).ok_or("its kustomization is no YAML that sopup reads")?;
    let [Value::Mapping(top)] = documents.as_slice() else {
        return Err("its kustomization is not one document with keys".to_owned());
    };
    if !documents.iter().all(is_plain) {
        return Err("its kustomization has tags, or keys that are no text".to_owned());
    }
    let mut references = Vec::new();
    map(top, FIELDS, &mut references)?;
    let json = serde_json::to_string(top).map_err(|_| "its kustomization has keys that are no text".to_owned())?;
    Ok(Kustomization { json, references })
}

fn map(map: &Mapping, fields: &[(&str, Field)], references: &mut Vec<Reference>) -> Result<(), String> {
    for (key, value) in map {
        let key = key.as_str().unwrap_or_default();
        let known = fields.iter().find(|(name, _)| *name == key);
        let (name, field) = known.ok_or_else(|| format!("its kustomization has {}, which sopup does not let run", shown(key)))?;
        read_field(name, value, *field, references)?;
    }
    Ok(())
}

/// A key, if it is a word.
fn shown(key: &str) -> String {
    let is_word = (1..=40).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_word { format!("the key `{key}`") } else { "a key that is no word".to_owned() }
}

fn read_field(name: &str, value: &Value, field: Field, references: &mut Vec<Reference>) -> Result<(), String> {
    let wrong = || format!("`{name}` of its kustomization is written in a way that sopup does not read");
    if value.is_null() {
        return Ok(());
    }
    if let Inert = field {
        return Ok(());
    }
    if let File = field {
        references.push(Reference::File(path(name, value.as_str().ok_or_else(wrong)?)?));
        return Ok(());
    }
    for item in value.as_sequence().ok_or_else(wrong)? {
        if let Maps(fields) = field {
            map(item.as_mapping().ok_or_else(wrong)?, fields, references)?;
            continue;
        }
        let text = item.as_str().ok_or_else(wrong)?;
        match field {
            Resources => references.push(Reference::Either(path(name, text)?)),
            Folders => references.push(Reference::Folder(path(name, text)?)),
            KeyedFiles => references.push(Reference::File(path(name, text.split_once('=').map_or(text, |(_, path)| path))?)),
            FilesOrManifests if is_manifest(text) => {}
            _ => references.push(Reference::File(path(name, text)?)),
        }
    }
    Ok(())
}

/// Whether nothing in a value has a tag, which parsers may obey.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Tagged(_) => false,
        Value::Sequence(items) => items.iter().all(is_plain),
        Value::Mapping(map) => map.iter().all(|(key, value)| key.is_string() && is_plain(value)),
        _ => true,
    }
}

/// Whether a text is a manifest itself and cannot be taken for a path.
fn is_manifest(text: &str) -> bool {
    text.contains('\n') && document::<Mapping>(text).is_some_and(|map| map.contains_key("kind"))
}

/// A path, if nothing in it could be taken for an address: `user@host:path`, `github.com/owner/name`, `file://…`, `a?ref=b`.
fn path(name: &str, text: &str) -> Result<String, String> {
    let letters = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-+/".contains(&byte));
    let first = text.split('/').next().unwrap_or_default();
    let is_host = text.contains('/') && first.contains('.') && first != "." && first != "..";
    let plain = letters && !text.is_empty() && !text.starts_with('/') && !text.contains("//") && !is_host;
    let wrong = || format!("`{name}` of its kustomization names something that is no plain path inside the repository");
    plain.then(|| text.to_owned()).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kustomizations_are_made_of_is_read() {
        let text = "\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: shop
resources: [app.yaml, ../base/, ./x/y.yaml]
components: [../logging]
patches:
  - path: p.yaml
    target: {kind: Deployment}
  - patch: '[{op: remove, path: /spec}]'
patchesStrategicMerge:
  - s.yaml
  - |-
    kind: Deployment
    metadata: {name: app}
secretGenerator:
  - name: tls
    files: [server.key, ca.crt=certs/ca.crt]
    envs: [app.env]
    literals: ['URL=postgres://u@h/d?x=y']
configMapGenerator:
images: [{name: app, newTag: \"1\"}]
";
        let read = read(text).expect("is understood");
        let paths = read.references.iter().map(|reference| match reference {
            Reference::File(path) => format!("file {path}"),
            Reference::Folder(path) => format!("folder {path}"),
            Reference::Either(path) => format!("either {path}"),
        });
        let wanted = [
            "either app.yaml",
            "either ../base/",
            "either ./x/y.yaml",
            "folder ../logging",
            "file p.yaml",
            "file s.yaml",
            "file server.key",
            "file certs/ca.crt",
            "file app.env",
        ];
        assert_eq!(paths.collect::<Vec<_>>(), wanted);
        let (json, yaml): (Value, Value) = (serde_yaml::from_str(&read.json).expect("YAML"), serde_yaml::from_str(text).expect("YAML"));
        assert_eq!(json, yaml, "what is rendered is what was read");
    }

    #[test]
    fn what_could_reach_out_or_run_something_is_refused() {
        let address = "file:///x//y?version=--upload-pack=touch%20z";
        let everywhere = |entry: &str| {
            [
                format!("resources: [\"{entry}\"]\n"),
                format!("bases: [\"{entry}\"]\n"),
                format!("components: [\"{entry}\"]\n"),
                format!("crds: [\"{entry}\"]\n"),
                format!("configurations: [\"{entry}\"]\n"),
                format!("patches: [{{path: \"{entry}\"}}]\n"),
                format!("patchesJson6902: [{{path: \"{entry}\"}}]\n"),
                format!("patchesStrategicMerge: [\"{entry}\"]\n"),
                format!("replacements: [{{path: \"{entry}\"}}]\n"),
                format!("configMapGenerator: [{{name: a, files: [\"k={entry}\"]}}]\n"),
                format!("secretGenerator: [{{name: a, envs: [\"{entry}\"]}}]\n"),
                format!("secretGenerator: [{{name: a, env: \"{entry}\"}}]\n"),
                format!("r: &r [\"{entry}\"]\nresources: *r\n"),
            ]
        };
        let entries = [
            address,
            "http://127.0.0.1/x",
            "bob@127.0.0.1:x/y",
            "github.com:org/repo",
            "github.com/org/repo",
            "gh:org/repo",
            "git::x",
            "/etc/passwd",
            "a//b",
            "a?ref=b",
            "a%2fb",
            "a\\\\b",
            "a b",
            "",
        ];
        for text in entries.iter().flat_map(|entry| everywhere(entry)) {
            assert!(read(&text).is_err(), "{text}");
        }
        for text in [
            "Resources: [a.yaml]\n",
            "RESOURCES: [a.yaml]\n",
            "generators: [a.yaml]\n",
            "transformers: []\n",
            "validators: [a.yaml]\n",
            "helmCharts: [{name: x}]\n",
            "helmGlobals: {chartHome: x}\n",
            "helmChartInflationGenerator: []\n",
            "openapi: {path: a.json}\n",
            "secretGenerator: [{name: a, Files: [b]}]\n",
            "secretGenerator: [{name: a, kvSources: [{pluginType: Go}]}]\n",
            "resources: [a.yaml]\n---\n",
            "---\n---\nresources: [a.yaml]\n",
            "resources: [a.yaml]\nresources: [b.yaml]\n",
            "resources: !x [a.yaml]\n",
            "labels: !x a\n",
            "<<: {resources: [a.yaml]}\n",
            "resources: {a: b}\n",
            "resources: [[a.yaml]]\n",
            "resources: [1]\n",
            "patchesStrategicMerge: [\"http://x/y\\nz\"]\n",
            "- a\n",
            "\u{0}",
            "",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
