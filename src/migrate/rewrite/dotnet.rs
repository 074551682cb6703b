//! Settings of .NET: a variable of the environment wins over the file, so the whole value moves into one.

use super::config::Config;
use super::container::key_of;
use super::quote::{exec_env, unescaped};
use super::{Anchors, Rewriter, dotenv};
use crate::migrate::draft::{Draft, Verdict};
use crate::migrate::file::{Site, SourceFile};
use crate::migrate::outline::{Item, Outline, Part, Spelling};
use crate::migrate::plan::{Action, Shape};
use crate::text::{Span, shell_word};

/// `appsettings.json` and those of environments.
pub(super) struct DotNet;

impl Rewriter for DotNet {
    fn id(&self) -> &'static str {
        "dotnet"
    }

    fn takes(&self, file: &SourceFile) -> bool {
        stem(file).is_some() && file.text().is_some()
    }

    fn anchors(&self) -> Anchors {
        Anchors::Here
    }

    fn rewrite(&self, file: &SourceFile, sites: &[&Site], draft: &mut Draft<'_>) {
        let (Some(text), Some(stem)) = (file.text(), stem(file)) else { return };
        // With remarks in it, the sections cannot be told.
        if serde_json::from_str::<serde::de::IgnoredAny>(text.trim_start_matches('\u{feff}')).is_err() {
            return sites.iter().for_each(|site| Config.reference(file, text, site, draft));
        }
        let outline = Outline::with_flow(text);
        let mut done: Option<&Item> = None;
        for &site in sites {
            let setting = outline.holding(site.span).filter(|item| item.spelling == Spelling::Double);
            let Some((item, name)) = setting.and_then(|item| Some((item, variable(item)?))) else {
                Config.reference(file, text, site, draft);
                continue;
            };
            // Another secret of a connection string moves with the first.
            if done.is_some_and(|done| done.value == item.value) {
                continue;
            }
            done = Some(item);
            let inside: Vec<&Site> =
                sites.iter().copied().filter(|site| item.value.start < site.span.start && site.span.end < item.value.end).collect();
            self.setting(file, (text, stem), &inside, (item, &name), draft);
        }
    }
}

impl DotNet {
    fn setting(&self, file: &SourceFile, (text, stem): (&str, &str), sites: &[&Site], (item, name): (&Item, &str), draft: &mut Draft<'_>) {
        let content = Span::new(item.value.start + 1, item.value.end - 1);
        let store = draft.store(&format!("{}{stem}", file.folder()), ".sops.env", &Shape::Keys, &file.path);
        let entry = unescaped(&text[content.range()]).map(|value| draft.put(store, &[name], &value));
        // The variable has to be called as the setting is.
        let Some(id) = entry.filter(|id| key_of(*id, draft) == name) else {
            return draft.manual(
                self.id(),
                file,
                sites,
                "no variable of the environment can be called as this setting is: move it by hand",
            );
        };
        let run = exec_env(draft.path_of(store), &start(file.folder(), stem));
        let mut actions = vec![Action::Splice { file: file.path.clone(), span: content, text: draft.uri(id) }];
        actions.extend(dotenv::companions(draft, store));
        let verdict = match item.path.first() {
            Some(Part::Key(section)) if section.eq_ignore_ascii_case("ConnectionStrings") => Verdict::review(format!(
                "the variable {name} wins over the file: `{run}`; without it the connection string is refused where it is first used"
            )),
            _ => Verdict::review(format!("the variable {name} wins over the file: `{run}`; without it the reference is the value")),
        };
        draft.step(self.id(), file, sites, verdict, actions, vec![id]);
    }
}

/// What starts the program that reads a file, from the top of the repository, in one word.
fn start(folder: &str, stem: &str) -> String {
    if !matches!(stem, "appsettings" | "appsettings.Development") {
        return "COMMAND".to_owned();
    }
    let project = if folder.is_empty() { String::new() } else { format!(" --project {}", shell_word(folder.trim_end_matches('/'))) };
    shell_word(&format!("dotnet run{project}"))
}

/// `appsettings` of `appsettings.json`, `appsettings.Production` of that of an environment.
fn stem(file: &SourceFile) -> Option<&str> {
    let stem = file.name().strip_suffix(".json")?;
    let rest = stem.strip_prefix("appsettings")?;
    (rest.is_empty() || rest.starts_with('.')).then_some(stem)
}

/// The variable of a setting, with two underscores between its sections; `None` if a section has other characters than names
/// of variables.
fn variable(item: &Item) -> Option<String> {
    let parts = item.path.iter().map(|part| match part {
        Part::Key(key) => key.clone(),
        Part::Index(index) => index.to_string(),
    });
    let name = parts.collect::<Vec<_>>().join("__");
    let fits = !name.starts_with(|c: char| c.is_ascii_digit()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (fits && !name.is_empty()).then_some(name)
}
