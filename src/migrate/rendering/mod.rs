//! Proof that what kustomize renders does the same after a migration: containers get to see the same variables and
//! files, Secrets hold the same values once decrypted, and nothing else differs but what held a moved value.

mod compared;
mod copy;
mod graph;
mod kustomization;
mod release;
mod sight;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_yaml::Value;

pub(super) use compared::compared;
pub use compared::{Compared, Failure, Renderer};
pub use copy::Files;
use sight::{Sight, Site, Source, sights};

use super::change::Change;
use super::render::START;
use crate::migrate::yaml::documents;
use crate::secret::Secret;
use crate::sops::keyring::Keyring;
use crate::sops::ops::open;
use crate::sops::store::{Format, Limits, Style};
use crate::sops::tree::Node;

/// The objects that a kustomization renders to.
pub struct Rendering(Vec<Value>);

impl Rendering {
    /// Reads what kustomize writes; `None` if it is no YAML.
    pub fn parse(text: &str) -> Option<Self> {
        documents(text).map(|documents| Self(documents.into_iter().filter(|document| !document.is_null()).collect()))
    }
}

/// The plain values of what stores hold, by their ciphertext: kustomize hands that on as it is.
#[derive(Default)]
pub struct Plain(HashMap<String, Secret>);

impl Plain {
    /// Of the stores that a migration wrote, as they were before and are now.
    pub fn of(changes: &[Change], keyring: &Keyring) -> Self {
        let mut plain = HashMap::new();
        let stores = changes.iter().filter(|change| change.expected.is_some());
        let versions = stores.flat_map(|change| change.before.iter().chain([&change.after]).map(move |bytes| (change, bytes)));
        for (change, bytes) in versions {
            let store = Format::from_path(&change.path).store(Limits::default(), Style::default());
            let Ok(opened) = open(&*store, bytes, keyring) else { continue };
            for (sealed, decrypted) in opened.source.tree.documents.iter().zip(&opened.tree.documents) {
                pair(&Node::Map(sealed.clone()), &Node::Map(decrypted.clone()), &mut plain);
            }
        }
        Self(plain)
    }

    /// The text of a value, decrypted if it is one of these.
    fn text(&self, value: &str) -> Option<String> {
        match self.0.get(value) {
            Some(secret) => Some(String::from_utf8_lossy(secret.expose()).into_owned()),
            None => (!value.starts_with("ENC[AES256_GCM,")).then(|| value.to_owned()),
        }
    }
}

fn pair(sealed: &Node, decrypted: &Node, plain: &mut HashMap<String, Secret>) {
    match (sealed, decrypted) {
        (Node::Map(one), Node::Map(other)) => {
            one.entries().zip(other.entries()).for_each(|(one, other)| pair(&one.value, &other.value, plain));
        }
        (Node::List(one), Node::List(other)) => one.values().zip(other.values()).for_each(|(one, other)| pair(one, other, plain)),
        (one, other) => {
            if let (Some(cipher), Some(text)) = (one.as_str(), other.as_str()) {
                plain.insert(cipher.to_owned(), Secret::new(text.as_bytes().to_vec()));
            }
        }
    }
}

/// What a comparison of two renderings found, for people to read. No value is among it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// What differs and should not, or cannot be read well enough to say that it does not.
    pub different: Vec<String>,
    /// What nobody can tell from the renderings: the cluster or a secret store has it.
    pub elsewhere: Vec<String>,
}

/// Compares two renderings.
pub fn compare(before: &Rendering, after: &Rendering, plain: &Plain, moved: &BTreeSet<&Secret>) -> Comparison {
    let mut found = Comparison::default();
    let (before, after) = (&release::with_values(before, plain), &release::with_values(after, plain));
    let (old, new) = (by_name(before), by_name(after));
    for (name, object) in &old {
        let values_alone = matches!(kind(object), "Secret" | "ConfigMap");
        match new.get(name) {
            Some(other) if !values_alone => fields(name, object, other, moved, &mut found.different),
            Some(other) if sort(object) != sort(other) => found.different.push(format!("{name}: type differs")),
            None if !values_alone => found.different.push(format!("{name} is no longer rendered")),
            _ => {}
        }
    }
    let (old, new) = (sights(&before.0, plain), sights(&after.0, plain));
    for (place, sight) in &old {
        values(place, sight, new.get(place).or_else(|| new.get(&place.any())), moved, &mut found);
    }
    found
}

