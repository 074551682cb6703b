//! Shell scripts: the value gives way to a variable that must be set; `sops exec-env` sets it.

use super::quote::{Quote, expand, literal, shell_quote, shell_value};
use super::{Anchors, Rewriter, dotenv, words};
use crate::migrate::draft::{Draft, Verdict};
use crate::migrate::file::{Site, SourceFile};
use crate::migrate::naming;
use crate::migrate::plan::{Action, Shape};
use crate::text::Span;

/// `*.sh`, files that start with a shell's `#!`, PowerShell.
pub(super) struct Shell;

impl Rewriter for Shell {
    fn id(&self) -> &'static str {
        "shell"
    }

    fn takes(&self, file: &SourceFile) -> bool {
        let Some(text) = file.text() else { return false };
        let first = text.lines().next().unwrap_or("");
        let marked = first.starts_with("#!") && ["sh", "bash", "zsh", "dash", "ksh"].iter().any(|shell| first.trim_end().ends_with(shell));
        marked || is_powershell(file) || [".sh", ".bash", ".zsh", ".envrc"].iter().any(|end| file.name().ends_with(end))
    }

    fn anchors(&self) -> Anchors {
        Anchors::Here
    }

    fn rewrite(&self, file: &SourceFile, sites: &[&Site], draft: &mut Draft<'_>) {
        let Some(text) = file.text() else { return };
        for &site in sites {
            let line = file.line_at(site.span.start);
            if site.span.end > line.end {
                draft.manual(self.id(), file, &[site], "it spans lines: read it from a file that sops decrypts");
                continue;
            }
            self.one(file, text, line, site, draft);
        }
    }
}

fn is_powershell(file: &SourceFile) -> bool {
    file.name().ends_with(".ps1") || file.name().ends_with(".psm1")
}

impl Shell {
    fn one(&self, file: &SourceFile, text: &str, line: Span, site: &Site, draft: &mut Draft<'_>) {
        let before = &text[line.start..site.span.start];
        let powershell = is_powershell(file);
        let heredoc = if powershell { None } else { heredoc(&text[..line.start]) };
        if heredoc == Some(Heredoc::Literal) {
            return draft.manual(
                self.id(),
                file,
                &[site],
                "it stands in a here-document that expands nothing: take the quotes off its end word first",
            );
        }
        let quote = if heredoc.is_some() { Quote::Double } else { shell_quote(&text[line.range()], site.span.start - line.start) };
        let raw = &text[site.span.range()];
        let value = if powershell { site.secret.clone() } else { shell_value(raw, quote) };
        let store = draft.store(&format!("{}{}", file.folder(), words::of_file(file)), ".sops.env", &Shape::Keys, &file.path);
        let id = draft.put(store, &[&variable(text, before, site)], &value);
        let name = super::container::key_of(id, draft);
        let path = draft.path_of(store).to_owned();
        let comment = before.trim_start().starts_with('#');
        let (span, text) = match () {
            () if comment => (site.span, format!("${name}")),
            () if powershell => {
                let Some(span) = powershell_word(text, site.span, quote) else {
                    return draft.manual(self.id(), file, &[site], "it stands in a string that expands nothing: use double quotes first");
                };
                (span, format!("$(if ($env:{name}) {{ $env:{name} }} else {{ throw 'set {name} by sops exec-env {path}' }})"))
            }
            () => (site.span, expand(&format!("${{{name}:?set by sops exec-env {path}}}"), quote)),
        };
        let mut actions = vec![Action::Splice { file: file.path.clone(), span, text }];
        actions.extend(dotenv::companions(draft, store));
        let run = format!("run with `sops exec-env {path} {}`; without it the script stops and says so", file.path);
        draft.step(self.id(), file, &[site], Verdict::safe(run), actions, vec![id]);
    }
}

/// What gives way to an expression in PowerShell: a whole string, or a part of one in double quotes.
fn powershell_word(text: &str, span: Span, quote: Quote) -> Option<Span> {
    match literal(text, span) {
        Some((whole, _)) => Some(whole),
        None => (quote != Quote::Single).then_some(span),
    }
}

/// What the variable is called: what the value is assigned to, what its rule says, or the command it is an argument of.
fn variable(text: &str, before: &str, site: &Site) -> String {
    // Blanks around the sign: an assignment in PowerShell, two words in other shells.
    let sign = before.trim_end_matches(['"', '\'']);
    let assigned = words::assigned(text, site.span).filter(|name| (sign.ends_with('=') || before.contains('$')) && !name.contains('.'));
    if let Some(name) = assigned {
        return naming::variable(name);
    }
    let command = before.rsplit(['|', ';', '&', '(']).next().unwrap_or(before);
    let word = command.split_whitespace().find(|word| !word.contains('=') && !word.starts_with('-') && *word != "sudo").unwrap_or("");
    let word = naming::slug(word.rsplit('/').next().unwrap_or(word));
    let by_rule = words::by_rule(site);
    let name = match () {
        () if by_rule.starts_with(&word) || site.rule.env.is_some() => by_rule,
        () if word.ends_with(words::kind(site)) => word,
        () => format!("{word}_{}", words::kind(site)),
    };
    naming::variable(&name)
}

/// A here-document that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heredoc {
    /// Variables are expanded.
    Expanding,
    /// Nothing is.
    Literal,
}

fn heredoc(before: &str) -> Option<Heredoc> {
    let mut open: Option<(String, Heredoc)> = None;
    for line in before.lines() {
        if let Some((end, _)) = &open {
            if line.trim_start_matches('\t') == end {
                open = None;
            }
            continue;
        }
        let Some((_, rest)) = line.split_once("<<") else { continue };
        let rest = rest.trim_start_matches('-').trim_start();
        if rest.starts_with('<') {
            continue;
        }
        let quoted = rest.starts_with(['\'', '"', '\\']);
        let word: String =
            rest.trim_start_matches(['\'', '"', '\\']).chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        if !word.is_empty() {
            open = Some((word, if quoted { Heredoc::Literal } else { Heredoc::Expanding }));
        }
    }
    open.map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn here_documents_are_seen() {
        assert_eq!(heredoc("cat <<EOF\nx\n"), Some(Heredoc::Expanding));
        assert_eq!(heredoc("cat <<-'EOF' | sh\nx\n"), Some(Heredoc::Literal));
        assert_eq!(heredoc("cat <<EOF\nx\nEOF\n"), None);
        assert_eq!(heredoc("grep x <<< \"$y\"\n"), None);
    }
}
