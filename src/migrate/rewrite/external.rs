//! External Secrets: the values stay in a SOPS file, from which somebody puts them into the secret store that the
//! operator reads; an `ExternalSecret` takes the place of the Secret.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::kubernetes::{Manifest, lines_of, text_of};
use crate::migrate::cluster::manifests;
use crate::migrate::draft::{Draft, Verdict};
use crate::migrate::file::Site;
use crate::migrate::outline::{Item, Spelling};
use crate::migrate::plan::{Action, EntryId, Shape};
use crate::migrate::repo::Repo;
use crate::secret::Secret;
use crate::text::Span;

/// The version that manifests have if none is there already.
const VERSION: &str = "external-secrets.io/v1";

/// An `ExternalSecret` that makes a Secret of everything that stands under its name in the secret store.
pub(super) fn manifest(name: &str, namespace: Option<&str>, repo: &Repo) -> String {
    let namespace = namespace.map(|namespace| format!("  namespace: {namespace}\n")).unwrap_or_default();
    let version = version(repo);
    format!(
        "apiVersion: {version}\nkind: ExternalSecret\nmetadata:\n  name: {name}\n{namespace}{}",
        spec(name, None, &store(repo)).join("\n") + "\n"
    )
}

/// What somebody has to do before it works.
pub(super) fn first(name: &str, values: &str, repo: &Repo) -> String {
    let (kind, store, known) = store(repo);
    let named = if known { String::new() } else { format!("; {kind} `{store}` is a guess: name yours") };
    format!("put what `sops decrypt --output-type json {values}` prints into the secret store as {name} first{named}")
}

/// Turns a Secret into an `ExternalSecret` where it stands; `None` if it is written in a way that cannot be.
pub(super) fn rewrite(manifest: &Manifest<'_>, document: usize, sites: &[&Site], draft: &mut Draft<'_>) -> Option<()> {
    let name = manifest.name(document)?;
    let outline = manifest.outline;
    let [version_item, kind, metadata] = ["apiVersion", "kind", "metadata"].map(|key| outline.key(document, &[key]));
    let (version_item, kind, metadata) = (version_item?, kind?, metadata.filter(|item| item.spelling == Spelling::None)?);
    let values = values(manifest, document)?;
    let inside = |site: &&Site| values.iter().any(|(item, _)| item.value.start <= site.span.start && site.span.end <= item.value.end);
    if manifest.text.contains("{{") || !sites.iter().all(inside) {
        return None;
    }
    let stem = format!("{}{name}", manifest.file.folder());
    let store_at = draft.store(&stem, ".values.enc.yaml", &Shape::Keys, &format!("{}#{document}", manifest.file.path));
    let keys: Vec<(&str, Secret)> = values.into_iter().filter_map(|(item, value)| Some((item.name()?, value))).collect();
    if !keys.iter().all(|(key, value)| draft.fits(store_at, &[key], value)) {
        return None;
    }
    let ids: Vec<EntryId> = keys.iter().map(|(key, value)| draft.put(store_at, &[key], value)).collect();
    let kind_of = outline.text_at(document, &["type"]).filter(|kind| kind != "Opaque");
    let end = manifest.file.line_end();
    let splice = |span, text: String| Action::Splice { file: manifest.file.path.clone(), span, text };
    let mut actions = vec![
        splice(version_item.value, version(draft.repo)),
        splice(kind.value, "ExternalSecret".to_owned()),
        splice(Span::new(metadata.end, metadata.end), spec(&name, kind_of.as_deref(), &store(draft.repo)).join(end) + end),
    ];
    let gone = ["type", "immutable", "data", "stringData"].into_iter().filter_map(|key| outline.key(document, &[key]));
    actions.extend(gone.map(|item| splice(lines_of(manifest.text, item), String::new())));
    let verdict = Verdict::review(first(&name, draft.path_of(store_at), draft.repo));
    draft.step("kubernetes", manifest.file, sites, verdict, actions, ids);
    Some(())
}

/// The values of a Secret, decoded; `None` if one cannot be read.
fn values<'m>(manifest: &'m Manifest<'_>, document: usize) -> Option<Vec<(&'m Item, Secret)>> {
    let read = |list: &str, item: &'m Item| {
        let text = text_of(manifest.text, manifest.outline, item)?;
        let plain = if list == "data" { STANDARD.decode(text.split_whitespace().collect::<String>()).ok()? } else { text.into_bytes() };
        // What is stored in YAML has to be text.
        std::str::from_utf8(&plain).ok()?;
        Some((item, Secret::new(plain)))
    };
    let items = manifest.outline.items().iter().filter(|item| item.document == document);
    items
        .filter_map(|item| Some((item, item.keys()?)))
        .filter_map(|(item, keys)| match keys.as_slice() {
            ["data", _] => Some(read("data", item)),
            ["stringData", _] => Some(read("stringData", item)),
            _ => None,
        })
        .collect()
}

/// The lines of `spec`.
fn spec(name: &str, kind: Option<&str>, (store_kind, store, _): &(String, String, bool)) -> Vec<String> {
    let mut lines = vec![
        "spec:".to_owned(),
        "  refreshInterval: 1h".to_owned(),
        "  secretStoreRef:".to_owned(),
        format!("    kind: {store_kind}"),
        format!("    name: {store}"),
        "  target:".to_owned(),
        format!("    name: {name}"),
    ];
    if let Some(kind) = kind {
        lines.extend(["    template:".to_owned(), format!("      type: {kind}")]);
    }
    lines.extend(["  dataFrom:".to_owned(), "    - extract:".to_owned(), format!("        key: {name}")]);
    lines
}

/// The version that the manifests of the repository have.
fn version(repo: &Repo) -> String {
    let kinds = ["ExternalSecret", "ClusterSecretStore", "SecretStore"];
    let found = kinds.into_iter().find_map(|kind| manifests(repo, kind, "external-secrets.io/").next());
    let found = found.and_then(|(_, text)| text.lines().find_map(|line| line.strip_prefix("apiVersion: external-secrets.io/")));
    found.map_or_else(|| VERSION.to_owned(), |version| format!("external-secrets.io/{}", version.trim_end()))
}

/// Kind and name of the secret store that the repository declares, and whether there is one.
fn store(repo: &Repo) -> (String, String, bool) {
    let declared = ["ClusterSecretStore", "SecretStore"].into_iter().find_map(|kind| {
        let (_, text) = manifests(repo, kind, "external-secrets.io/").next()?;
        let name = text.lines().find_map(|line| line.strip_prefix("  name: "))?;
        Some((kind.to_owned(), name.trim().to_owned(), true))
    });
    declared.unwrap_or_else(|| ("ClusterSecretStore".to_owned(), "secret-store".to_owned(), false))
}
