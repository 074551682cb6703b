//! What rendered objects hold and what containers get to see of it: variables and files.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_yaml::Value;

use super::{Plain, base, kind, name, shown};

/// Where a value is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Site {
    /// A variable of a container.
    Variable { of: String, container: String, name: String },
    /// A file of a volume.
    File { of: String, volume: String, name: String },
    /// A key of a Secret or ConfigMap.
    Key { of: String, name: String },
}

/// A key that stands for all that can be: an object whose keys somebody else has.
const ANY: &str = "*";

impl Site {
    /// The same place with whatever name.
    pub(super) fn any(&self) -> Self {
        let mut any = self.clone();
        match &mut any {
            Self::Variable { name, .. } | Self::File { name, .. } | Self::Key { name, .. } => ANY.clone_into(name),
        }
        any
    }

    /// Whether a container sees it.
    pub(super) fn is_seen(&self) -> bool {
        !matches!(self, Self::Key { .. })
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable { of, container, name } => write!(f, "the variable {name} of {of} ({container})"),
            Self::File { of, volume, name } => write!(f, "the file {name} of the volume {volume} of {of}"),
            Self::Key { of, name } => write!(f, "the key {name} of {of}"),
        }
    }
}

/// What is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sight {
    /// A value, and where it comes from.
    Text { text: String, from: Source },
    /// A value that the cluster or a secret store has.
    Sealed,
    /// A value that cannot be read, as it was rendered.
    Unread(String),
    /// The Secret or ConfigMap is not among the objects.
    Nowhere,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Literal,
    Object,
}

/// Values by kind and name of the object, then by key.
type Held = BTreeMap<(&'static str, String), BTreeMap<String, Sight>>;

/// All values of some objects.
pub(super) fn sights(objects: &[Value], plain: &Plain) -> BTreeMap<Site, Sight> {
    let held = held(objects, plain);
    let mut all = BTreeMap::new();
    for ((kind, name), values) in &held {
        for (key, sight) in values {
            all.insert(Site::Key { of: format!("{kind} {name}"), name: key.clone() }, sight.clone());
        }
    }
    for object in objects {
        let spec = &object["spec"];
        let pods = [spec, &spec["template"]["spec"], &spec["jobTemplate"]["spec"]["template"]["spec"]];
        if let Some(pod) = pods.into_iter().find(|pod| pod["containers"].is_sequence()) {
            of_pod(&name(object), pod, &held, plain, &mut all);
        }
    }
    all
}

fn held(objects: &[Value], plain: &Plain) -> Held {
    let mut held = Held::new();
    for object in objects {
        let name = base(object["metadata"]["name"].as_str().unwrap_or_default()).to_owned();
        match kind(object) {
            "Secret" => held.entry(("Secret", name)).or_default().extend(of_secret(object, plain)),
            "ConfigMap" => {
                let texts = pairs(&object["data"]).map(|(key, text)| (key, Sight::Text { text, from: Source::Object }));
                let binary = pairs(&object["binaryData"]).map(|(key, text)| (key, of_base64(&text, plain)));
                held.entry(("ConfigMap", name)).or_default().extend(texts.chain(binary));
            }
            "SopsSecret" => {
                for template in object["spec"]["secretTemplates"].as_sequence().into_iter().flatten() {
                    let name = template["name"].as_str().unwrap_or_default().to_owned();
                    held.entry(("Secret", name)).or_default().extend(of_secret(template, plain));
                }
            }
            "ExternalSecret" | "SealedSecret" => {
                let target = object["spec"]["target"]["name"].as_str().or(object["spec"]["template"]["metadata"]["name"].as_str());
                let name = target.map_or(name, str::to_owned);
                let listed = object["spec"]["data"].as_sequence().into_iter().flatten();
                let keys = listed.filter_map(|item| item["secretKey"].as_str().map(str::to_owned));
                let all = object["spec"]["dataFrom"].is_sequence().then(|| ANY.to_owned());
                let keys = keys.chain(pairs(&object["spec"]["encryptedData"]).map(|(key, _)| key)).chain(all);
                held.entry(("Secret", name)).or_default().extend(keys.map(|key| (key, Sight::Sealed)));
            }
            _ => {}
        }
    }
    held
}

fn of_secret(object: &Value, plain: &Plain) -> BTreeMap<String, Sight> {
    let data = pairs(&object["data"]).map(|(key, text)| (key, of_base64(&text, plain)));
    data.chain(pairs(&object["stringData"]).map(|(key, text)| (key, of_text(&text, plain, Source::Object)))).collect()
}

/// What base64 stands for. What was encrypted is base64 inside; what kustomize encoded is ciphertext inside.
fn of_base64(raw: &str, plain: &Plain) -> Sight {
    // kustomize breaks long values into lines.
    let unwrapped: String = raw.split_whitespace().collect();
    let outer = plain.text(&unwrapped).map(|text| text.split_whitespace().collect::<String>());
    let Some(bytes) = outer.as_ref().and_then(|text| STANDARD.decode(text).ok()) else { return Sight::Unread(unwrapped) };
    match String::from_utf8(bytes) {
        Ok(text) => of_text(&text, plain, Source::Object),
        // What is no text is compared as base64.
        Err(_) => Sight::Text { text: outer.unwrap_or_default(), from: Source::Object },
    }
}

fn of_text(raw: &str, plain: &Plain, from: Source) -> Sight {
    plain.text(raw).map_or_else(|| Sight::Unread(raw.to_owned()), |text| Sight::Text { text, from })
}

fn pairs(map: &Value) -> impl Iterator<Item = (String, String)> + '_ {
    let entries = map.as_mapping().into_iter().flatten();
    entries.filter_map(|(key, value)| Some((key.as_str()?.to_owned(), shown(value))))
}

