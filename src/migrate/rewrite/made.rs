//! Secrets that a migration makes: where their values go, and what stands among the resources for them.

use super::kubernetes::listed;
use crate::migrate::KubernetesStyle;
use crate::migrate::draft::{Draft, Verdict};
use crate::migrate::file::SourceFile;
use crate::migrate::plan::{Action, Applicability, Shape};
use crate::text::shell_word;

use super::external;

/// A Secret that is not there yet.
pub(super) struct Wanted<'w> {
    /// Its name.
    pub(super) name: &'w str,
    /// Its namespace.
    pub(super) namespace: Option<String>,
    /// The folder it goes to: empty, or ending in `/`.
    pub(super) folder: &'w str,
    /// The file without its suffix, if not the name.
    pub(super) stem: Option<String>,
    /// Nobody else may put values into it.
    pub(super) owner: String,
}

/// What a Secret is made of.
pub(super) struct Made {
    /// What takes its values.
    pub(super) store: usize,
    /// What is to be listed among the resources.
    pub(super) manifest: String,
    actions: Vec<Action>,
    first: Option<String>,
}

/// Plans a Secret; the error says how to make it by hand.
pub(super) fn secret(wanted: Wanted<'_>, draft: &mut Draft<'_>) -> Result<Made, String> {
    let (name, namespace) = (wanted.name.to_owned(), wanted.namespace);
    let stem = format!("{}{}", wanted.folder, wanted.stem.as_deref().unwrap_or(wanted.name));
    let shape = match draft.kubernetes() {
        KubernetesStyle::Sealed => {
            return Err(format!(
                "SealedSecrets need the key of your cluster: `kubectl create secret generic {name} --dry-run=client --from-file=KEY=/dev/stdin -o yaml | kubeseal --format yaml`, then refer to {name} here"
            ));
        }
        KubernetesStyle::ExternalSecrets => {
            let store = draft.store(&stem, ".values.enc.yaml", &Shape::Keys, &wanted.owner);
            let manifest = format!("{stem}.external.yaml");
            let text = external::manifest(&name, namespace.as_deref(), draft.repo);
            let first = Some(external::first(&name, draft.path_of(store), draft.repo));
            return Ok(Made { store, actions: vec![Action::Create { file: manifest.clone(), text }], manifest, first });
        }
        KubernetesStyle::SopsSecretsOperator => Shape::SopsSecret { name, namespace },
        KubernetesStyle::Auto | KubernetesStyle::InPlace | KubernetesStyle::Ksops => Shape::KubernetesSecret { name, namespace },
    };
    let store = draft.store(&stem, ".enc.yaml", &shape, &wanted.owner);
    Ok(Made { store, manifest: draft.path_of(store).to_owned(), actions: Vec::new(), first: None })
}

impl Made {
    /// What lists it wherever `file` is listed, and how sure that is.
    pub(super) fn listed_with(&self, file: &SourceFile, draft: &Draft<'_>) -> (Vec<Action>, Verdict) {
        let (mut actions, verdict) = listed(file, &self.manifest, draft);
        actions.extend(self.actions.iter().cloned());
        let verdict = match (&self.first, verdict.applicability) {
            (Some(first), Applicability::Safe) => Verdict::review(first.clone()),
            (Some(first), _) => Verdict::review(format!("{first}; {}", verdict.reason)),
            (None, Applicability::Safe) => Verdict::safe(apply(&self.manifest, draft)),
            (None, _) => verdict,
        };
        (actions, verdict)
    }

    /// What else is made for it, and how sure that is.
    pub(super) fn companions(&self, otherwise: Verdict) -> (Vec<Action>, Verdict) {
        (self.actions.clone(), self.first.clone().map_or(otherwise, Verdict::review))
    }
}

/// How a file that is encrypted gets into the cluster.
pub(super) fn apply(path: &str, draft: &Draft<'_>) -> String {
    match draft.kubernetes() {
        KubernetesStyle::SopsSecretsOperator => "the sops-secrets-operator makes a Secret of it".to_owned(),
        KubernetesStyle::Ksops => "ksops decrypts it when kustomize builds".to_owned(),
        _ if draft.cluster().flux_decrypts => "Flux decrypts it".to_owned(),
        _ => format!(
            "`sops decrypt {} | kubectl apply -f -` applies it (with the `-n` of the rest), as Flux or ksops do where they decrypt; kubectl refuses it as it is",
            shell_word(path)
        ),
    }
}
