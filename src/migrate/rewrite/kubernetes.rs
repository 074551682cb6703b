//! Kubernetes manifests. Secrets are encrypted where they are; values in the environment and arguments of containers
//! and in ConfigMaps move to encrypted Secrets beside the file.

use super::made::{self, Made, Wanted};
use super::{Anchors, Rewriter, configmap, container, external, extract, helm_release, ksops, operator};
use crate::migrate::KubernetesStyle;
use crate::migrate::draft::{Draft, Verdict};
use crate::migrate::file::{Site, SourceFile, folder_of};
use crate::migrate::manifests::resolve;
use crate::migrate::outline::{Item, Outline, Part, Spelling};
use crate::migrate::plan::Action;
use crate::migrate::policy::SECRET_SELECTOR;
use crate::migrate::yaml::{document, is_yaml};
use crate::text::Span;

/// YAML with `apiVersion` and `kind`.
pub(super) struct Kubernetes;

impl Rewriter for Kubernetes {
    fn id(&self) -> &'static str {
        "kubernetes"
    }

    fn takes(&self, file: &SourceFile) -> bool {
        if is_json(file) {
            return is_all_secrets(file);
        }
        let yaml = is_yaml(&file.path);
        let Some(text) = file.text().filter(|_| yaml) else { return false };
        let outline = Outline::new(text);
        (0..outline.documents()).any(|document| {
            let version = outline.text_at(document, &["apiVersion"]);
            version.is_some_and(|version| !version.is_empty()) && outline.text_at(document, &["kind"]).is_some_and(|kind| kind != "Config")
        })
    }

    fn anchors(&self) -> Anchors {
        Anchors::Here
    }

    fn rewrite(&self, file: &SourceFile, sites: &[&Site], draft: &mut Draft<'_>) {
        let Some(text) = file.text() else { return };
        let outline = Outline::with_flow(text);
        let manifest = Manifest { file, text, outline: &outline };
        let stays = match draft.kubernetes() {
            KubernetesStyle::ExternalSecrets | KubernetesStyle::Sealed => false,
            // The operator sees each by itself, while sops' MAC is over all documents of a file.
            KubernetesStyle::SopsSecretsOperator => outline.documents() == 1,
            _ => true,
        };
        if stays && is_all_secrets(file) {
            return in_place(&manifest, sites, draft);
        }
        if is_json(file) {
            return draft.manual(self.id(), file, sites, JSON);
        }
        let document = |site: &Site| outline.holding(site.span).map(|item| item.document);
        for &site in sites {
            let Some(item) = outline.holding(site.span) else { continue };
            match manifest.kind(item.document).as_deref() {
                Some("Secret") => {
                    let same: Vec<&Site> = sites.iter().copied().filter(|other| document(other) == Some(item.document)).collect();
                    let is_first = same.first().is_some_and(|first| first.span == site.span);
                    if is_first {
                        of_secret(&manifest, item.document, &same, draft);
                    }
                }
                Some("ConfigMap") => configmap::rewrite(&manifest, item, site, sites, draft),
                Some("HelmRelease") if helm_release::holds(&manifest, item) => {
                    let among = |other: &&Site| outline.holding(other.span).is_some_and(|other| helm_release::holds(&manifest, other));
                    let same: Vec<&Site> =
                        sites.iter().copied().filter(|other| document(other) == Some(item.document)).filter(among).collect();
                    if same.first().is_some_and(|first| first.span == site.span) {
                        helm_release::rewrite(&manifest, item.document, &same, draft);
                    }
                }
                _ => container::rewrite(&manifest, item, site, draft),
            }
        }
    }
}

/// Why a Secret stays.
const TEMPLATED: &str = "a Secret with template expressions, without a name, or with the value outside of its data: give it a file of its own, then migrate again";

/// Why a Secret in JSON stays where Secrets do not.
const JSON: &str = "a Secret written as JSON: write it as YAML, then migrate again";