/// Compares what is at one place.
fn values(place: &Site, before: &Sight, after: Option<&Sight>, moved: &BTreeSet<&Secret>, found: &mut Comparison) {
    match (before, after) {
        (Sight::Nowhere, None | Some(Sight::Nowhere)) | (Sight::Sealed, Some(Sight::Sealed)) => {}
        (Sight::Nowhere, Some(_)) => found.elsewhere.push(format!("{place} came from a Secret that was not rendered before")),
        (_, Some(Sight::Nowhere)) => found.different.push(format!("{place} comes from a Secret that is not rendered")),
        (Sight::Sealed, Some(_)) | (_, Some(Sight::Sealed)) => {
            found.elsewhere.push(format!("{place} has a value that a secret store keeps"))
        }
        (Sight::Unread(text), Some(Sight::Unread(other))) if text == other => {}
        (Sight::Unread(_), Some(_)) | (_, Some(Sight::Unread(_))) => {
            found.different.push(format!("{place} has a value that cannot be read"))
        }
        (Sight::Text { text, .. }, Some(Sight::Text { text: other, from })) => {
            let replaced = *from == Source::Literal && holds(text, moved) && !is_unresolved(other);
            if text != other && !replaced {
                found.different.push(format!("{place} has another value"));
            }
        }
        // A key of a ConfigMap may move as a whole; whoever reads it is looked at.
        (Sight::Text { text, .. }, None) if !place.is_seen() && holds(text, moved) => {}
        (_, None) => found.different.push(format!("{place} is no longer there")),
    }
}

/// The type of a Secret.
fn sort(object: &Value) -> &str {
    object["type"].as_str().unwrap_or("Opaque")
}

fn kind(object: &Value) -> &str {
    object["kind"].as_str().unwrap_or_default()
}

/// Objects by what tells them apart, without the hashes that kustomize puts behind names.
fn by_name(rendering: &Rendering) -> BTreeMap<String, &Value> {
    rendering.0.iter().map(|object| (name(object), object)).collect()
}

fn name(object: &Value) -> String {
    let metadata = &object["metadata"];
    let name = metadata["name"].as_str().unwrap_or_default();
    match metadata["namespace"].as_str() {
        Some(namespace) => format!("{} {namespace}/{}", kind(object), base(name)),
        None => format!("{} {}", kind(object), base(name)),
    }
}

/// A name without the hash that kustomize puts behind those it generates.
fn base(name: &str) -> &str {
    const LETTERS: &[u8] = b"2456789bcdfghkmt";
    match name.rsplit_once('-') {
        Some((base, hash)) if hash.len() == 10 && hash.bytes().all(|byte| LETTERS.contains(&byte)) => base,
        _ => name,
    }
}

/// A scalar as text: numbers and the like as they are spelled in Rust, which is enough to compare them.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => format!("{other:?}"),
    }
}

/// Whether a text has a reference for vals in it, which kustomize hands on as it is.
fn is_unresolved(text: &str) -> bool {
    text.contains(START)
}

/// Whether a text has a moved value in it.
fn holds(text: &str, moved: &BTreeSet<&Secret>) -> bool {
    moved.iter().any(|secret| memchr::memmem::find(text.as_bytes(), secret.expose()).is_some())
}

/// Compares what is not looked at as variables, files or Secrets.
fn fields(name: &str, before: &Value, after: &Value, moved: &BTreeSet<&Secret>, found: &mut Vec<String>) {
    let (mut old, mut new) = (BTreeMap::new(), BTreeMap::new());
    flatten(before, &mut String::new(), &mut old);
    flatten(after, &mut String::new(), &mut new);
    for (path, text) in &old {
        match new.get(path) {
            Some(other) if other == text => {}
            Some(other) if holds(text, moved) && is_unresolved(other) => {
                found.push(format!("{name}: {path} has a reference that nothing there resolves"));
            }
            _ if holds(text, moved) => {}
            _ => found.push(format!("{name}: {path} differs")),
        }
    }
    found.extend(new.keys().filter(|path| !old.contains_key(*path)).map(|path| format!("{name}: {path} is new")));
}

