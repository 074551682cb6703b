//! Compose files: the value gives way to a variable that must be set; `sops exec-env` sets it.

use super::quote::{decoded, run_with};
use super::{Anchors, Rewriter, dotenv, is_in_comment, words};
use crate::migrate::draft::{Draft, Verdict};
use crate::migrate::file::{Site, SourceFile};
use crate::migrate::naming;
use crate::migrate::outline::{Outline, Part};
use crate::migrate::plan::{Action, Shape};
use crate::migrate::yaml::is_yaml;
use crate::secret::Secret;
use crate::text::Span;

/// `docker-compose.yml`, `compose.yaml` and their overrides.
pub(super) struct Compose;

/// Whether a text has services that are run from images.
fn is_compose(name: &str, text: &str) -> bool {
    if !text.contains("services:") {
        return false;
    }
    let outline = Outline::new(text);
    let named = name.starts_with("docker-compose") || name.starts_with("compose");
    let runs = |path: &[Part]| matches!(path, [Part::Key(top), Part::Key(_), Part::Key(key)] if top == "services" && matches!(key.as_str(), "image" | "build"));
    let other = ["kind", "apiVersion", "pipeline", "jobs"].iter().any(|key| outline.key(0, &[key]).is_some());
    outline.key(0, &["services"]).is_some() && (named || !other && outline.items().iter().any(|item| runs(&item.path)))
}

impl Rewriter for Compose {
    fn id(&self) -> &'static str {
        "compose"
    }

    fn takes(&self, file: &SourceFile) -> bool {
        is_yaml(file.name()) && file.text().is_some_and(|text| is_compose(file.name(), text))
    }

    fn anchors(&self) -> Anchors {
        Anchors::Here
    }

    fn rewrite(&self, file: &SourceFile, sites: &[&Site], draft: &mut Draft<'_>) {
        let Some(text) = file.text() else { return };
        let outline = Outline::new(text);
        let stage = naming::stage(file.name()).unwrap_or("compose");
        let store = draft.store(&format!("{}{stage}", file.folder()), ".sops.env", &Shape::Keys, "environment");
        for &site in sites {
            let item = outline.holding(site.span).filter(|_| !is_in_comment(file, site));
            let Some(value) = decoded(file, site).and_then(|value| dollars(&value)) else { continue };
            let service = match item.and_then(|item| item.path.get(1)) {
                Some(Part::Key(service)) => service.as_str(),
                _ => "",
            };
            // In comments only what could be a setting is one.
            if item.is_none() && words::assigned(text, site.span).is_none() {
                continue;
            }
            let default = default_of(text, site.span);
            let wanted = default.map_or_else(|| naming::variable(&variable(text, site, service)), |(name, _)| name.to_owned());
            let same = draft.same_in(store, &value).filter(|_| default.is_none());
            let id = same.unwrap_or_else(|| draft.put(store, &[&wanted], &value));
            let name = super::container::key_of(id, draft);
            let path = draft.path_of(store);
            // No colon followed by a blank: it would end a plain YAML scalar.
            let text = format!("${{{name}:?set by sops exec-env {path}}}");
            let span = default.filter(|_| wanted == name).map_or(site.span, |(_, span)| span);
            let mut actions = vec![Action::Splice { file: file.path.clone(), span, text }];
            let run = run_with(file, path, "'docker compose up'");
            let verdict = Verdict::safe(match default {
                Some((name, _)) => format!("where {name} is not set, start with `{run}`; without it compose stops and says so"),
                None => format!("started with `{run}`; without it compose stops and says so"),
            });
            actions.extend(dotenv::companions(draft, store));
            draft.step(self.id(), file, &[site], verdict, actions, vec![id]);
        }
    }
}

fn variable(text: &str, site: &Site, service: &str) -> String {
    match words::assigned(text, site.span) {
        Some(name) if name != "command" && name != "entrypoint" => name.to_owned(),
        _ => format!("{service}_{}", words::name(text, site)),
    }
}

/// The variable whose default a place is, and all of the expansion: `${NAME:-VALUE}`.
pub(super) fn default_of(text: &str, span: Span) -> Option<(&str, Span)> {
    let before = &text[..span.start];
    let before = before.strip_suffix('-')?;
    let before = before.strip_suffix(':').unwrap_or(before);
    let start = words::start_behind(before, |c| !(c.is_ascii_alphanumeric() || c == '_'));
    let name = &before[start..];
    let open = before[..start].strip_suffix("${")?.len();
    let named = !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit());
    (named && text[span.end..].starts_with('}')).then(|| (name, Span::new(open, span.end + 1)))
}

/// In compose files `$$` stands for `$`. A single one would start a variable.
fn dollars(value: &Secret) -> Option<Secret> {
    let text = std::str::from_utf8(value.expose()).ok()?;
    (!text.replace("$$", "").contains('$')).then(|| Secret::new(text.replace("$$", "$").into_bytes()))
}