/// Why a kustomization cannot be made to generate the Secret.
const OUT_OF_REACH: &str = "a kustomization lists the file in a way, or from a folder, in which sopup cannot point it to ksops";

/// A manifest with its outline.
pub(super) struct Manifest<'m> {
    pub(super) file: &'m SourceFile,
    pub(super) text: &'m str,
    pub(super) outline: &'m Outline<'m>,
}

impl Manifest<'_> {
    pub(super) fn kind(&self, document: usize) -> Option<String> {
        self.outline.text_at(document, &["kind"])
    }

    pub(super) fn name(&self, document: usize) -> Option<String> {
        self.outline.text_at(document, &["metadata", "name"]).filter(|name| is_name(name))
    }

    /// A Secret beside the file, and its name.
    pub(super) fn secret(&self, document: usize, name: &str, draft: &mut Draft<'_>) -> Result<(Made, String), String> {
        let name = free_name(name, self.file.folder(), draft);
        let namespace = self.outline.text_at(document, &["metadata", "namespace"]).filter(|name| is_name(name));
        let owner = format!("{}#{document}", self.file.path);
        let wanted = Wanted { name: &name, namespace, folder: self.file.folder(), stem: None, owner };
        made::secret(wanted, draft).map(|made| (made, name))
    }
}

fn is_json(file: &SourceFile) -> bool {
    file.path.ends_with(".json")
}

/// Whether a file is nothing but Secrets, without template expressions.
pub(super) fn is_all_secrets(file: &SourceFile) -> bool {
    let Some(text) = file.text().filter(|text| !text.contains("{{")) else { return false };
    let outline = Outline::with_flow(text);
    outline.documents() > 0 && (0..outline.documents()).all(|document| outline.text_at(document, &["kind"]).as_deref() == Some("Secret"))
}

fn in_place(manifest: &Manifest<'_>, sites: &[&Site], draft: &mut Draft<'_>) {
    let (inside, outside): (Vec<&Site>, Vec<&Site>) = sites.iter().copied().partition(|site| is_in_data(manifest, site));
    if !inside.is_empty() {
        let path = &manifest.file.path;
        let mut actions = vec![Action::Encrypt { file: path.clone(), selector: SECRET_SELECTOR }];
        match draft.kubernetes() {
            KubernetesStyle::Ksops => match ksops::relocation(path, draft) {
                Some(moved) => actions.extend(moved),
                None => return draft.manual("kubernetes", manifest.file, &inside, OUT_OF_REACH),
            },
            KubernetesStyle::SopsSecretsOperator if is_json(manifest.file) => {
                return draft.manual("kubernetes", manifest.file, &inside, JSON);
            }
            KubernetesStyle::SopsSecretsOperator => match operator::template(manifest, 0) {
                Some(pieces) => actions.push(Action::Extract { file: path.clone(), from: path.clone(), pieces }),
                None => return draft.manual("kubernetes", manifest.file, &inside, TEMPLATED),
            },
            _ => {}
        }
        draft.step("kubernetes", manifest.file, &inside, Verdict::safe(made::apply(path, draft)), actions, Vec::new());
    }
    if !outside.is_empty() {
        draft.manual("kubernetes", manifest.file, &outside, "it stands outside `data` and `stringData`, which alone are encrypted");
    }
}

/// A Secret that cannot stay where it is.
fn of_secret(manifest: &Manifest<'_>, document: usize, sites: &[&Site], draft: &mut Draft<'_>) {
    let planned = match draft.kubernetes() {
        KubernetesStyle::Sealed => {
            let path = &manifest.file.path;
            let reason = format!(
                "SealedSecrets need the key of your cluster: seal it with `kubeseal --format yaml < {path}`, and put the output in its place"
            );
            draft.manual("kubernetes", manifest.file, sites, &reason);
            Some(())
        }
        KubernetesStyle::ExternalSecrets => external::rewrite(manifest, document, sites, draft),
        _ => extract::rewrite(manifest, document, sites, draft),
    };
    if planned.is_none() {
        draft.manual("kubernetes", manifest.file, sites, TEMPLATED);
    }
}

