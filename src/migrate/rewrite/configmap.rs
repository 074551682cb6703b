//! Keys of ConfigMaps that hold secrets: the whole key moves to an encrypted Secret, and the containers of the
//! repository that read it are pointed there.

use super::kubernetes::{Manifest, after_line, lines_of, text_of};
use crate::migrate::draft::{Draft, Verdict};
use crate::migrate::file::Site;
use crate::migrate::outline::{Item, Outline, Part, Spelling};
use crate::migrate::plan::{Action, Applicability};
use crate::secret::Secret;
use crate::text::Span;

/// Plans the key of a ConfigMap that holds a place, with all places in it.
pub(super) fn rewrite(manifest: &Manifest<'_>, item: &Item, site: &Site, sites: &[&Site], draft: &mut Draft<'_>) {
    let keys = item.keys();
    let (Some(map), Some(["data", key])) = (manifest.name(item.document), keys.as_deref()) else {
        return draft.manual("configmap", manifest.file, &[site], "sopup moves plain keys below `data`; this one is not one");
    };
    let inside: Vec<&Site> =
        sites.iter().copied().filter(|site| manifest.outline.holding(site.span).is_some_and(|at| at.start == item.start)).collect();
    if inside.first().is_some_and(|first| first.span != site.span) {
        return;
    }
    let Some(value) = text_of(manifest.text, manifest.outline, item) else {
        return draft.manual("configmap", manifest.file, &inside, "the value is written in a way that sopup does not edit");
    };
    let key = (*key).to_owned();
    let (made, secret) = match manifest.secret(item.document, &format!("{map}-secret"), draft) {
        Ok(made) => made,
        Err(reason) => return draft.manual("configmap", manifest.file, &inside, &reason),
    };
    let id = draft.put(made.store, &[&key], &Secret::new(value.into_bytes()));
    let use_of = uses(&map, &key, &secret, draft);
    let (mut actions, listing) = made.listed_with(manifest.file, draft);
    actions.extend(use_of.actions);
    let only = manifest.outline.children(item.document, item.parent()).count() == 1;
    actions.push(removal(manifest, item, only));
    let verdict = match (use_of.mounted, use_of.count) {
        (Some(path), _) => Verdict::review(format!("{path} mounts the ConfigMap as files: mount the Secret {secret} beside it")),
        (None, 0) => Verdict::review(format!("nothing in the repository reads {map}: point what does to the Secret {secret}")),
        (None, _) if listing.applicability != Applicability::Safe => listing,
        (None, _) => Verdict::safe(format!("the containers that read it now read the Secret {secret}")),
    };
    draft.step("configmap", manifest.file, &inside, verdict, actions, vec![id]);
}

fn removal(manifest: &Manifest<'_>, item: &Item, only: bool) -> Action {
    let file = manifest.file.path.clone();
    match manifest.outline.at(item.document, item.parent()).filter(|_| only) {
        // A map without keys is still a map.
        Some(data) => {
            Action::Splice { file, span: Span::new(data.start, item.end), text: format!("data: {{}}{}", manifest.file.line_end()) }
        }
        None => Action::Splice { file, span: lines_of(manifest.text, item), text: String::new() },
    }
}

/// Who reads a key.
struct Uses {
    actions: Vec<Action>,
    count: usize,
    mounted: Option<String>,
}

