//! Makefiles: a variable takes its value from the environment, which `sops exec-env` sets, and using it without one ends make.

use super::quote::{exec_env, expand, shell_quote, shell_value, told};
use super::{Anchors, Rewriter, dotenv, is_in_comment, words};
use crate::migrate::draft::{Draft, Verdict};
use crate::migrate::file::{Site, SourceFile};
use crate::migrate::naming;
use crate::migrate::plan::{Action, Shape};
use crate::secret::Secret;
use crate::text::{Span, shell_word};

/// `Makefile`, `*.mk`.
pub(super) struct Makefile;

impl Rewriter for Makefile {
    fn id(&self) -> &'static str {
        "makefile"
    }

    fn takes(&self, file: &SourceFile) -> bool {
        let name = file.name();
        file.text().is_some() && (["Makefile", "makefile", "GNUmakefile"].contains(&name) || name.ends_with(".mk"))
    }

    fn anchors(&self) -> Anchors {
        Anchors::Here
    }

    fn rewrite(&self, file: &SourceFile, sites: &[&Site], draft: &mut Draft<'_>) {
        let Some(text) = file.text() else { return };
        for &site in sites.iter().filter(|site| !is_in_comment(file, site)) {
            let line = file.line_at(site.span.start);
            if site.span.end > line.end {
                continue;
            }
            let continued = text[..line.start].trim_end_matches(['\r', '\n']).ends_with('\\');
            let planned = if continued {
                None
            } else if text[line.range()].starts_with('\t') {
                self.recipe(file, text, line, site, draft)
            } else {
                self.setting(file, text, line, site, draft)
            };
            if planned.is_none() {
                draft.manual(self.id(), file, &[site], "written in a way that sopup does not edit: read it from the environment by hand");
            }
        }
    }
}

impl Makefile {
    /// In a command: `$${NAME:?…}`, which the shell expands.
    fn recipe(&self, file: &SourceFile, text: &str, line: Span, site: &Site, draft: &mut Draft<'_>) -> Option<()> {
        let quote = shell_quote(&text[line.range()], site.span.start - line.start);
        let value = shell_value(&plain(&text[site.span.range()])?, quote);
        let name = free(&naming::variable(&words::name(text, site)), text);
        let (name, path, store, id) = self.entry(file, &name, &value, draft);
        let new = expand(&format!("$${{{name}:?{}}}", told(&path)), quote);
        self.step(file, site, (site.span, new), (store, id), draft);
        Some(())
    }

    /// `NAME = VALUE` → `NAME ?= $(error …)`, which the environment wins over; a part of a value → `$(or $(KEY),$(error …))`.
    fn setting(&self, file: &SourceFile, text: &str, line: Span, site: &Site, draft: &mut Draft<'_>) -> Option<()> {
        let raw = &text[line.range()];
        let (head, value) = raw.split_once('=')?;
        let name = head.trim_end_matches([':', '?', '+', '!']).trim();
        let (modifiers, name) = name.rsplit_once(' ').map_or(("", name), |(before, name)| (before, name));
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let is_set = !head.ends_with(['+', '!']) && ["", "export", "override"].contains(&modifiers);
        let whole = value.trim() == &text[site.span.range()] && is_name && is_set && modifiers != "override";
        // In variables from the environment make expands what follows a dollar sign.
        let decoded = plain(&text[site.span.range()]).filter(|value| !value.contains('$'))?;
        let decoded = Secret::new(decoded.into_bytes());
        let wanted = if whole { name.to_owned() } else { free(&naming::variable(&words::name(text, site)), text) };
        let (key, path, store, id) = self.entry(file, &wanted, &decoded, draft);
        // A variable that is made of itself ends make.
        if !whole && key == name {
            return None;
        }
        if whole && key == name {
            let export = if modifiers.is_empty() { String::new() } else { format!("{modifiers} ") };
            let new = format!("{export}{name} ?= $(error {name} must be {})", told(&path));
            self.step(file, site, (line, new), (store, id), draft);
        } else {
            let new = format!("$(or $({key}),$(error {key} must be {}))", told(&path));
            self.step(file, site, (site.span, new), (store, id), draft);
        }
        Some(())
    }

    fn entry(
        &self,
        file: &SourceFile,
        name: &str,
        value: &Secret,
        draft: &mut Draft<'_>,
    ) -> (String, String, usize, crate::migrate::plan::EntryId) {
        let store = draft.store(&format!("{}make", file.folder()), ".sops.env", &Shape::Keys, "make");
        let id = draft.put(store, &[name], value);
        (super::container::key_of(id, draft), draft.path_of(store).to_owned(), store, id)
    }

    fn step(
        &self,
        file: &SourceFile,
        site: &Site,
        (span, text): (Span, String),
        (store, id): (usize, crate::migrate::plan::EntryId),
        draft: &mut Draft<'_>,
    ) {
        let folder = file.folder().trim_end_matches('/');
        let make = if folder.is_empty() { "make".to_owned() } else { shell_word(&format!("make -C {}", shell_word(folder))) };
        let run = exec_env(draft.path_of(store), &make);
        let mut actions = vec![Action::Splice { file: file.path.clone(), span, text }];
        actions.extend(dotenv::companions(draft, store));
        let verdict = Verdict::safe(format!("run with `{run}`; without it make stops where the value is used, and says so"));
        draft.step(self.id(), file, &[site], verdict, actions, vec![id]);
    }
}

/// A name that means nothing else in the file: make hands its own variables on to commands.
fn free(wanted: &str, text: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_used = |name: &str| {
        text.match_indices(name).any(|(at, _)| !text[..at].ends_with(is_word) && !text[at + name.len()..].starts_with(is_word))
    };
    let names = std::iter::once(wanted.to_owned()).chain((2..).map(|number| format!("{wanted}_{number}")));
    names.into_iter().find(|name| !is_used(name)).unwrap_or_else(|| wanted.to_owned())
}

/// What make hands on: `$$` is a dollar sign, and any other one begins a variable.
fn plain(raw: &str) -> Option<String> {
    (!raw.replace("$$", "").contains('$') && !raw.contains('#')).then(|| raw.replace("$$", "$"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrate::rewrite::quote::Quote;

    #[test]
    fn dollars_are_doubled_in_makefiles() {
        assert_eq!(plain("a$$b").as_deref(), Some("a$b"));
        assert_eq!(plain("a$b"), None);
        let quoted = expand("$${A:?x}", Quote::Single);
        assert_eq!(quoted, "'\"$${A:?x}\"'");
    }
}
