//! Pipelines: the value becomes a secret of the CI system, which somebody has to set there.

use super::quote::{decoded, literal};
use super::{Rewriter, words};
use crate::migrate::draft::{Draft, Verdict};
use crate::migrate::file::{Site, SourceFile};
use crate::migrate::naming;
use crate::migrate::plan::Action;
use crate::migrate::yaml::is_yaml;
use crate::text::Span;

/// GitHub Actions, GitLab CI, Jenkins.
pub(super) struct Pipeline;

/// The CI system of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum System {
    GitHub,
    GitLab,
    Jenkins,
}

pub(super) fn system(file: &SourceFile) -> Option<System> {
    let yaml = is_yaml(&file.path);
    match file.name() {
        _ if yaml && (file.path.starts_with(".github/") || file.path.contains("/.github/")) => Some(System::GitHub),
        "action.yml" | "action.yaml" => Some(System::GitHub),
        name if yaml && name.starts_with(".gitlab-ci") => Some(System::GitLab),
        name if name.starts_with("Jenkinsfile") || name.ends_with(".jenkinsfile") => Some(System::Jenkins),
        _ => None,
    }
}

/// A name that stands for no other value, here or in another pipeline: CI systems have one secret of a name.
fn free(wanted: &str, (system, text): (System, &str), site: &Site, draft: &mut Draft<'_>) -> String {
    let uses = |text: &str, mark: &str| {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        text.match_indices(mark).any(|(at, _)| !text[at + mark.len()..].starts_with(is_word))
    };
    let is_used = |name: &str| match system {
        System::GitHub => draft.repo.manifests().iter().any(|(_, text)| uses(text, &format!("secrets.{name}"))),
        System::GitLab => uses(text, &format!("${name}")) || uses(text, &format!("${{{name}")),
        System::Jenkins => ['\'', '"'].iter().any(|quote| text.contains(&format!("credentials({quote}{}{quote}", naming::dns(name)))),
    };
    let own = |name: &str| format!("{system:?} {name}");
    let is_free = |name: &String| match draft.claimed.get(&own(name)) {
        Some(value) => *value == site.secret,
        None => !is_used(name),
    };
    let mut names = std::iter::once(wanted.to_owned()).chain((2..).map(|number| format!("{wanted}_{number}")));
    let name = names.find(is_free).unwrap_or_else(|| wanted.to_owned());
    draft.claimed.insert(own(&name), site.secret.clone());
    name
}

impl Rewriter for Pipeline {
    fn id(&self) -> &'static str {
        "ci"
    }

    fn takes(&self, file: &SourceFile) -> bool {
        file.text().is_some() && system(file).is_some()
    }

    fn rewrite(&self, file: &SourceFile, sites: &[&Site], draft: &mut Draft<'_>) {
        let (Some(text), Some(system)) = (file.text(), system(file)) else { return };
        for &site in sites {
            let mut name = naming::variable(&words::name(text, site));
            // GitHub keeps this beginning for itself.
            if name.starts_with("GITHUB_") {
                name = format!("CI_{name}");
            }
            let name = free(&name, (system, text), site, draft);
            let Some(value) = decoded(file, site) else { continue };
            let id = draft.shared(file, &["ci", &name.to_ascii_lowercase()], &value);
            let command = draft.command(id);
            let (span, text, how) = match system {
                System::GitHub => (site.span, format!("${{{{ secrets.{name} }}}}"), format!("`{command} | gh secret set {name}`")),
                System::GitLab => (site.span, format!("${name}"), format!("a masked variable {name} with what `{command}` prints")),
                System::Jenkins => {
                    let Some((span, _)) = literal(text, site.span) else { continue };
                    let credential = naming::dns(&name);
                    (span, format!("credentials('{credential}')"), format!("a secret text `{credential}` with what `{command}` prints"))
                }
            };
            let actions = vec![Action::Splice { file: file.path.clone(), span: Span::new(span.start, span.end), text }];
            draft.step(self.id(), file, &[site], Verdict::review(format!("set it first: {how}")), actions, vec![id]);
        }
    }
}