fn uses(map: &str, key: &str, secret: &str, draft: &Draft<'_>) -> Uses {
    let mut found = Uses { actions: Vec::new(), count: 0, mounted: None };
    for (path, text) in draft.repo.manifests().iter() {
        if !text.contains(map) || !text.contains("configMap") || text.contains("{{") {
            continue;
        }
        let outline = Outline::new(text);
        for item in outline.items().iter().filter(|item| item.name().is_some_and(|name| name.starts_with("configMap"))) {
            let named = |child: &str| {
                let path: Vec<Part> = item.path.iter().cloned().chain([Part::Key(child.to_owned())]).collect();
                outline.at(item.document, &path).and_then(|found| outline.scalar(found).map(|text| (found, text)))
            };
            let Some((name, _)) = named("name").filter(|(_, name)| name == map) else { continue };
            match item.name() {
                Some("configMapKeyRef") if named("key").is_some_and(|(_, found)| found == key) => {
                    found.count += 1;
                    let splice = |span, text: &str| Action::Splice { file: path.to_owned(), span, text: text.to_owned() };
                    found.actions.push(splice(Span::new(item.start, item.start + "configMapKeyRef".len()), "secretKeyRef"));
                    found.actions.push(splice(name.value, secret));
                }
                Some("configMapRef") => {
                    found.count += 1;
                    found.actions.extend(source(path, &outline, text, item, ("secretRef", secret)));
                }
                Some("configMap") if is_key(&item.path, "projected") => {
                    found.count += 1;
                    found.actions.extend(source(path, &outline, text, item, ("secret", secret)));
                }
                Some("configMap") => match volume(path, &outline, text, item, key, (map, secret)) {
                    Volume::OfOtherKeys => {}
                    Volume::Both(action) => {
                        found.count += 1;
                        found.actions.push(action);
                    }
                    Volume::Unclear => found.mounted = Some(path.to_owned()),
                },
                _ => {}
            }
        }
    }
    found
}

fn is_key(path: &[Part], key: &str) -> bool {
    path.iter().any(|part| matches!(part, Part::Key(found) if found == key))
}

/// A further entry in the list that an entry for the ConfigMap stands in, unless it is there.
fn source(path: &str, outline: &Outline<'_>, text: &str, item: &Item, (kind, secret): (&str, &str)) -> Option<Action> {
    let entry = outline.at(item.document, item.parent())?;
    let list = entry.parent();
    let known = outline.children(item.document, list).any(|entry| {
        let name: Vec<Part> = entry.path.iter().cloned().chain([kind, "name"].map(|key| Part::Key(key.to_owned()))).collect();
        outline.at(item.document, &name).and_then(|item| outline.scalar(item)).is_some_and(|name| name == secret)
    });
    let (pad, end) = (" ".repeat(entry.column), line_end(text));
    (!known).then(|| after_line(path, text, entry, &format!("{pad}- {kind}:{end}{pad}    name: {secret}")))
}

/// What becomes of a volume that mounts the ConfigMap.
enum Volume {
    /// It has the files of both.
    Both(Action),
    /// It mounts other keys.
    OfOtherKeys,
    /// Somebody has to look at it.
    Unclear,
}

fn volume(path: &str, outline: &Outline<'_>, text: &str, item: &Item, key: &str, (map, secret): (&str, &str)) -> Volume {
    let below: Vec<&Item> = outline.children(item.document, &item.path).collect();
    if let Some(items) = below.iter().find(|item| item.name() == Some("items")) {
        let keys = outline.items().iter().filter(|item| item.name() == Some("key") && item.path.starts_with(&items.path));
        let mut keys = keys.filter_map(|item| outline.scalar(item)).peekable();
        let others = keys.peek().is_some() && keys.all(|found| found != key);
        return if others { Volume::OfOtherKeys } else { Volume::Unclear };
    }
    if item.spelling != Spelling::None || below.len() != 1 {
        return Volume::Unclear;
    }
    let (pad, end) = (" ".repeat(item.column), line_end(text));
    let lines = [
        "projected:".to_owned(),
        "  sources:".to_owned(),
        "    - configMap:".to_owned(),
        format!("        name: {map}"),
        "    - secret:".to_owned(),
        format!("        name: {secret}"),
    ];
    let text = lines.join(&format!("{end}{pad}"));
    Volume::Both(Action::Splice { file: path.to_owned(), span: Span::new(item.start, below[0].value.end), text })
}

fn line_end(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}
