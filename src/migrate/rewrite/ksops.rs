//! ksops: encrypted Secrets are no resources but input of a generator, which decrypts them when kustomize builds.

use super::kubernetes::{after_line, lines_of};
use crate::migrate::KubernetesStyle;
use crate::migrate::draft::Draft;
use crate::migrate::file::folder_of;
use crate::migrate::manifests::resolve;
use crate::migrate::outline::{Outline, Part, Spelling};
use crate::migrate::plan::Action;
use crate::text::Span;

/// Whether Secrets of this repository go through ksops.
pub(super) fn is_used(draft: &Draft<'_>) -> bool {
    draft.kubernetes() == KubernetesStyle::Ksops
}

/// A generator for an encrypted file, and its entry in a kustomization of the folder `folder`.
pub(super) fn generator(kustomization: &str, text: &str, store: &str, name: &str) -> Option<Vec<Action>> {
    let stem = name.trim_end_matches(".yaml").trim_end_matches(".yml").trim_end_matches(".enc");
    let folder = folder_of(store);
    let file = format!("{folder}ksops-{stem}.yaml");
    let generator = format!(
        "apiVersion: viaduct.ai/v1\nkind: ksops\nmetadata:\n  name: {stem}\n  annotations:\n    config.kubernetes.io/function: |\n      exec:\n        path: ksops\nfiles:\n  - ./{name}\n"
    );
    let relative = file.strip_prefix(folder_of(kustomization))?;
    let mut actions = vec![Action::Create { file: file.clone(), text: generator }];
    actions.extend(list_entry(kustomization, text, "generators", relative)?);
    Some(actions)
}

/// A new entry in a list of a kustomization, which is made if need be; nothing if it is there, `None` if it is in flow style.
pub(super) fn list_entry(kustomization: &str, text: &str, list: &str, entry: &str) -> Option<Vec<Action>> {
    let outline = Outline::new(text);
    let path = [Part::Key(list.to_owned())];
    let items: Vec<_> = outline.children(0, &path).collect();
    let known = outline.at(0, &path);
    if known.is_some_and(|item| item.spelling != Spelling::None) {
        return None;
    }
    if items.iter().any(|item| outline.scalar(item).as_deref() == Some(entry)) {
        return Some(Vec::new());
    }
    if let Some(last) = items.last() {
        return Some(vec![after_line(kustomization, text, last, &format!("{}- {entry}", " ".repeat(last.column)))]);
    }
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let at = known.map_or(text.len(), |item| item.end);
    let splice = |text: String| Action::Splice { file: kustomization.to_owned(), span: Span::new(at, at), text };
    let before = if text.ends_with('\n') { "" } else { end };
    // The line feed puts the key before its entries, whichever step brings them.
    let key = known.is_none().then(|| splice(format!("{before}{end}{list}:{end}")));
    Some(key.into_iter().chain([splice(format!("  - {entry}{end}"))]).collect())
}

/// A Secret that becomes a SOPS file where it is leaves the resources of every kustomization that lists it.
pub(super) fn relocation(path: &str, draft: &Draft<'_>) -> Option<Vec<Action>> {
    let mut actions = Vec::new();
    for (kustomization, text) in draft.repo.manifests().listing(path) {
        let outline = Outline::new(text);
        let resources = [Part::Key("resources".to_owned())];
        let lists = |entry: &str| resolve(kustomization, entry) == path;
        let Some(item) = outline.children(0, &resources).find(|item| outline.scalar(item).is_some_and(|entry| lists(&entry))) else {
            continue;
        };
        actions.push(Action::Splice { file: kustomization.to_owned(), span: lines_of(text, item), text: String::new() });
        actions.extend(generator(kustomization, text, path, path.rsplit('/').next().unwrap_or(path))?);
    }
    Some(actions)
}
