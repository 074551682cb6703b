//! How the Secrets of a repository reach the cluster: as its manifests show, unless the user says.

use super::KubernetesStyle;
use super::repo::Repo;

/// What the manifests of a repository are written for.
#[derive(Debug, Default)]
pub(super) struct Cluster {
    /// How Secrets reach it; never [`KubernetesStyle::Auto`].
    pub style: KubernetesStyle,
    /// Whether Flux decrypts what it applies.
    pub flux_decrypts: bool,
    /// What else a person should know.
    pub notes: Vec<String>,
}

/// Finds out how Secrets reach the cluster.
pub(super) fn survey(repo: &Repo, wanted: KubernetesStyle) -> Cluster {
    let has = |kind: &str, version: &str| manifests(repo, kind, version).next().is_some();
    let style = match wanted {
        KubernetesStyle::Auto if has("ksops", "") => KubernetesStyle::Ksops,
        KubernetesStyle::Auto if has("SopsSecret", "isindir.github.com/") => KubernetesStyle::SopsSecretsOperator,
        KubernetesStyle::Auto => KubernetesStyle::InPlace,
        wanted => wanted,
    };
    let flux: Vec<(&str, &str)> = manifests(repo, "Kustomization", "kustomize.toolkit.fluxcd.io/").collect();
    let flux_decrypts = flux.iter().any(|(_, text)| text.contains("decryption:"));
    let mut notes = Vec::new();
    if style == KubernetesStyle::InPlace && !flux.is_empty() && !flux_decrypts {
        let paths: Vec<&str> = flux.iter().map(|(path, _)| *path).take(3).collect();
        let more = if flux.len() > paths.len() { format!(" and {} more", flux.len() - paths.len()) } else { String::new() };
        let paths = paths.join(", ");
        notes.push(format!(
            "Flux decrypts Secrets if its Kustomizations have `decryption: {{provider: sops, secretRef: {{name: sops-age}}}}`; {paths}{more} do not"
        ));
    }
    let unused = |kind: &str, version: &str| wanted == KubernetesStyle::Auto && flux.is_empty() && has(kind, version);
    if unused("ExternalSecret", "external-secrets.io/") {
        notes.push("the repository has ExternalSecrets: `--kubernetes external-secrets` makes more of them instead of Secrets".to_owned());
    }
    if unused("SealedSecret", "bitnami.com/") {
        notes.push("the repository has SealedSecrets: `--kubernetes sealed` says how to seal each Secret instead".to_owned());
    }
    Cluster { style, flux_decrypts, notes }
}

/// Paths and texts of manifests of a kind.
pub(super) fn manifests<'r>(repo: &'r Repo, kind: &'r str, version: &'r str) -> impl Iterator<Item = (&'r str, &'r str)> {
    let is_of = move |text: &str| {
        let of_kind = |line: &str| line.strip_prefix("kind: ").is_some_and(|found| found.trim_end() == kind);
        let of_version = |line: &str| line.strip_prefix("apiVersion: ").is_some_and(|found| found.starts_with(version));
        text.contains(kind) && text.lines().any(of_kind) && text.lines().any(of_version)
    };
    repo.manifests().iter().filter(move |(_, text)| is_of(text))
}
