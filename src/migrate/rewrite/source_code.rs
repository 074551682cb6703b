//! Program text: a string literal gives way to a look-up in the environment. A proposal, but where the language stops with a
//! message if the variable is not set: types, imports and constants are the programmer's business.

use super::quote::{Quote, literal, shell_quote, unescaped};
use super::{Rewriter, is_in_comment, words};
use crate::migrate::draft::{Draft, Verdict};
use crate::migrate::file::{Site, SourceFile};
use crate::migrate::naming;
use crate::migrate::plan::{Action, EntryId};
use crate::rule::lexicon::ENVIRONMENT_CALLS;
use crate::text::Span;

/// Python, JavaScript, Go, Java and their like.
pub(super) struct SourceCode;

/// How a language reads a variable of the environment; `{}` is its name.
#[derive(Debug, Clone, Copy)]
enum Lookup {
    /// It stops where the variable is not set, and names it.
    Stops(&'static str),
    /// It goes on with nothing.
    GoesOn(&'static str),
    /// It takes more than an edit.
    ByHand(&'static str),
}

fn lookup(file: &SourceFile) -> Option<Lookup> {
    use Lookup::{ByHand, GoesOn, Stops};
    let end = file.name().rsplit_once('.').map_or("", |(_, end)| end);
    let imports = |line: &str| file.text().is_some_and(|text| text.lines().any(|one| one.trim_end() == line));
    Some(match end {
        "py" => Stops("os.environ[\"{}\"]"),
        "ipynb" => GoesOn("os.environ['{}']"),
        "js" | "mjs" | "cjs" | "jsx" => GoesOn("process.env.{}"),
        "ts" | "tsx" | "mts" | "cts" => GoesOn("process.env.{}!"),
        "rb" => Stops("ENV.fetch(\"{}\")"),
        // An exception within an expression: since PHP 8.
        "php" => GoesOn("(getenv('{}') ?: throw new \\RuntimeException('{} is not set'))"),
        "java" | "groovy" => Stops("java.util.Objects.requireNonNull(System.getenv(\"{}\"), \"{} is not set\")"),
        "gradle" => GoesOn("System.getenv(\"{}\")"),
        "scala" => Stops("sys.env(\"{}\")"),
        "kt" | "kts" => Stops("(System.getenv(\"{}\") ?: error(\"{} is not set\"))"),
        "cs" if imports("using System;") => {
            Stops("(Environment.GetEnvironmentVariable(\"{}\") ?? throw new InvalidOperationException(\"{} is not set\"))")
        }
        "cs" => {
            Stops("(System.Environment.GetEnvironmentVariable(\"{}\") ?? throw new System.InvalidOperationException(\"{} is not set\"))")
        }
        "ex" | "exs" => Stops("System.fetch_env!(\"{}\")"),
        "go" => GoesOn("os.Getenv(\"{}\")"),
        "rs" => ByHand("std::env::var(\"{}\")"),
        "swift" => ByHand("ProcessInfo.processInfo.environment[\"{}\"]"),
        "c" | "cc" | "cpp" | "h" | "hpp" => ByHand("getenv(\"{}\")"),
        "pl" | "pm" => Stops("($ENV{'{}'} // die '{} is not set')"),
        "dart" | "lua" | "vb" | "fs" | "clj" | "r" | "R" | "vue" | "svelte" => ByHand("a variable {} of the environment"),
        _ => return None,
    })
}

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
            let named = looked_up(before).map_or_else(|| words::name(text, site), str::to_owned);
            let wanted = words::variable(&named, file);
            if !never_null(file) && is_alternative(before) || file.name().ends_with(".php") && is_fallback(before) {
                let reason = "the program takes it where a variable is not set: take it out, so that the program stops there instead";
                draft.manual(self.id(), file, &[site], reason);
                continue;
            }
            let (Lookup::Stops(form) | Lookup::GoesOn(form) | Lookup::ByHand(form)) = lookup;
            let edits = |name: &str| edits(file, text, site, &form.replace("{}", name)).filter(|_| !matches!(lookup, Lookup::ByHand(_)));
            let value = unescaped(&text[site.span.range()]).filter(|_| edits(&wanted).is_some());
            // Only what is moved takes a name.
            let name = value.as_ref().map(|value| draft.variable(&wanted, &words::of_file(file), value));
            match name.and_then(|name| Some((edits(&name)?, name))).zip(value) {
                Some(((edits, name), value)) => {
                    let key = naming::variable(&named).to_ascii_lowercase();
                    let id = draft.shared(file, &[&words::of_file(file), &key], &value);
                    let splice = |(span, text)| Action::Splice { file: file.path.clone(), span, text };
                    let actions = edits.into_iter().map(splice).collect();
                    let needs = format!("the program then needs {name} in its environment, {}", from(id, draft));
                    let stops = matches!(lookup, Lookup::Stops(_));
                    let verdict = match stops && literal(text, site.span).is_some() {
                        true if is_constant(file.name(), before) => {
                            Verdict::review(format!("what takes a constant when it is compiled takes this no longer: {needs}"))
                        }
                        true if is_fallback(before) => Verdict::review(format!(
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

/// Whether what is read from the environment in this language is never nothing: it can stand where an alternative stood.
fn never_null(file: &SourceFile) -> bool {
    [".py", ".rb", ".ex", ".exs"].iter().any(|end| file.name().ends_with(end))
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

/// Whether a literal is a constant of Java, which annotations and `case` may take by its name.
fn is_constant(file: &str, before: &str) -> bool {
    file.ends_with(".java") && before.contains("static final ")
}

/// `os.getenv("NAME", "`, `ENV.fetch('NAME', '`, `config("NAME", default="`: whether a line ends before what a look-up takes
/// otherwise.
fn is_fallback(before: &str) -> bool {
    looked_up(before).is_some()
}

/// What a look-up is for whose other value a line ends before.
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

/// The look-up in place of the value, and what has to change around it.
fn edits(file: &SourceFile, text: &str, site: &Site, lookup: &str) -> Option<Vec<Edit>> {
    if file.name().ends_with(".ipynb") {
        let imports = ["import os\"", "import os\\n"].iter().any(|import| text.contains(import));
        return Some(vec![(code_of_notebook(text, site.span)?, lookup.to_owned())]).filter(|_| imports);
    }
    let mut edits = vec![edit(file, text, site, lookup)?];
    if file.name().ends_with(".go") {
        edits.extend(variable_for_constant(text, file.line_at(site.span.start), edits[0].0)?);
        edits.extend(go_import(text, file.line_end())?);
    }
    if file.name().ends_with(".py") {
        edits.extend(python_import(text, file.line_end()));
    }
    Some(edits)
}

/// A string of its own gives way to the look-up; in a longer one, the parts around it are joined to it.
fn edit(file: &SourceFile, text: &str, site: &Site, lookup: &str) -> Option<Edit> {
    // Inside a raw string or a text over several lines, quotes are part of the text.
    let before = &text[..site.span.start];
    if is_in_long_literal(before, file.name().ends_with(".py")) {
        return None;
    }
    let line = file.line_at(site.span.start);
    if is_prefixed(&text[line.start..site.span.start]) {
        return None;
    }
    if needs_constant(file.name(), &text[line.range()]) || is_in_annotation(file.name(), before) {
        return None;
    }
    // `"SELECT 'x'"`: quotes of SQL in a string of the program.
    if let Some((span, _)) = literal(text, site.span).filter(|(span, _)| open_quote(&text[line.start..span.start]).is_none()) {
        let joined = file.name().ends_with(".py") && is_joined(text, span);
        return (!joined).then(|| (span, lookup.to_owned()));
    }
    let mark = match shell_quote(&text[line.range()], site.span.start - line.start) {
        Quote::Double => '"',
        Quote::Single if !file.name().ends_with(".go") && !file.name().ends_with(".java") => '\'',
        _ => return None,
    };
    let join = if file.name().ends_with(".php") || file.name().ends_with(".pl") { '.' } else { '+' };
    // The quotes go where nothing would be left between them.
    let opens = before.strip_suffix(mark).is_some_and(|before| !before.ends_with('\\'));
    let closes = text[site.span.end..].starts_with(mark);
    let span = Span::new(site.span.start - usize::from(opens), site.span.end + usize::from(closes));
    let head = if opens { String::new() } else { format!("{mark} {join} ") };
    let tail = if closes { String::new() } else { format!(" {join} {mark}") };
    Some((span, format!("{head}{lookup}{tail}")))
}

/// Whether a literal is one of several side by side, which Python joins.
fn is_joined(text: &str, literal: Span) -> bool {
    let quotes = |c: char| matches!(c, '"' | '\'');
    text[..literal.start].trim_end().ends_with(quotes) || text[literal.end..].trim_start().starts_with(quotes)
}

/// Whether a literal that may span lines is open at the end of a text: between three quotes, or, except in Python, back-ticks.
fn is_in_long_literal(before: &str, python: bool) -> bool {
    let long = if python { &["\"\"\"", "'''"][..] } else { &["\"\"\"", "'''", "`"] };
    let comment = if python { "#" } else { "//" };
    let mut open: Option<&str> = None;
    let mut at = 0;
    while at < before.len() {
        let rest = &before[at..];
        at += match open {
            Some(_) if rest.starts_with('\\') => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            Some(mark) if rest.starts_with(mark) => {
                open = None;
                mark.len()
            }
            Some(mark) if mark.len() == 1 && mark != "`" && rest.starts_with('\n') => {
                open = None;
                1
            }
            None if rest.starts_with(comment) => rest.find('\n').unwrap_or(rest.len()),
            None => {
                open = long.iter().chain(&["\"", "'"]).find(|mark| rest.starts_with(**mark)).copied();
                open.map_or_else(|| rest.chars().next().map_or(1, char::len_utf8), str::len)
            }
            Some(_) => rest.chars().next().map_or(1, char::len_utf8),
        };
    }
    open.is_some_and(|mark| long.contains(&mark))
}

/// Whether the string that is open at the end of a line's beginning has a letter or sign before it that says how it is read:
/// `f"…"`, `b"…"`, `@"…"`, `$"…"`. Its parts would need the same, and bytes are no text.
fn is_prefixed(before: &str) -> bool {
    open_quote(before).is_some_and(|at| before[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || "_@$#".contains(c)))
}

/// Whether the brackets of an annotation are open at the end of a text in Java, Kotlin and their like.
fn is_in_annotation(file: &str, before: &str) -> bool {
    const LINES: usize = 12;
    if ![".java", ".kt", ".groovy", ".scala"].iter().any(|end| file.ends_with(end)) {
        return false;
    }
    let mut open = 0_isize;
    for line in before.rsplit('\n').take(LINES) {
        open += line.matches('(').count() as isize - line.matches(')').count() as isize;
        if line.trim_start().starts_with('@') {
            return open > 0;
        }
    }
    false
}

/// Whether a line is one where only constants can stand.
fn needs_constant(file: &str, line: &str) -> bool {
    let line = line.trim_start();
    let says = |word: &str| line.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| part == word);
    match file.rsplit_once('.').map_or("", |(_, end)| end) {
        "cs" => says("const") || line.starts_with('[') || line.starts_with("case ") || is_default_of_parameter(line),
        "php" => {
            let declares = ["private ", "protected ", "public ", "readonly ", "static ", "var "].iter().any(|word| line.starts_with(word));
            declares || says("const") || says("function")
        }
        "py" => line.starts_with("case "),
        "kt" | "kts" => says("const") || line.starts_with('@'),
        "java" | "groovy" | "scala" => line.starts_with('@') || line.starts_with("case "),
        _ => false,
    }
}

/// `void Open(string password = "…")`: whether the line declares a parameter with a value.
fn is_default_of_parameter(line: &str) -> bool {
    let Some((before, _)) = line.split_once("= \"") else { return false };
    before.matches('(').count() > before.matches(')').count() && before.contains("string ")
}

/// Where the quote stands that is open at the end of a line's beginning.
fn open_quote(before: &str) -> Option<usize> {
    let (mut open, mut escaped) = (None, false);
    for (at, c) in before.char_indices() {
        match (open, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (None, '"' | '\'' | '`') => open = Some((c, at)),
            (Some((mark, _)), _) if c == mark => open = None,
            _ => {}
        }
    }
    open.map(|(_, at)| at)
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

fn from(id: EntryId, draft: &Draft<'_>) -> String {
    format!("from `{}`", draft.command(id))
}