fn of_pod(of: &str, pod: &Value, held: &Held, plain: &Plain, all: &mut BTreeMap<Site, Sight>) {
    let lists = [&pod["containers"], &pod["initContainers"]];
    for container in lists.into_iter().filter_map(Value::as_sequence).flatten() {
        let called = container["name"].as_str().unwrap_or_default();
        let site = |name: &str| Site::Variable { of: of.to_owned(), container: called.to_owned(), name: name.to_owned() };
        for source in container["envFrom"].as_sequence().into_iter().flatten() {
            let prefix = source["prefix"].as_str().unwrap_or_default();
            let values = source_of(source, "configMapRef", "secretRef").and_then(|(kind, name)| held.get(&(kind, name)));
            all.extend(values.into_iter().flatten().map(|(key, sight)| (site(&format!("{prefix}{key}")), sight.clone())));
        }
        for variable in container["env"].as_sequence().into_iter().flatten() {
            let Some(name) = variable["name"].as_str() else { continue };
            all.insert(site(name), of_variable(variable, held, plain));
        }
    }
    for volume in pod["volumes"].as_sequence().into_iter().flatten() {
        let called = volume["name"].as_str().unwrap_or_default();
        let projected = volume["projected"]["sources"].as_sequence();
        for source in projected.map_or_else(|| vec![volume], |sources| sources.iter().collect()) {
            let Some((kind, name)) = source_of(source, "configMap", "secret") else { continue };
            let items = source[kind_key(kind)]["items"].as_sequence();
            for (key, sight) in held.get(&(kind, name)).into_iter().flatten() {
                let item = items.map(|items| items.iter().find(|item| item["key"].as_str() == Some(key)));
                let path = match item {
                    None => Some(key.as_str()),
                    Some(item) => item.and_then(|item| item["path"].as_str()),
                };
                let Some(path) = path else { continue };
                let site = Site::File { of: of.to_owned(), volume: called.to_owned(), name: path.to_owned() };
                all.insert(site, sight.clone());
            }
        }
    }
}

fn kind_key(kind: &str) -> &'static str {
    if kind == "ConfigMap" { "configMap" } else { "secret" }
}

/// Kind and name of the object that a source is.
fn source_of(source: &Value, map: &str, secret: &str) -> Option<(&'static str, String)> {
    let named = |value: &Value| value["name"].as_str().or(value["secretName"].as_str()).map(|name| base(name).to_owned());
    named(&source[map]).map(|name| ("ConfigMap", name)).or_else(|| named(&source[secret]).map(|name| ("Secret", name)))
}

fn of_variable(variable: &Value, held: &Held, plain: &Plain) -> Sight {
    if let Some((kind, name)) = source_of(&variable["valueFrom"], "configMapKeyRef", "secretKeyRef") {
        let key = ["configMapKeyRef", "secretKeyRef"].iter().find_map(|from| variable["valueFrom"][*from]["key"].as_str());
        let value = held.get(&(kind, name)).and_then(|values| values.get(key.unwrap_or_default()).or(values.get(ANY)));
        return value.cloned().unwrap_or(Sight::Nowhere);
    }
    let value = &variable["value"];
    let text = shown(if value.is_null() { &variable["valueFrom"] } else { value });
    of_text(&text, plain, Source::Literal)
}
