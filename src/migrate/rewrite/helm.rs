//! Helm values: the value moves to a `secrets*.yaml` beside the file, which helm-secrets decrypts and Helm merges.

use super::helm_templates::{Empty, Templates};
use super::kubernetes::text_of;
use super::{Anchors, Rewriter, is_in_comment};
use crate::migrate::draft::{Draft, Verdict};
use crate::migrate::file::{Site, SourceFile};
use crate::migrate::outline::{Outline, Spelling};
use crate::migrate::plan::{Action, Shape};
use crate::secret::Secret;
use crate::text::shell_word;

/// `values.yaml`, `values-prod.yaml`, `values.prod.yaml`, `prod-values.yaml`.
pub(super) struct HelmValues;

impl Rewriter for HelmValues {
    fn id(&self) -> &'static str {
        "helm"
    }

    fn takes(&self, file: &SourceFile) -> bool {
        file.text().is_some() && secrets_name(file.name()).is_some()
    }

    fn anchors(&self) -> Anchors {
        Anchors::Here
    }

    fn rewrite(&self, file: &SourceFile, sites: &[&Site], draft: &mut Draft<'_>) {
        let (Some(text), Some((stem, suffix))) = (file.text(), secrets_name(file.name())) else { return };
        let outline = Outline::with_flow(text);
        let chart = draft.repo.exists(&format!("{}Chart.yaml", file.folder())).then(|| Templates::read(draft.repo, file.folder()));
        for &site in sites {
            let Some(item) = outline.holding(site.span) else { continue };
            if item.spelling == Spelling::Block && is_in_comment(file, site) {
                draft.manual(
                    self.id(),
                    file,
                    &[site],
                    "a comment within a longer text, which would move as a whole: take the value out by hand",
                );
                continue;
            }
            let value = text_of(text, &outline, item);
            let Some(keys) = item.keys() else {
                // Helm replaces lists as a whole; a file of secrets cannot hold one item of them.
                if item.value == site.span || item.spelling != Spelling::Flow {
                    let id = draft.shared(file, &["helm", &super::words::name(text, site)], &site.secret);
                    let whole = item.value.len() <= site.span.len() + 2;
                    let text = if whole { draft.uri(id) } else { format!("{}+", draft.uri(id)) };
                    let actions = vec![Action::Splice { file: file.path.clone(), span: site.span, text }];
                    let reason = "an item of a list: install with `helm secrets --evaluate-templates` or vals, which resolve `ref+sops://`";
                    draft.step(self.id(), file, &[site], Verdict::review(reason), actions, vec![id]);
                }
                continue;
            };
            let Some(value) = value.filter(|_| item.spelling != Spelling::Flow) else { continue };
            let store = draft.store(&format!("{}{stem}", file.folder()), suffix, &Shape::Keys, &file.path);
            if !draft.fits(store, &keys, &Secret::new(value.clone().into_bytes())) {
                continue;
            }
            let id = draft.put(store, &keys, &Secret::new(value.into_bytes()));
            let path = draft.path_of(store).to_owned();
            let name = path.rsplit('/').next().unwrap_or(&path);
            let block = item.spelling == Spelling::Block;
            let span = if block { crate::text::Span::new(marker(text, item.value.start), item.value.end) } else { item.value };
            let comment =
                if text[span.end..].starts_with(['\r', '\n']) || span.end == text.len() { format!(" # in {name}") } else { String::new() };
            let actions = vec![Action::Splice { file: file.path.clone(), span, text: format!("\"\"{comment}") }];
            let how = format!("install with `helm secrets … -f {} -f {}`", shell_word(&file.path), shell_word(&path));
            let when_empty = chart.as_ref().map_or(Empty::Taken, |chart| chart.when_empty(&keys));
            let verdict = match when_empty {
                Empty::Stops => Verdict::safe(format!("the chart requires it: {how}")),
                _ if stem == "secrets" && chart.is_some() => Verdict::review(format!("a default of the chart, empty from then on: {how}")),
                Empty::Unused => Verdict::safe(format!("no template of the chart takes it: {how}")),
                Empty::Taken if draft.repo.exists(&path) || draft.repo.manifests().mentions(name) => Verdict::safe(how),
                Empty::Taken => Verdict::review(format!("without {name}, what is installed gets an empty value: {how}")),
            };
            let inside: Vec<&Site> =
                sites.iter().copied().filter(|other| item.value.start <= other.span.start && other.span.end <= item.value.end).collect();
            if inside.first().is_some_and(|first| first.span == site.span) {
                draft.step(self.id(), file, &inside, verdict, actions, vec![id]);
            }
        }
    }
}

/// Where the `|` or `>` of a block text stands.
fn marker(text: &str, content: usize) -> usize {
    text[..content].rfind(['|', '>']).unwrap_or(content)
}

/// `values-prod.yaml` → `secrets-prod`, `.yaml`.
fn secrets_name(name: &str) -> Option<(String, &'static str)> {
    let (stem, suffix) = match (name.strip_suffix(".yaml"), name.strip_suffix(".yml")) {
        (Some(stem), _) => (stem, ".yaml"),
        (None, Some(stem)) => (stem, ".yml"),
        (None, None) => return None,
    };
    stem.split(['-', '.', '_']).any(|part| part == "values").then(|| (stem.replace("values", "secrets"), suffix))
}
