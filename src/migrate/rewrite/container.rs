//! Environment, command and arguments of containers: the value moves to an encrypted Secret, the container refers to it.

use super::kubernetes::Manifest;
use super::quote::unescaped;
use super::words;
use crate::migrate::draft::Draft;
use crate::migrate::file::Site;
use crate::migrate::naming;
use crate::migrate::outline::{Item, Part, Spelling};
use crate::migrate::plan::{Action, EntryId};
use crate::secret::Secret;
use crate::sops::store::Format;
use crate::text::Span;

/// Plans one place in a manifest that is neither Secret nor ConfigMap.
pub(super) fn rewrite(manifest: &Manifest<'_>, item: &Item, site: &Site, draft: &mut Draft<'_>) {
    let Some(workload) = manifest.name(item.document) else {
        let reason = "the manifest has no plain `metadata.name`; move the value to a Secret by hand and refer to it with `secretKeyRef`";
        return draft.manual("kubernetes", manifest.file, &[site], reason);
    };
    match item.path.as_slice() {
        [container @ .., Part::Key(env), Part::Index(_), Part::Key(value)]
            if env == "env" && value == "value" && is_container(container) =>
        {
            variable(manifest, item, site, &workload, draft);
        }
        [container @ .., Part::Key(list), Part::Index(_)] if (list == "args" || list == "command") && is_container(container) => {
            argument(manifest, item, container, site, &workload, draft);
        }
        _ if manifest.kind(item.document).as_deref() == Some("Application") => {
            let reason = "an Application of Argo CD hands values on in plain: put this one into a values file of the chart, which helm-secrets decrypts \
                          (`secrets+age-import://…` in `valueFiles`), or into a Secret that the chart refers to";
            draft.manual("kubernetes", manifest.file, &[site], reason);
        }
        _ => {
            let reason =
                "sopup moves values of `env`, `args`, `command`, ConfigMaps and Secrets; this one stands elsewhere in the manifest";
            draft.manual("kubernetes", manifest.file, &[site], reason);
        }
    }
}

fn is_container(path: &[Part]) -> bool {
    let named =
        |part: &Part| matches!(part, Part::Key(key) if key == "containers" || key == "initContainers" || key == "ephemeralContainers");
    matches!(path, [.., list, Part::Index(_)] if named(list))
}

/// `value: …` → `valueFrom: secretKeyRef: …`
fn variable(manifest: &Manifest<'_>, item: &Item, site: &Site, workload: &str, draft: &mut Draft<'_>) {
    let name_path: Vec<Part> = item.parent().iter().cloned().chain([Part::Key("name".to_owned())]).collect();
    let name = manifest.outline.at(item.document, &name_path).and_then(|name| manifest.outline.scalar(name));
    let (Some(name), Some(value)) = (name, manifest.outline.scalar(item)) else {
        return draft.manual("kubernetes", manifest.file, &[site], "the variable has no plain name and value");
    };
    let (made, secret) = match manifest.secret(item.document, &format!("{workload}-env"), draft) {
        Ok(made) => made,
        Err(reason) => return draft.manual("kubernetes", manifest.file, &[site], &reason),
    };
    let id = draft.put(made.store, &[&name], &Secret::new(value.into_bytes()));
    let key = key_of(id, draft);
    let pad = " ".repeat(item.column);
    let end = manifest.file.line_end();
    let text = format!("valueFrom:{end}{pad}  secretKeyRef:{end}{pad}    name: {secret}{end}{pad}    key: {key}");
    let edit = Action::Splice { file: manifest.file.path.clone(), span: Span::new(item.start, item.value.end), text };
    let (mut actions, verdict) = made.listed_with(manifest.file, draft);
    actions.push(edit);
    draft.step("kubernetes", manifest.file, &[site], verdict, actions, vec![id]);
}

/// `--password=…` → `--password=$(PASSWORD)`, with the variable taken from the Secret.
fn argument(manifest: &Manifest<'_>, item: &Item, container: &[Part], site: &Site, workload: &str, draft: &mut Draft<'_>) {
    let raw = &manifest.text[site.span.range()];
    let value = if item.spelling == Spelling::Double { unescaped(raw) } else { Some(site.secret.clone()) };
    let Some(value) = value.filter(|_| item.spelling != Spelling::Flow) else {
        return draft.manual("kubernetes", manifest.file, &[site], "the argument is written in a way that sopup does not edit");
    };
    let name = naming::variable(&words::name(manifest.text, site));
    let (made, secret) = match manifest.secret(item.document, &format!("{workload}-env"), draft) {
        Ok(made) => made,
        Err(reason) => return draft.manual("kubernetes", manifest.file, &[site], &reason),
    };
    let id = draft.put(made.store, &[&name], &value);
    let name = key_of(id, draft);
    let file = &manifest.file.path;
    let end = manifest.file.line_end();
    let list: Vec<Part> = container.iter().cloned().chain([Part::Key("env".to_owned())]).collect();
    let inner = |pad: &str| {
        format!(
            "{pad}- name: {name}{end}{pad}  valueFrom:{end}{pad}    secretKeyRef:{end}{pad}      name: {secret}{end}{pad}      key: {name}{end}"
        )
    };
    let declared = match manifest.outline.at(item.document, &list) {
        Some(env) => {
            let first = manifest.outline.children(item.document, &list).next();
            first
                .filter(|_| env.spelling == Spelling::None)
                .map(|first| vec![insertion(file, line_start(manifest.text, first.start), inner(&" ".repeat(first.column)))])
        }
        // The list begins in the place of the blank before, once for all that goes into it.
        None => manifest.outline.at(item.document, item.parent()).filter(|args| args.column > 0).map(|args| {
            let pad = " ".repeat(args.column);
            let list = Action::Splice { file: file.clone(), span: Span::new(args.start - 1, args.start), text: format!(" env:{end}{pad}") };
            let entry = inner(&format!("{pad}  "));
            vec![list, insertion(file, args.start, format!("{}{pad}", &entry[pad.len()..]))]
        }),
    };
    let Some(declared) = declared else {
        return draft.manual("kubernetes", manifest.file, &[site], "the container's `env` is written in a way that sopup does not edit");
    };
    let (mut actions, verdict) = made.listed_with(manifest.file, draft);
    actions.extend(declared);
    actions.push(Action::Splice { file: file.clone(), span: site.span, text: format!("$({name})") });
    draft.step("kubernetes", manifest.file, &[site], verdict, actions, vec![id]);
}

fn insertion(file: &str, at: usize, text: String) -> Action {
    Action::Splice { file: file.to_owned(), span: Span::new(at, at), text }
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |at| at + 1)
}

/// Whether an entry stands in a store that `sops exec-env` hands on.
pub(super) fn is_of_environment(id: EntryId, draft: &Draft<'_>) -> bool {
    draft.plan.stores[id.store].format == Format::Dotenv
}

/// The key under which an entry went in.
pub(super) fn key_of(id: EntryId, draft: &Draft<'_>) -> String {
    draft.plan.entry(id).1.path.last().cloned().unwrap_or_default()
}
