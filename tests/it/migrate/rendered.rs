//! What overlays render to: their objects, the values of their Secrets, and what containers get to see.

use std::collections::BTreeMap;

use super::bench::Bench;

/// Renders an overlay with kubectl.
pub(crate) fn kustomize(bench: &Bench, overlay: &str) -> String {
    crate::support::kustomize(&bench.place.path().join(overlay))
}

/// Kinds and names of what an overlay renders to; hashes behind names cut off.
pub(crate) fn objects(rendered: &str) -> Vec<(String, String)> {
    let mut objects: Vec<(String, String)> = rendered
        .split("\n---\n")
        .map(|document| {
            let value: serde_yaml::Value = serde_yaml::from_str(document).expect("YAML");
            let text = |value: &serde_yaml::Value| value.as_str().unwrap_or_default().to_owned();
            let name = text(&value["metadata"]["name"]);
            let name = if value["kind"] == "Secret" && name.starts_with("mail-") { "mail".to_owned() } else { name };
            (text(&value["kind"]), name)
        })
        .collect();
    objects.sort();
    objects
}

fn documents(rendered: &str) -> Vec<serde_yaml::Value> {
    rendered.split("\n---\n").map(|document| serde_yaml::from_str(document).expect("YAML")).collect()
}

/// A name without the hash that kustomize puts behind those it generates.
fn base(name: &str) -> String {
    name.strip_prefix("mail-").map_or(name, |_| "mail").to_owned()
}

/// Names and values of Secrets.
pub(crate) fn secrets(rendered: &str) -> Vec<(String, BTreeMap<String, String>)> {
    use base64::Engine as _;
    let decode = |text: &str| {
        let bytes = base64::engine::general_purpose::STANDARD.decode(text).expect("base64");
        String::from_utf8(bytes).expect("UTF-8")
    };
    let pairs = |value: &serde_yaml::Value, read: &dyn Fn(&str) -> String| {
        let map = value.as_mapping().into_iter().flatten();
        map.map(|(key, value)| (key.as_str().expect("a key").to_owned(), read(value.as_str().expect("a value")))).collect::<Vec<_>>()
    };
    let all = documents(rendered);
    let secrets = all.iter().filter(|document| document["kind"] == "Secret");
    secrets
        .map(|secret| {
            let values = [pairs(&secret["data"], &decode), pairs(&secret["stringData"], &str::to_owned)].concat();
            (base(secret["metadata"]["name"].as_str().expect("a name")), values.into_iter().collect())
        })
        .collect()
}

/// What containers get: the variables of their environment and the files of their volumes, by workload.
pub(crate) fn seen_inside(rendered: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let all = documents(rendered);
    let secrets: BTreeMap<String, BTreeMap<String, String>> = secrets(rendered).into_iter().collect();
    let text = |value: &serde_yaml::Value| value.as_str().unwrap_or_default().to_owned();
    let maps = all.iter().filter(|document| document["kind"] == "ConfigMap");
    let maps: BTreeMap<String, BTreeMap<String, String>> = maps
        .map(|map| {
            let data = map["data"].as_mapping().into_iter().flatten();
            (text(&map["metadata"]["name"]), data.map(|(key, value)| (text(key), text(value))).collect())
        })
        .collect();
    let of = |source: &serde_yaml::Value, map: &str, secret: &str| {
        let named = |name: &str, all: &BTreeMap<_, BTreeMap<_, _>>| all.get(name).cloned().unwrap_or_default();
        match (source[map]["name"].as_str(), source[secret]["name"].as_str()) {
            (Some(name), _) => named(name, &maps),
            (_, Some(name)) => named(&base(name), &secrets),
            _ => BTreeMap::new(),
        }
    };
    let mut seen = BTreeMap::new();
    for workload in &all {
        let spec = &workload["spec"];
        let pod = [&spec["template"]["spec"], &spec["jobTemplate"]["spec"]["template"]["spec"]];
        let Some(pod) = pod.into_iter().find(|pod| pod["containers"].is_sequence()) else { continue };
        let mut found = BTreeMap::new();
        for container in pod["containers"].as_sequence().into_iter().flatten() {
            for source in container["envFrom"].as_sequence().into_iter().flatten() {
                found.extend(of(source, "configMapRef", "secretRef"));
            }
            for variable in container["env"].as_sequence().into_iter().flatten() {
                let reference = &variable["valueFrom"]["secretKeyRef"];
                let value = match reference["name"].as_str() {
                    Some(name) => secrets[&base(name)][reference["key"].as_str().expect("a key")].clone(),
                    None => text(&variable["value"]),
                };
                found.insert(text(&variable["name"]), value);
            }
        }
        for volume in pod["volumes"].as_sequence().into_iter().flatten() {
            let sources = volume["projected"]["sources"].as_sequence().cloned().unwrap_or_else(|| vec![volume.clone()]);
            sources.iter().for_each(|source| found.extend(of(source, "configMap", "secret")));
        }
        seen.insert(text(&workload["metadata"]["name"]), found);
    }
    assert!(!seen.is_empty());
    seen
}
