//! Compose files: the value gives way to a variable that must be set; `sops exec-env` sets it.

use super::quote::{decoded, run_with};
use super::{Anchors, Rewriter, dotenv, words};
use crate::migrate::draft::{Draft, Verdict};
use crate::migrate::file::{Site, SourceFile};
use crate::migrate::naming;
use crate::migrate::outline::{Outline, Part};
use crate::migrate::plan::{Action, Shape};
use crate::migrate::yaml::is_yaml;
use crate::secret::Secret;

/// `docker-compose.yml`, `compose.yaml` and their overrides.
pub(super) struct Compose;

impl Rewriter for Compose {
    fn id(&self) -> &'static str {
        "compose"
    }

    fn takes(&self, file: &SourceFile) -> bool {
        let name = file.name();
        let named = (name.starts_with("docker-compose") || name.starts_with("compose")) && is_yaml(name);
        named && file.text().is_some_and(|text| Outline::new(text).key(0, &["services"]).is_some())
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
            let Some(item) = outline.holding(site.span) else { continue };
            let Some(value) = decoded(file, site).and_then(|value| dollars(&value)) else { continue };
            let service = match item.path.get(1) {
                Some(Part::Key(service)) => service.as_str(),
                _ => "",
            };
            let name = naming::variable(&variable(text, site, service));
            let id = draft.same_in(store, &value).unwrap_or_else(|| draft.put(store, &[&name], &value));
            let name = super::container::key_of(id, draft);
            let path = draft.path_of(store);
            // No colon followed by a blank: it would end a plain YAML scalar.
            let text = format!("${{{name}:?set by sops exec-env {path}}}");
            let mut actions = vec![Action::Splice { file: file.path.clone(), span: site.span, text }];
            let verdict = Verdict::safe(format!(
                "started with `{}`; without it compose stops and says so",
                run_with(file, path, "'docker compose up'")
            ));
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

/// In compose files `$$` stands for `$`. A single one would start a variable.
fn dollars(value: &Secret) -> Option<Secret> {
    let text = std::str::from_utf8(value.expose()).ok()?;
    (!text.replace("$$", "").contains('$')).then(|| Secret::new(text.replace("$$", "$").into_bytes()))
}
