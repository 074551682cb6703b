//! Program text: a string literal gives way to a look-up in the environment. A proposal, but where the language stops with a
//! message if the variable is not set: types, imports and constants are the programmer's business.

use super::container::{is_of_environment, key_of};
use super::expression::{
    is_constant, is_field_of_object, is_in_annotation, is_in_declaration_of_php, is_in_function, is_in_long_literal, is_interpolated,
    is_joined, is_prefixed, needs_constant, open_quote,
};
use super::language::{Lookup, language, lookup, never_null};
use super::quote::{Quote, exec_env, literal, shell_quote, unescaped};
use super::shell::heredoc;
use super::{Rewriter, is_in_comment, words};
use crate::migrate::draft::{Draft, Verdict};
use crate::migrate::file::{Site, SourceFile};
use crate::migrate::naming;
use crate::migrate::plan::{Action, EntryId};
use crate::rule::lexicon::ENVIRONMENT_CALLS;
use crate::text::Span;

/// Python, JavaScript, Go, Java and their like.
pub(super) struct SourceCode;

impl Rewriter for SourceCode {
    fn id(&self) -> &'static str {
        "source-code"
    }

    fn takes(&self, file: &SourceFile) -> bool {
        file.text().is_some() && lookup(file).is_some()
    }

    fn rewrite(&self, file: &SourceFile, sites: &[&Site], draft: &mut Draft<'_>) {
        let (Some(text), Some(lookup)) = (file.text(), lookup(file)) else { return };
        for &site in sites.iter().filter(|site| !is_in_comment(file, site)) {
            let before = &text[file.line_at(site.span.start).start..site.span.start];
            let looked_up = looked_up(before);
            let named = looked_up.map_or_else(|| words::name(text, site), str::to_owned);
            let wanted = words::variable(&named, file);
            if !never_null(file) && is_alternative(before) || language(file) == "php" && looked_up.is_some() {
                let reason = "the program takes it where a variable is not set: take it out, so that the program stops there instead";
                draft.manual(self.id(), file, &[site], reason);
                continue;
            }
            if sets_variable(text, site) {
                let reason = "it is put into the environment, where a variable that is not set becomes the text `undefined`: set the variable outside";
                draft.manual(self.id(), file, &[site], reason);
                continue;
            }
            if matches!(lookup, Lookup::GoesOn(_)) && is_compared(text, site) {
                let reason = "it is compared with what somebody gives: unless its variable is checked first, nothing would be accepted where it is not set";
                draft.manual(self.id(), file, &[site], reason);
                continue;
            }
            let (Lookup::Stops(form) | Lookup::GoesOn(form) | Lookup::ByHand(form)) = lookup;
            let edits = if matches!(lookup, Lookup::ByHand(_)) { None } else { edits(file, text, site, form) };
            // Only what is moved takes a name.
            match edits.zip(unescaped(&text[site.span.range()])) {
                Some((edits, value)) => {
                    let key = naming::variable(&named).to_ascii_lowercase();
                    let id = draft.shared(file, &[&words::of_file(file), &key], &value);
                    // What stands in a SOPS file for environments is set under its own name.
                    let set = is_of_environment(id, draft).then(|| key_of(id, draft));
                    let name = set.unwrap_or_else(|| draft.variable(&wanted, &words::of_file(file), &value));
                    let splice = |(span, text): Edit| Action::Splice { file: file.path.clone(), span, text: text.replace("{}", &name) };
                    let actions = edits.into_iter().map(splice).collect();
                    let needs = format!("the program then needs {name} in its environment, {}", from(id, draft));
                    let stops = matches!(lookup, Lookup::Stops(_));
                    let verdict = match stops && literal(text, site.span).is_some() {
                        true if is_constant(language(file), before) => {
                            Verdict::review(format!("what takes a constant when it is compiled takes this no longer: {needs}"))
                        }
                        true if is_in_function(file, text, site) => {
                            Verdict::review(format!("in a function, whose callers may catch that it stops: {needs}"))
                        }
                        true if is_field_of_object(file, before) => {
                            Verdict::review(format!("a field that may be set otherwise, and stops even then: {needs}"))
                        }
                        true if looked_up.is_some() => Verdict::review(format!(
                            "the program takes it when a variable is not set, and would stop even if that one is: {needs}"
                        )),
                        true => Verdict::safe(format!("{needs}; without it it stops and says so")),
                        false => Verdict::review(format!("a proposal: {needs}")),
                    };
                    draft.step(self.id(), file, &[site], verdict, actions, vec![id]);
                }
                None => {
                    let shown = form.replace("{}", &wanted);
                    draft.manual(self.id(), file, &[site], &format!("read it from the environment instead, for instance with {shown}"));
                }
            }
        }
    }
}

