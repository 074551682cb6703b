//! HelmReleases of Flux with the values that they take from Secrets, so that what moved there is compared like what stayed.

use std::collections::HashMap;

use serde_yaml::{Mapping, Value};

use super::{Plain, Rendering, base, kind};

/// The same objects; HelmReleases have what `valuesFrom` puts at a `targetPath` among their values, where the Secret is there.
pub(super) fn with_values(rendering: &Rendering, plain: &Plain) -> Rendering {
    let name = |object: &Value| base(object["metadata"]["name"].as_str().unwrap_or_default()).to_owned();
    let namespace = |object: &Value| object["metadata"]["namespace"].as_str().unwrap_or_default().to_owned();
    let secrets = rendering.0.iter().filter(|object| kind(object) == "Secret");
    let secrets: HashMap<(String, String), &Value> = secrets.map(|secret| ((namespace(secret), name(secret)), secret)).collect();
    let resolved = |object: &Value| {
        let mut object = object.clone();
        if kind(&object) == "HelmRelease" {
            let namespace = namespace(&object);
            let find = |wanted: &str| secrets.get(&(namespace.clone(), base(wanted).to_owned())).copied();
            take_over(&mut object, &find, plain);
        }
        object
    };
    Rendering(rendering.0.iter().map(resolved).collect())
}

fn take_over<'s>(release: &mut Value, secret: &dyn Fn(&str) -> Option<&'s Value>, plain: &Plain) {
    let Some(Value::Sequence(sources)) = release["spec"].get("valuesFrom").cloned() else { return };
    let mut left = Vec::new();
    for source in sources {
        let text = |key: &str| source.get(key).and_then(Value::as_str);
        let value = text("targetPath").filter(|_| text("kind") == Some("Secret")).and_then(|target| {
            let key = text("valuesKey")?;
            let value = secret(text("name")?)?.get("stringData")?.get(key)?.as_str()?;
            Some((target.to_owned(), plain.text(value)?))
        });
        let set = value.is_some_and(|(target, value)| {
            let values = release["spec"].as_mapping_mut().map(|spec| spec.entry("values".into()).or_insert_with(|| Mapping::new().into()));
            values.is_some_and(|values| put(values, &keys(&target), value))
        });
        if !set {
            left.push(source);
        }
    }
    if let Some(spec) = release["spec"].as_mapping_mut() {
        if left.is_empty() { _ = spec.remove("valuesFrom") } else { _ = spec.insert("valuesFrom".into(), Value::Sequence(left)) }
    }
}

/// Sets a value that the release does not set itself; whether it could be.
fn put(values: &mut Value, keys: &[String], value: String) -> bool {
    let (Some((first, rest)), Value::Mapping(map)) = (keys.split_first(), values) else { return false };
    let inner = map.entry(first.as_str().into());
    if rest.is_empty() {
        let is_new = matches!(inner, serde_yaml::mapping::Entry::Vacant(_));
        if is_new {
            inner.or_insert(Value::String(value));
        }
        return is_new;
    }
    put(inner.or_insert_with(|| Mapping::new().into()), rest, value)
}

/// `a.b\.c` is `a`, `b.c`.
fn keys(target: &str) -> Vec<String> {
    let mut keys = vec![String::new()];
    let mut characters = target.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => keys.last_mut().expect("there is one").extend(characters.next()),
            '.' => keys.push(String::new()),
            character => keys.last_mut().expect("there is one").push(character),
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_paths() {
        assert_eq!(keys(r"a.b\.c.d"), ["a", "b.c", "d"]);
    }

    #[test]
    fn values_of_secrets_stand_where_they_are_put() {
        let parse = |text: &str| Rendering::parse(text).expect("YAML");
        let before = parse("kind: HelmRelease\nmetadata: {name: a}\nspec: {values: {b: {c: secret1, d: 1}}}\n");
        let after = parse(
            "kind: HelmRelease\nmetadata: {name: a}\nspec:\n  valuesFrom: [{kind: Secret, name: s, valuesKey: k, targetPath: b.c}]\n  values: {b: {d: \
             1}}\n---\nkind: Secret\nmetadata: {name: s}\nstringData: {k: secret1}\n",
        );
        let plain = Plain::default();
        let release = |rendering: &Rendering| with_values(rendering, &plain).0[0].clone();
        let same = |one: &Value, other: &Value| one["spec"]["values"]["b"]["c"] == other["spec"]["values"]["b"]["c"];
        assert!(same(&release(&before), &release(&after)));
        assert!(release(&after)["spec"].get("valuesFrom").is_none());
        // What the release sets itself wins.
        let both = parse(
            "kind: HelmRelease\nmetadata: {name: a}\nspec:\n  valuesFrom: [{kind: Secret, name: s, valuesKey: k, targetPath: b}]\n  values: {b: x}\n---\n\
             kind: Secret\nmetadata: {name: s}\nstringData: {k: secret1}\n",
        );
        assert_eq!(release(&both)["spec"]["values"]["b"], "x");
    }
}
