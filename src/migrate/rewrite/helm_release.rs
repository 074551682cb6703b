//! Values in a HelmRelease of Flux: they move to an encrypted Secret, from which `valuesFrom` puts each where it was.

use super::container::key_of;
use super::kubernetes::{Manifest, after_line, lines_of, text_of};
use crate::migrate::draft::Draft;
use crate::migrate::file::Site;
use crate::migrate::naming;
use crate::migrate::outline::{Item, Part, Spelling};
use crate::migrate::plan::Action;
use crate::secret::Secret;
use crate::text::Span;

/// Whether a place is among the values of a HelmRelease.
pub(super) fn holds(manifest: &Manifest<'_>, item: &Item) -> bool {
    let values = matches!(item.path.as_slice(), [Part::Key(spec), Part::Key(values), ..] if spec == "spec" && values == "values");
    values && manifest.kind(item.document).as_deref() == Some("HelmRelease")
}

/// Plans the places of one HelmRelease, all in one step: a map that they leave empty would take the chart's defaults away.
pub(super) fn rewrite(manifest: &Manifest<'_>, document: usize, sites: &[&Site], draft: &mut Draft<'_>) {
    let mut moved = Vec::new();
    for &site in sites {
        match value_at(manifest, site) {
            Ok(value) => moved.push((site, value)),
            Err(reason) => draft.manual("kubernetes", manifest.file, &[site], reason),
        }
    }
    if moved.is_empty() {
        return;
    }
    let sites: Vec<&Site> = moved.iter().map(|(site, _)| *site).collect();
    let values: Vec<Value<'_>> = moved.into_iter().map(|(_, value)| value).collect();
    if let Err(reason) = step(manifest, document, &sites, &values, draft) {
        draft.manual("kubernetes", manifest.file, &sites, &reason);
    }
}

/// A value that moves.
struct Value<'m> {
    item: &'m Item,
    text: String,
    /// What the chart calls it.
    target: String,
    /// What the Secret calls it.
    key: String,
}

const LIST: &str = "an item of a list, which `valuesFrom` cannot put in its place: move the whole list to a Secret by hand";
const SHAPE: &str = "written in a way that sopup does not edit: move it to a Secret that `valuesFrom` names by hand";

const PARSED: &str =
    "Flux reads what `targetPath` puts in its place like `helm --set`, which would take this value for something else: move it by hand";

/// Whether `helm --set` takes a value for a text as it is.
fn is_taken_as_text(value: &str) -> bool {
    let is_other = value.parse::<f64>().is_ok() || ["true", "false", "null", ""].contains(&value);
    !is_other && !value.starts_with(['{', '"', '\'']) && !value.contains([',', '\\', '\n', '\r'])
}

fn value_at<'m>(manifest: &'m Manifest<'_>, site: &Site) -> Result<Value<'m>, &'static str> {
    let item = manifest.outline.holding(site.span).ok_or(SHAPE)?;
    let keys = item.keys().ok_or(LIST)?;
    let text = text_of(manifest.text, manifest.outline, item).filter(|_| item.spelling != Spelling::Flow).ok_or(SHAPE)?;
    let target = keys[2..].iter().map(|key| key.replace('.', "\\.")).collect::<Vec<_>>().join(".");
    if target.is_empty() || keys[2..].iter().any(|key| key.contains(['[', ']', '{', '}', '"', '\'', '\\', '\n', ':', '#', '=', ','])) {
        return Err(SHAPE);
    }
    if !is_taken_as_text(&text) {
        return Err(PARSED);
    }
    Ok(Value { item, text, target, key: naming::dns(&keys[2..].join(" ")) })
}

fn step(manifest: &Manifest<'_>, document: usize, sites: &[&Site], values: &[Value<'_>], draft: &mut Draft<'_>) -> Result<(), String> {
    let name = manifest.name(document).ok_or("the HelmRelease has no plain `metadata.name`")?;
    let all = manifest.outline.key(document, &["spec", "values"]).ok_or(SHAPE)?;
    let list = [Part::Key("spec".to_owned()), Part::Key("valuesFrom".to_owned())];
    let known = manifest.outline.at(document, &list);
    let last = manifest.outline.children(document, &list).last();
    if known.is_some_and(|known| known.spelling != Spelling::None) || known.is_some() && last.is_none() {
        return Err(SHAPE.to_owned());
    }
    let (made, secret) = manifest.secret(document, &format!("{name}-values"), draft)?;
    let (end, column) = (manifest.file.line_end(), last.map_or(all.column + 2, |last| last.column));
    let pad = " ".repeat(column);
    let mut entries = Vec::new();
    let mut lines = Vec::new();
    for value in values {
        let id = draft.put(made.store, &[&value.key], &Secret::new(value.text.clone().into_bytes()));
        let key = key_of(id, draft);
        lines.push(format!(
            "{pad}- kind: Secret{end}{pad}  name: {secret}{end}{pad}  valuesKey: {key}{end}{pad}  targetPath: {}",
            value.target
        ));
        entries.push(id);
    }
    let file = &manifest.file.path;
    let splice = |span: Span, text: String| Action::Splice { file: file.clone(), span, text };
    let gone = emptied(manifest, document, values);
    let header = format!("{}valuesFrom:{end}", " ".repeat(all.column));
    let (mut actions, verdict) = made.listed_with(manifest.file, draft);
    let entries_text = lines.join(end);
    match last {
        Some(last) => {
            actions.push(after_line(file, manifest.text, last, &entries_text));
            actions.extend(gone.iter().map(|item| splice(lines_of(manifest.text, item), String::new())));
        }
        // Nothing of the values is left.
        None if gone.iter().any(|item| item.path.len() == 2) => {
            actions.push(splice(lines_of(manifest.text, all), format!("{header}{entries_text}{end}")));
        }
        None => {
            let at = lines_of(manifest.text, all).start;
            actions.push(splice(Span::new(at, at), format!("{header}{entries_text}{end}")));
            actions.extend(gone.iter().map(|item| splice(lines_of(manifest.text, item), String::new())));
        }
    }
    draft.step("kubernetes", manifest.file, sites, verdict, actions, entries);
    Ok(())
}

/// The outermost items that hold nothing but values that move.
fn emptied<'m>(manifest: &'m Manifest<'_>, document: usize, values: &[Value<'m>]) -> Vec<&'m Item> {
    let mut gone: Vec<&Item> = values.iter().map(|value| value.item).collect();
    loop {
        let parents = gone.iter().filter(|item| item.path.len() > 2).map(|item| item.parent());
        let full = parents
            .clone()
            .find(|parent| manifest.outline.children(document, parent).all(|child| gone.iter().any(|item| item.start == child.start)));
        let Some(parent) = full.and_then(|parent| manifest.outline.at(document, parent)) else { return gone };
        gone.retain(|item| !item.path.starts_with(&parent.path));
        gone.push(parent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_helm_would_read_otherwise_are_told() {
        for text in ["dZGticVp4YMga48", "a=b", "x{y}", "gR4nite-Falcon 27", "0x12"] {
            assert!(is_taken_as_text(text), "{text}");
        }
        for text in ["12345", "1e5", "true", "a,b", "a\\b", "{a}", "'a'", "a\nb"] {
            assert!(!is_taken_as_text(text), "{text}");
        }
    }
}