/// `process.env.NAME || '`, `getenv('NAME') ?: '`, `getenv("NAME") == null ? a : '`: whether a line ends before what is taken
/// in the place of nothing.
fn is_alternative(before: &str) -> bool {
    let before = before.trim_end_matches(['"', '\'', '`']).trim_end();
    let otherwise = || {
        let (condition, _) = before.strip_suffix(':')?.split_once('?')?;
        Some(ENVIRONMENT_CALLS.within(condition.as_bytes()) || condition.contains("process.env"))
    };
    ["||", "??", "?:"].iter().any(|mark| before.ends_with(mark)) || otherwise() == Some(true)
}

/// `process.env.DB_PASSWORD = "`: whether a literal is put into the environment.
fn sets_variable(text: &str, site: &Site) -> bool {
    let before = text[..site.span.start].trim_end_matches(['"', '\'', '`']).trim_end();
    let Some(name) = before.strip_suffix('=') else { return false };
    let name = name.trim_end();
    name[words::start_behind(name, |c| !(c.is_ascii_alphanumeric() || "_.".contains(c)))..].starts_with("process.env.")
}

/// `pass == "`: whether a literal is compared with something.
fn is_compared(text: &str, site: &Site) -> bool {
    let before = text[..site.span.start].trim_end_matches(['"', '\'', '`']).trim_end();
    let behind = text[site.span.end..].trim_start_matches(['"', '\'', '`']).trim_start();
    ["==", "!="].iter().any(|sign| before.ends_with(sign) || behind.starts_with(sign))
}

/// `os.getenv("NAME", "`, `ENV.fetch('NAME', '`, `config("NAME", default="`: what a look-up is for, if a line ends before what it
/// takes otherwise.
fn looked_up(before: &str) -> Option<&str> {
    let before = before.trim_end_matches(['"', '\'']).trim_end();
    let before = ["default=", "default:"].iter().find_map(|name| before.strip_suffix(name)).unwrap_or(before).trim_end();
    let (call, wanted) = before.strip_suffix(',')?.rsplit_once('(')?;
    let name = &call[words::start_behind(call, |c| !(c.is_ascii_alphanumeric() || "_.".contains(c)))..];
    let looks_up = ENVIRONMENT_CALLS.ends(call.as_bytes()) || ["env", "config", "env.str"].contains(&name);
    looks_up.then(|| wanted.split(',').next().unwrap_or(wanted).trim().trim_matches(['"', '\'']))
}

/// Whether a comment of a program is open at a place that began a line: `/*`.
pub(super) fn is_in_block(file: &SourceFile, site: &Site) -> bool {
    let Some(before) = file.text().filter(|_| lookup(file).is_some()).map(|text| &text[..site.span.start]) else { return false };
    let begins_line = |at: &usize| before[..*at].rsplit('\n').next().is_some_and(|line| line.trim().is_empty());
    let open = before.rmatch_indices("/*").map(|(at, _)| at).find(begins_line);
    open.is_some_and(|at| !before[at..].contains("*/"))
}

type Edit = (Span, String);

/// The look-up in place of the value, with `{}` for its name, and what has to change around it.
fn edits(file: &SourceFile, text: &str, site: &Site, lookup: &str) -> Option<Vec<Edit>> {
    if language(file) == "ipynb" {
        let imports = ["import os\"", "import os\\n"].iter().any(|import| text.contains(import));
        return Some(vec![(code_of_notebook(text, site.span)?, lookup.to_owned())]).filter(|_| imports);
    }
    let mut edits = vec![edit(file, text, site, lookup)?];
    if language(file) == "go" {
        edits.extend(variable_for_constant(text, file.line_at(site.span.start), edits[0].0)?);
        edits.extend(go_import(text, file.line_end())?);
    }
    if language(file) == "py" {
        edits.extend(python_import(text, file.line_end()));
    }
    Some(edits)
}

/// A string of its own gives way to the look-up; in a longer one, the parts around it are joined to it.
fn edit(file: &SourceFile, text: &str, site: &Site, lookup: &str) -> Option<Edit> {
    // Inside a raw string or a text over several lines, quotes are part of the text.
    let before = &text[..site.span.start];
    if is_in_long_literal(before, language(file)) || is_interpolated(text, site.span, language(file)) {
        return None;
    }
    // A document within the program.
    if matches!(language(file), "rb" | "pl" | "pm" | "t") && heredoc(before).is_some() {
        return None;
    }
    let line = file.line_at(site.span.start);
    if is_prefixed(&text[line.start..site.span.start]) {
        return None;
    }
    if needs_constant(language(file), &text[line.range()])
        || is_in_declaration_of_php(file, before)
        || is_in_annotation(language(file), before)
    {
        return None;
    }
    // `"SELECT 'x'"`: quotes of SQL in a string of the program.
    if let Some((span, _)) = literal(text, site.span).filter(|(span, _)| open_quote(&text[line.start..span.start]).is_none()) {
        let joined = language(file) == "py" && is_joined(text, span);
        return (!joined).then(|| (span, lookup.to_owned()));
    }
    let mark = match shell_quote(&text[line.range()], site.span.start - line.start) {
        Quote::Double => '"',
        Quote::Single if !matches!(language(file), "go" | "java") => '\'',
        _ => return None,
    };
    let join = if matches!(language(file), "php" | "pl" | "pm" | "t") { '.' } else { '+' };
    // The quotes go where nothing would be left between them.
    let opens = before.strip_suffix(mark).is_some_and(|before| !before.ends_with('\\'));
    let closes = text[site.span.end..].starts_with(mark);
    let span = Span::new(site.span.start - usize::from(opens), site.span.end + usize::from(closes));
    let head = if opens { String::new() } else { format!("{mark} {join} ") };
    let tail = if closes { String::new() } else { format!(" {join} {mark}") };
    Some((span, format!("{head}{lookup}{tail}")))
}