fn flatten(value: &Value, path: &mut String, out: &mut BTreeMap<String, String>) {
    /// What containers see is compared on its own.
    const SEEN: [&str; 4] = ["env", "envFrom", "volumes", "volumeMounts"];
    let at = path.len();
    match value {
        Value::Mapping(map) => {
            for (key, value) in map {
                let key = key.as_str().unwrap_or("?");
                if SEEN.contains(&key) && (path.contains("ontainers[") || path.ends_with("spec")) || key == "sops" {
                    continue;
                }
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
                flatten(value, path, out);
                path.truncate(at);
            }
        }
        Value::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push_str(&format!("[{index}]"));
                flatten(item, path, out);
                path.truncate(at);
            }
        }
        scalar => _ = out.insert(path.clone(), base(&shown(scalar)).to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "\
kind: Deployment
metadata: {name: app, namespace: shop}
spec:
  replicas: 2
  template:
    spec:
      containers:
      - name: main
        image: 296733347720.dkr.ecr.eu-west-1.amazonaws.com/app:1
        env: [{name: PASSWORD, value: Walrus88Timber}, {name: MODE, value: fast}]
        envFrom: [{configMapRef: {name: app-2456789bcd}}]
---
kind: ConfigMap
metadata: {name: app-2456789bcd, namespace: shop}
data: {LEVEL: debug, URL: 'redis://:Onyx77Glacier@cache'}
";

    fn compared(after: &str) -> Vec<String> {
        let found = comparison(after);
        found.different.into_iter().chain(found.elsewhere.into_iter().map(|place| format!("elsewhere: {place}"))).collect()
    }

    fn comparison(after: &str) -> Comparison {
        let secrets: Vec<Secret> =
            ["Walrus88Timber", "Onyx77Glacier", "296733347720"].iter().map(|text| Secret::new(text.as_bytes().to_vec())).collect();
        let plain = [("ENC[AES256_GCM,1]", "Walrus88Timber"), ("ENC[AES256_GCM,2]", "redis://:Onyx77Glacier@cache")];
        let plain = Plain(plain.map(|(sealed, text)| (sealed.to_owned(), Secret::new(text.as_bytes().to_vec()))).into_iter().collect());
        let parsed = |text: &str| Rendering::parse(text).expect("YAML");
        compare(&parsed(BEFORE), &parsed(after), &plain, &secrets.iter().collect())
    }

    const AFTER: &str = "\
kind: Deployment
metadata: {name: app, namespace: shop}
spec:
  replicas: 2
  template:
    spec:
      containers:
      - name: main
        image: ${AWS_ACCOUNT_ID}.dkr.ecr.eu-west-1.amazonaws.com/app:1
        env:
        - {name: PASSWORD, valueFrom: {secretKeyRef: {name: app-env, key: password}}}
        - {name: MODE, value: fast}
        envFrom: [{configMapRef: {name: app-tttttttttt}}, {secretRef: {name: app-secret}}]
---
kind: ConfigMap
metadata: {name: app-tttttttttt, namespace: shop}
data: {LEVEL: debug}
---
kind: Secret
metadata: {name: app-env, namespace: shop}
stringData: {password: 'ENC[AES256_GCM,1]'}
sops: {mac: x}
---
kind: Secret
metadata: {name: app-secret, namespace: shop}
stringData: {URL: 'ENC[AES256_GCM,2]'}
";

    #[test]
    fn values_that_arrive_by_another_way_are_the_same() {
        assert_eq!(compared(BEFORE), [""; 0]);
        assert_eq!(compared(AFTER), [""; 0]);
    }

    #[test]
    fn what_is_lost_or_altered_is_told() {
        for (from, to, told) in [
            ("replicas: 2", "replicas: 3", "Deployment shop/app: spec.replicas differs"),
            ("MODE, value: fast", "MODE, value: slow", "the variable MODE of Deployment shop/app (main) has another value"),
            ("- {name: MODE, value: fast}\n", "\n", "the variable MODE of Deployment shop/app (main) is no longer there"),
            ("key: password", "key: other", "the variable PASSWORD of Deployment shop/app (main) comes from a Secret that is not rendered"),
            (
                "password: 'ENC[AES256_GCM,1]'",
                "password: 'ENC[AES256_GCM,2]'",
                "the variable PASSWORD of Deployment shop/app (main) has another value",
            ),
            (", {secretRef: {name: app-secret}}", "", "the variable URL of Deployment shop/app (main) is no longer there"),
            ("LEVEL: debug", "LEVEL: info", "the variable LEVEL of Deployment shop/app (main) has another value"),
            ("image:", "command: [sh]\n        image:", "Deployment shop/app: spec.template.spec.containers[0].command[0] is new"),
            ("kind: Deployment", "kind: Deploiement", "Deployment shop/app is no longer rendered"),
        ] {
            let after = AFTER.replacen(from, to, 1);
            assert_ne!(after, AFTER, "{from}");
            assert!(compared(&after).iter().any(|found| found == told), "{from}: {:?}", compared(&after));
        }
    }

    #[test]
    fn what_a_secret_store_has_is_not_called_the_same() {
        let (workload, _) = AFTER.split_once("kind: Secret").expect("a Secret");
        let external = |name: &str, data: &str| format!("kind: ExternalSecret\nmetadata: {{name: {name}}}\nspec: {{{data}}}\n---\n");
        let both = format!(
            "{workload}{}{}",
            external("app-env", "data: [{secretKey: password}]"),
            external("app-secret", "dataFrom: [{extract: {key: x}}]")
        );
        let kept = comparison(&both);
        assert_eq!(kept.different, [""; 0]);
        let of = "of Deployment shop/app (main) has a value that a secret store keeps";
        assert_eq!(kept.elsewhere, [format!("the variable PASSWORD {of}"), format!("the variable URL {of}")]);
        let one = format!("{workload}{}", external("app-secret", "dataFrom: [{extract: {key: x}}]"));
        let lost = "the variable PASSWORD of Deployment shop/app (main) comes from a Secret that is not rendered";
        assert_eq!(comparison(&one).different, [lost]);
    }

    #[test]
    fn what_cannot_be_read_is_not_called_the_same() {
        let secret = |data: &str| Rendering::parse(&format!("kind: Secret\nmetadata: {{name: a}}\n{data}\n")).expect("YAML");
        let different = |one: &str, other: &str| compare(&secret(one), &secret(other), &Plain::default(), &BTreeSet::new()).different;
        let (long, other) = ("x".repeat(90), "y".repeat(90));
        let wrapped = |text: &str| {
            use base64::Engine as _;
            let encoded = base64::engine::general_purpose::STANDARD.encode(text);
            format!("data:\n  k: |\n    {}\n    {}", &encoded[..70], &encoded[70..])
        };
        assert_eq!(different(&wrapped(&long), &wrapped(&long)), [""; 0]);
        assert_eq!(different(&wrapped(&long), &wrapped(&other)), ["the key k of Secret a has another value"]);
        // Bytes that are no text, and ciphertext that nobody here can open.
        assert_eq!(different("data: {k: //79}", "data: {k: //78}"), ["the key k of Secret a has another value"]);
        assert_eq!(different("stringData: {k: 'ENC[AES256_GCM,1]'}", "stringData: {k: 'ENC[AES256_GCM,1]'}"), [""; 0]);
        for (one, other) in [("k: 'ENC[AES256_GCM,1]'", "k: 'ENC[AES256_GCM,2]'"), ("k: text", "k: 'ENC[AES256_GCM,2]'")] {
            let found = different(&format!("stringData: {{{one}}}"), &format!("stringData: {{{other}}}"));
            assert_eq!(found, ["the key k of Secret a has a value that cannot be read"], "{one}");
        }
        assert_eq!(different("data: {k: '%%%'}", "data: {k: YQ==}"), ["the key k of Secret a has a value that cannot be read"]);
        assert_eq!(different("type: kubernetes.io/tls", "type: Opaque"), ["Secret a: type differs"]);
    }

    #[test]
    fn hashes_behind_names_do_not_count() {
        assert_eq!(base("app-2456789bcd"), "app");
        assert_eq!(base("app-postgresql"), "app-postgresql");
    }
}
