//! Program text: a string literal gives way to a look-up in the environment. Always a proposal: types, imports and
//! constants are the programmer's business.

use super::quote::{Quote, literal, shell_quote, unescaped};
use super::{Rewriter, words};
use crate::migrate::draft::{Draft, Verdict};
use crate::migrate::file::{Site, SourceFile};
use crate::migrate::naming;
use crate::migrate::plan::{Action, EntryId};
use crate::text::Span;

/// Python, JavaScript, Go, Java and their like.
pub(super) struct SourceCode;

/// How a language reads a variable of the environment; `{}` is its name.
fn lookup(file: &SourceFile, text: &str) -> Option<Result<&'static str, &'static str>> {
    let end = file.name().rsplit_once('.').map_or("", |(_, end)| end);
    Some(match end {
        "py" if text.lines().any(|line| line.trim() == "import os") => Ok("os.environ[\"{}\"]"),
        "py" => Err("os.environ[\"{}\"], after `import os`"),
        "js" | "mjs" | "cjs" | "jsx" => Ok("process.env.{}"),
        "ts" | "tsx" | "mts" | "cts" => Ok("process.env.{}!"),
        "rb" => Ok("ENV.fetch(\"{}\")"),
        "php" => Ok("getenv('{}')"),
        "java" | "groovy" | "scala" => Ok("System.getenv(\"{}\")"),
        "kt" | "kts" => Ok("System.getenv(\"{}\")"),
        "cs" => Ok("Environment.GetEnvironmentVariable(\"{}\")"),
        "ex" | "exs" => Ok("System.fetch_env!(\"{}\")"),
        "go" if text.contains("\"os\"") => Ok("os.Getenv(\"{}\")"),
        "go" => Err("os.Getenv(\"{}\"), after `import \"os\"`"),
        "rs" => Err("std::env::var(\"{}\")"),
        "swift" => Err("ProcessInfo.processInfo.environment[\"{}\"]"),
        "c" | "cc" | "cpp" | "h" | "hpp" => Err("getenv(\"{}\")"),
        "pl" | "pm" => Ok("$ENV{'{}'}"),
        "ipynb" => Err("os.environ[\"{}\"]"),
        "dart" | "lua" | "vb" | "fs" | "clj" | "r" | "R" | "vue" | "svelte" => Err("a variable {} of the environment"),
        _ => return None,
    })
}

impl Rewriter for SourceCode {
    fn id(&self) -> &'static str {
        "source-code"
    }

    fn takes(&self, file: &SourceFile) -> bool {
        file.text().is_some_and(|text| lookup(file, text).is_some())
    }

    fn rewrite(&self, file: &SourceFile, sites: &[&Site], draft: &mut Draft<'_>) {
        let Some(text) = file.text() else { return };
        for &site in sites {
            let Some(lookup) = lookup(file, text) else { return };
            let name = naming::variable(&words::name(text, site));
            let constant = file.name().ends_with(".go") && is_go_constant(text, file.line_at(site.span.start));
            let value = unescaped(&text[site.span.range()]);
            let edit = lookup.ok().filter(|_| !constant).and_then(|template| edit(file, text, site, &template.replace("{}", &name)));
            match (edit, value, lookup) {
                (Some((span, edit)), Some(value), _) => {
                    let id = draft.shared(file, &[&words::of_file(file), &name.to_ascii_lowercase()], &value);
                    let actions = vec![Action::Splice { file: file.path.clone(), span, text: edit }];
                    let reason = format!("a proposal: the program then needs {name} in its environment, {}", from(id, draft));
                    draft.step(self.id(), file, &[site], Verdict::review(reason), actions, vec![id]);
                }
                (_, _, Ok(template) | Err(template)) => {
                    let shown = template.replace("{}", &name);
                    draft.manual(self.id(), file, &[site], &format!("read it from the environment instead, for instance with {shown}"));
                }
            }
        }
    }
}

/// A string of its own gives way to the look-up; in a longer one, the parts around it are joined to it.
fn edit(file: &SourceFile, text: &str, site: &Site, lookup: &str) -> Option<(Span, String)> {
    // Inside a raw string or a text over several lines, quotes are part of the text.
    let before = &text[..site.span.start];
    if ["`", "\"\"\"", "'''"].iter().any(|mark| before.matches(mark).count() % 2 == 1) {
        return None;
    }
    if let Some((span, _)) = literal(text, site.span) {
        return Some((span, lookup.to_owned()));
    }
    let line = file.line_at(site.span.start);
    let mark = match shell_quote(&text[line.range()], site.span.start - line.start) {
        Quote::Double => '"',
        Quote::Single if !file.name().ends_with(".go") && !file.name().ends_with(".java") => '\'',
        _ => return None,
    };
    let join = if file.name().ends_with(".php") || file.name().ends_with(".pl") { '.' } else { '+' };
    // The quotes go where nothing would be left between them.
    let (opens, closes) = (before.ends_with(mark), text[site.span.end..].starts_with(mark));
    let span = Span::new(site.span.start - usize::from(opens), site.span.end + usize::from(closes));
    let head = if opens { String::new() } else { format!("{mark} {join} ") };
    let tail = if closes { String::new() } else { format!(" {join} {mark}") };
    Some((span, format!("{head}{lookup}{tail}")))
}

/// Whether a line of a Go file is a `const`, or inside of `const (…)`: no call can stand there.
fn is_go_constant(text: &str, line: Span) -> bool {
    let opens =
        |line: &&str| line.starts_with("const (") || line.starts_with("var (") || line.starts_with(')') || line.starts_with("func ");
    let in_block = text[..line.start].lines().rev().find(opens).is_some_and(|line| line.starts_with("const ("));
    text[line.range()].trim_start().starts_with("const ") || in_block
}

fn from(id: EntryId, draft: &Draft<'_>) -> String {
    format!("from `{}`", draft.command(id))
}