/// The string literal of code that is itself inside a literal, in either quotes.
fn code_of_notebook(text: &str, span: Span) -> Option<Span> {
    let (before, after) = (&text[..span.start], &text[span.end..]);
    let mark = ["\\\"", "'"].into_iter().find(|mark| before.ends_with(mark) && after.starts_with(mark))?;
    let plain = !text[span.range()].contains('\\') && !before.ends_with(&mark.repeat(2));
    plain.then(|| Span::new(span.start - mark.len(), span.end + mark.len()))
}

/// A `const` of Go becomes a `var`: no call can stand there. `None` if one line of it does not tell how.
fn variable_for_constant(text: &str, line: Span, literal: Span) -> Option<Option<Edit>> {
    let opens =
        |line: &&str| line.starts_with("const (") || line.starts_with("var (") || line.starts_with(')') || line.starts_with("func ");
    if text[..line.start].lines().rev().find(opens).is_some_and(|line| line.starts_with("const (")) {
        return None;
    }
    let declared = &text[line.start..literal.start.max(line.start)];
    let indent = declared.len() - declared.trim_start().len();
    let Some(rest) = declared.trim_start().strip_prefix("const ") else { return Some(None) };
    let of_a_string = rest.trim_end().strip_suffix('=').is_some_and(|name| {
        let mut words = name.split_whitespace();
        words.next().is_some_and(|name| !name.ends_with(',')) && matches!(words.next(), None | Some("string")) && words.next().is_none()
    });
    let start = line.start + indent;
    (of_a_string && text[literal.end..line.end].trim().is_empty()).then(|| Some((Span::new(start, start + 5), "var".to_owned())))
}

/// `import "os"`, if it is not there yet, after the clause of the package.
fn go_import(text: &str, end: &str) -> Option<Option<Edit>> {
    if text.contains("\"os\"") {
        return Some(None);
    }
    if let Some(at) = text.find("\nimport (") {
        let at = at + 1 + text[at + 1..].find('\n')? + 1;
        return Some(Some((Span::new(at, at), format!("\t\"os\"{end}"))));
    }
    let clause = if text.starts_with("package ") { 0 } else { text.find("\npackage ")? + 1 };
    let at = clause + text[clause..].find('\n')? + 1;
    Some(Some((Span::new(at, at), format!("{end}import \"os\"{end}"))))
}

/// `import os`, if it is not there yet: before the first import that is none from the future.
fn python_import(text: &str, end: &str) -> Option<Edit> {
    // In a function it is imported for that alone.
    if text.lines().any(|line| line.strip_prefix("import ").is_some_and(|names| names.split(',').any(|name| name.trim() == "os"))) {
        return None;
    }
    let mut at = behind_docstring(text);
    let mut behind_promises = at;
    for line in text[at..].split_inclusive('\n') {
        let promise = line.starts_with("from __future__");
        if !promise && (line.starts_with("import ") || line.starts_with("from ")) {
            return Some((Span::new(at, at), format!("import os{end}")));
        }
        at += line.len();
        if promise {
            behind_promises = at;
        }
    }
    // An import stands between empty lines.
    let at = behind_promises;
    let above = if at == 0 || text[..at].ends_with(&end.repeat(2)) { "" } else { end };
    let below = if text[at..].is_empty() || text[at..].starts_with(end) { "" } else { end };
    Some((Span::new(at, at), format!("{above}import os{end}{below}")))
}

/// Where the code of a Python file begins, after comments and the text that describes the module.
fn behind_docstring(text: &str) -> usize {
    let comment = |line: &&str| line.starts_with('#') || line.trim().is_empty();
    let start: usize = text.split_inclusive('\n').take_while(comment).map(str::len).sum();
    let rest = &text[start..];
    let Some(mark) = ["\"\"\"", "'''"].into_iter().find(|mark| rest.starts_with(mark)) else { return start };
    let Some(close) = rest[3..].find(mark) else { return start };
    let close = start + 3 + close;
    text[close..].find('\n').map_or(text.len(), |line| close + line + 1)
}

/// Where a program has the value of a variable from.
fn from(id: EntryId, draft: &Draft<'_>) -> String {
    match is_of_environment(id, draft) {
        true => format!("which `{}` sets", exec_env(draft.path_of(id.store), "COMMAND")),
        false => format!("from `{}`", draft.command(id)),
    }
}
