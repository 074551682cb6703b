//! Settings of Rails, in which Ruby runs before they are read: the value is fetched from the environment.

use super::config::Config;
use super::quote::{decoded, exec_env};
use super::{Anchors, Rewriter, container, dotenv, is_in_comment, words};
use crate::migrate::draft::{Draft, Verdict};
use crate::migrate::file::{Site, SourceFile, folder_of};
use crate::migrate::naming;
use crate::migrate::outline::{Item, Outline, Spelling};
use crate::migrate::plan::{Action, Shape};
use crate::secret::Secret;
use crate::text::{Span, shell_word};

/// `config/database.yml` and others that Rails and its libraries read in that way.
pub(super) struct Rails;

/// Files of `config` in which Ruby runs.
const WITH_RUBY: [&str; 8] =
    ["cable.yml", "cache.yml", "database.yml", "mongoid.yml", "queue.yml", "secrets.yml", "sidekiq.yml", "storage.yml"];

/// Sections that hold for all environments.
const COMMON: [&str; 4] = ["default", "defaults", "shared", "base"];

impl Rewriter for Rails {
    fn id(&self) -> &'static str {
        "rails"
    }

    fn takes(&self, file: &SourceFile) -> bool {
        WITH_RUBY.contains(&file.name()) && file.folder().split('/').rev().nth(1) == Some("config") && file.text().is_some()
    }

    fn anchors(&self) -> Anchors {
        Anchors::Here
    }

    fn rewrite(&self, file: &SourceFile, sites: &[&Site], draft: &mut Draft<'_>) {
        let Some(text) = file.text() else { return };
        let outline = Outline::new(text);
        let has_ruby = ["config/application.rb", "Gemfile"].iter().any(|name| draft.repo.exists(&format!("{}{name}", app(file))));
        for &site in sites {
            let item = outline.holding(site.span).filter(|_| has_ruby && !is_in_comment(file, site));
            let planned = item.and_then(|item| edit(file, text, site, item));
            match (item, planned) {
                (Some(item), Some(edit)) => self.setting(file, site, item, &edit, draft),
                (Some(item), None) if text[item.value.range()].contains("<%") => {
                    draft.manual(
                        self.id(),
                        file,
                        &[site],
                        "part of an expression of Ruby: fetch it from the environment without a default",
                    );
                }
                _ => Config.reference(file, text, site, draft),
            }
        }
    }
}

/// What is replaced, by an expression of this form around the variable, and the value that the expression has.
struct Edit {
    span: Span,
    open: &'static str,
    close: &'static str,
    value: Secret,
}

/// A whole value becomes an expression that writes it in quotes; a part of one is written as it stands, if it can be.
fn edit(file: &SourceFile, text: &str, site: &Site, item: &Item) -> Option<Edit> {
    // Ruby is there already.
    if text[item.value.range()].contains("<%") {
        return None;
    }
    let quotes = usize::from(matches!(item.spelling, Spelling::Single | Spelling::Double));
    let content = Span::new(item.value.start + quotes, item.value.end - quotes);
    let value = decoded(file, site)?;
    if content == site.span && item.spelling != Spelling::Block {
        return Some(Edit { span: item.value, open: "<%= ENV.fetch(\"", close: "\").to_json %>", value });
    }
    let is_plain = text[site.span.range()].bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%+/=".contains(&byte));
    let (open, close) = match item.spelling {
        Spelling::Plain | Spelling::Single => ("<%= ENV.fetch(\"", "\") %>"),
        Spelling::Double => ("<%= ENV.fetch('", "') %>"),
        Spelling::Block | Spelling::Flow | Spelling::None => return None,
    };
    is_plain.then_some(Edit { span: site.span, open, close, value })
}

impl Rails {
    fn setting(&self, file: &SourceFile, site: &Site, item: &Item, edit: &Edit, draft: &mut Draft<'_>) {
        // One for all files, as Rails reads them all when it starts.
        let store = draft.store(&format!("{}secrets", file.folder()), ".sops.env", &Shape::Keys, &format!("rails {}", file.folder()));
        let kind = if edit.span == item.value { None } else { Some(words::kind(site)) };
        let id = draft.put(store, &[&variable(item, file.name().trim_end_matches(".yml"), kind)], &edit.value);
        let name = container::key_of(id, draft);
        let run = exec_env(draft.path_of(store), &start(app(file)));
        let text = format!("{}{name}{}", edit.open, edit.close);
        let mut actions = vec![Action::Splice { file: file.path.clone(), span: edit.span, text }];
        actions.extend(dotenv::companions(draft, store));
        let verdict = Verdict::safe(format!("Rails fetches it from the environment: `{run}`; without it Rails stops and says so"));
        draft.step(self.id(), file, &[site], verdict, actions, vec![id]);
    }
}

/// The folder of the program whose settings a file holds.
fn app(file: &SourceFile) -> &str {
    folder_of(file.folder().trim_end_matches('/'))
}

/// What starts the program, from the top of the repository, in one word.
fn start(app: &str) -> String {
    let go = if app.is_empty() { String::new() } else { format!("cd {} && ", shell_word(app.trim_end_matches('/'))) };
    shell_word(&format!("{go}bin/rails server"))
}

/// `PRODUCTION_DATABASE_PASSWORD`: the sections but for those that hold for all, and the file between them; of a part of a value
/// what it is.
fn variable(item: &Item, file: &str, part: Option<&str>) -> String {
    let mut keys: Vec<&str> = item.keys().unwrap_or_default();
    let environment = if keys.len() > 1 { Some(keys.remove(0)) } else { None };
    if let (Some(last), Some(part)) = (keys.last_mut(), part) {
        *last = part;
    }
    let environment = environment.filter(|name| !COMMON.contains(name));
    let file = (file != "secrets").then_some(file);
    let name = naming::variable(&environment.into_iter().chain(file).chain(keys).collect::<Vec<_>>().join(" "));
    // That one Rails itself reads, and it would win over the file.
    if name == "DATABASE_URL" { "PRIMARY_DATABASE_URL".to_owned() } else { name }
}