/// Whether a place is among what is encrypted of a Secret.
pub(super) fn is_in_data(manifest: &Manifest<'_>, site: &Site) -> bool {
    let item = manifest.outline.holding(site.span);
    item.is_some_and(|item| matches!(item.path.first(), Some(Part::Key(key)) if key == "data" || key == "stringData"))
}

/// Names without template expressions.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
}

/// A name that no other Secret of the repository has.
fn free_name(wanted: &str, folder: &str, draft: &Draft<'_>) -> String {
    let taken = |name: &str| {
        let own = format!("{folder}{name}.enc.yaml");
        draft.repo.manifests().with_secret(name).any(|path| path != own)
    };
    (1..).map(|n| if n == 1 { wanted.to_owned() } else { format!("{wanted}-{n}") }).find(|name| !taken(name)).unwrap_or_default()
}

/// What makes a new manifest part of what is applied: an entry in every kustomization that lists the file. The
/// verdict says what is left to do if there is none.
pub(super) fn listed(file: &SourceFile, store: &str, draft: &Draft<'_>) -> (Vec<Action>, Verdict) {
    let name = store.rsplit('/').next().unwrap_or(store);
    let ksops = ksops::is_used(draft);
    let (mut actions, mut is_listed) = (Vec::new(), false);
    for (path, text) in draft.repo.manifests().listing(&file.path) {
        let outline = Outline::new(text);
        let resources = [Part::Key("resources".to_owned())];
        let items: Vec<&Item> = outline.children(0, &resources).collect();
        let lists = |item: &&&Item| outline.scalar(item).is_some_and(|entry| resolve(path, &entry) == file.path);
        let Some(entry) = items.iter().find(lists) else { continue };
        let (Some(last), Some(shown)) = (items.last(), outline.scalar(entry)) else { continue };
        is_listed = true;
        let new = format!("{}{name}", folder_of(&shown));
        if items.iter().any(|item| outline.scalar(item).as_deref() == Some(&new)) {
            continue;
        }
        let generated = ksops.then(|| ksops::generator(path, text, store, name)).flatten();
        actions.extend(generated.unwrap_or_else(|| vec![after_line(path, text, last, &format!("{}- {new}", " ".repeat(last.column)))]));
    }
    if !is_listed {
        return (actions, Verdict::review(format!("no kustomization lists this file: apply {store} together with it")));
    }
    (actions, Verdict::safe(made::apply(store, draft)))
}

/// A new line after the line on which an item ends.
pub(super) fn after_line(path: &str, text: &str, item: &Item, line: &str) -> Action {
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let at = Span::new(item.end, item.end);
    let text = if text[..item.end].ends_with('\n') { format!("{line}{end}") } else { format!("{end}{line}") };
    Action::Splice { file: path.to_owned(), span: at, text }
}

/// The whole lines of an item.
pub(super) fn lines_of(text: &str, item: &Item) -> Span {
    let start = text[..item.start].rfind('\n').map_or(0, |at| at + 1);
    Span::new(start, item.end)
}

/// The text of an item, also if it is a block.
pub(super) fn text_of(text: &str, outline: &Outline<'_>, item: &Item) -> Option<String> {
    if item.spelling != Spelling::Block {
        return outline.scalar(item);
    }
    let lines = lines_of(text, item);
    // An empty line has no indentation to lose.
    let dedent = |line: &'_ str| line.len() - line.trim_start_matches(' ').len().max(line.len().saturating_sub(item.column));
    let dedented: String = text[lines.range()].split_inclusive('\n').map(|line| &line[dedent(line)..]).collect();
    let map: std::collections::BTreeMap<String, String> = document(&dedented)?;
    map.into_values().next()
}
