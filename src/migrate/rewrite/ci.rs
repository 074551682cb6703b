//! Pipelines: the value becomes a secret of the CI system, which somebody has to set there.

use super::quote::{decoded, literal};
use super::{Rewriter, is_in_comment, words};
use crate::migrate::draft::{Draft, Verdict};
use crate::migrate::file::{Site, SourceFile};
use crate::migrate::naming;
use crate::migrate::outline::{Outline, Part, Spelling};
use crate::migrate::plan::Action;
use crate::migrate::yaml::is_yaml;
use crate::text::Span;

/// GitHub Actions, GitLab CI, Jenkins, Azure Pipelines, Bitbucket Pipelines, CircleCI, Drone and Woodpecker.
pub(super) struct Pipeline;

/// The CI system of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum System {
    GitHub,
    GitLab,
    Jenkins,
    Azure,
    Bitbucket,
    CircleCi,
    Drone,
}

pub(super) fn system(file: &SourceFile) -> Option<System> {
    let yaml = is_yaml(&file.path);
    match file.name() {
        _ if yaml && (file.path.starts_with(".github/") || file.path.contains("/.github/")) => Some(System::GitHub),
        "action.yml" | "action.yaml" => Some(System::GitHub),
        name if yaml && name.starts_with(".gitlab-ci") => Some(System::GitLab),
        name if yaml && name.starts_with("azure-pipelines") => Some(System::Azure),
        "bitbucket-pipelines.yml" => Some(System::Bitbucket),
        "config.yml" if file.folder().ends_with(".circleci/") => Some(System::CircleCi),
        name if yaml && [".drone.", ".woodpecker."].iter().any(|start| name.starts_with(start)) => Some(System::Drone),
        _ if yaml && file.path.contains(".woodpecker/") => Some(System::Drone),
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
        System::GitLab | System::Bitbucket | System::CircleCi => uses(text, &format!("${name}")) || uses(text, &format!("${{{name}")),
        System::Azure => text.contains(&format!("$({name})")),
        System::Drone => uses(text, &format!("from_secret: {}", name.to_ascii_lowercase())),
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

/// The key above the one that a value is under, unless it says only what stands below it.
fn whose(outline: &Outline<'_>, site: &Site) -> Option<String> {
    const SECTIONS: [&str; 6] = ["env", "environment", "inputs", "secrets", "variables", "with"];
    let keys = outline.holding(site.span)?.keys()?;
    let whose = keys.len().checked_sub(2).map(|at| keys[at])?;
    (!SECTIONS.contains(&whose)).then(|| whose.to_owned())
}

/// Why a place of a pipeline cannot hold a reference.
fn takes_no_reference(system: System, outline: &Outline<'_>, file: &SourceFile, site: &Site) -> Option<&'static str> {
    let item = outline.holding(site.span);
    let below = |key: &str| item.is_some_and(|item| item.path.iter().any(|part| matches!(part, Part::Key(known) if known == key)));
    let is_whole = item.is_some_and(|item| item.value.len() <= site.span.len() + 2 && item.spelling != Spelling::Block);
    match system {
        System::GitHub if below("services") && below("options") => {
            Some("GitHub has no `secrets` in the options of a service: give the service a variable in its `env`, and use that here")
        }
        System::GitHub if below("matrix") => Some("GitHub has no `secrets` in a matrix: use it in the `env` of a step instead"),
        System::CircleCi if below("environment") => Some(
            "CircleCI expands nothing in `environment`: leave the line out, and set a variable of this name for the project or in a context",
        ),
        System::Azure if below("variables") => Some(
            "a secret variable of Azure Pipelines cannot be declared here: leave it out, and set it for the pipeline or in a variable group",
        ),
        System::Drone if !is_whole || is_in_comment(file, site) => {
            Some("`from_secret` takes the place of a whole value: put it into `environment`, and use the variable here")
        }
        _ => None,
    }
}

/// Whether a place is right inside of the `environment` of a pipeline.
fn is_in_environment(before: &str) -> bool {
    let open = before.rfind("environment").map(|at| &before[at + "environment".len()..]);
    open.is_some_and(|block| block.trim_start().starts_with('{') && block.matches('{').count() == block.matches('}').count() + 1)
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
        let outline = Outline::new(text);
        for &site in sites {
            if system == System::Jenkins && !is_in_environment(&text[..site.span.start]) {
                let reason = "`credentials()` works in `environment` alone: bind the credential with `withCredentials` around what uses it";
                draft.manual(self.id(), file, &[site], reason);
                continue;
            }
            let mut name = naming::variable(&words::name(text, site));
            if let Some(whose) = whose(&outline, site).filter(|_| words::is_generic(&name)) {
                name = naming::variable(&format!("{whose}_{name}"));
            }
            // GitHub keeps this beginning for itself.
            if name.starts_with("GITHUB_") {
                name = format!("CI_{name}");
            }
            if let Some(reason) = takes_no_reference(system, &outline, file, site) {
                draft.manual(self.id(), file, &[site], reason);
                continue;
            }
            let name = free(&name, (system, text), site, draft);
            let Some(value) = decoded(file, site) else { continue };
            let id = draft.shared(file, &["ci", &name.to_ascii_lowercase()], &value);
            let command = draft.command(id);
            let (span, text, how) = match system {
                System::GitHub => {
                    let option = if file.name().starts_with("dependabot.") { " --app dependabot" } else { "" };
                    (site.span, format!("${{{{ secrets.{name} }}}}"), format!("`{command} | gh secret set {name}{option}`"))
                }
                System::GitLab => (site.span, format!("${name}"), format!("a masked variable {name} with what `{command}` prints")),
                System::Azure => (site.span, format!("$({name})"), format!("a secret variable {name} with what `{command}` prints")),
                System::Bitbucket => (site.span, format!("${name}"), format!("a secured variable {name} with what `{command}` prints")),
                System::CircleCi => (
                    site.span,
                    format!("${{{name}}}"),
                    format!("a variable {name} of the project or a context with what `{command}` prints"),
                ),
                System::Drone => {
                    let secret = name.to_ascii_lowercase();
                    let Some(item) = outline.holding(site.span) else { continue };
                    (item.value, format!("{{ from_secret: {secret} }}"), format!("a secret {secret} with what `{command}` prints"))
                }
                System::Jenkins => {
                    let alone = |span: Span| text[span.end..].lines().next().unwrap_or_default().trim().is_empty();
                    let Some((span, _)) = literal(text, site.span).filter(|(span, _)| alone(*span) && !text[span.range()].contains('\\'))
                    else {
                        draft.manual(self.id(), file, &[site], "part of an expression: bind the credential to a variable of its own");
                        continue;
                    };
                    let credential = naming::dns(&name);
                    (span, format!("credentials('{credential}')"), format!("a secret text `{credential}` with what `{command}` prints"))
                }
            };
            let actions = vec![Action::Splice { file: file.path.clone(), span: Span::new(span.start, span.end), text }];
            let verdict = match system {
                System::Jenkins => Verdict::safe(format!("needs {how}; without it Jenkins stops and says so")),
                // What is not set is empty there.
                _ => Verdict::review(format!("set it first: {how}")),
            };
            draft.step(self.id(), file, &[site], verdict, actions, vec![id]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_bound_in_the_environment_of_a_pipeline() {
        assert!(is_in_environment("pipeline {\n  environment {\n    A = credentials('a')\n    B = "));
        assert!(!is_in_environment("pipeline {\n  environment {\n    A = 'b'\n  }\n  stages { stage('x') { steps { sh "));
        assert!(!is_in_environment("def environment = 'x'\ndef b = "));
    }
}
