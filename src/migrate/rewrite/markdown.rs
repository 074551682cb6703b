//! Documentation: the value gives way to the command that prints it, in a form that fits where it stood: a code span in
//! prose and tables, a command substitution in shell blocks, a `ref+sops://` reference inside URLs and other blocks.

use super::quote::{expand, shell_quote};
use super::{Rewriter, words};
use crate::migrate::draft::{Draft, Verdict};
use crate::migrate::file::{Site, SourceFile};
use crate::migrate::naming;
use crate::migrate::plan::{Action, EntryId};
use crate::migrate::slugs::Slugs;
use crate::rule::lexicon::EXAMPLE_PHRASES;
use crate::text::Span;

/// Markdown and other prose.
pub(super) struct Markdown;

const SUFFIXES: [&str; 8] = [".md", ".mdx", ".markdown", ".rst", ".adoc", ".asciidoc", ".txt", ".org"];
const NAMES: [&str; 6] = ["README", "NOTES", "TODO", "CHANGELOG", "HOWTO", "RUNBOOK"];

/// Where in a page a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setting {
    /// In a block of shell commands.
    ShellBlock,
    /// In another fenced block.
    Block,
    /// It is a code span of its own.
    WholeCode,
    /// In a longer code span or in a URL.
    Inside,
    /// In a code span that is a command line.
    Command,
    /// A word of its own in a sentence or table.
    Word,
}

pub(super) fn is_prose(file: &SourceFile) -> bool {
    let name = file.name();
    // A text of one word is what a program reads.
    let one_word = || name.ends_with(".txt") && file.text().is_some_and(|text| !text.trim().contains(char::is_whitespace));
    (SUFFIXES.iter().any(|suffix| name.to_ascii_lowercase().ends_with(suffix)) || NAMES.contains(&name)) && !one_word()
}

impl Rewriter for Markdown {
    fn id(&self) -> &'static str {
        "markdown"
    }

    fn takes(&self, file: &SourceFile) -> bool {
        is_prose(file)
    }

    fn rewrite(&self, file: &SourceFile, sites: &[&Site], draft: &mut Draft<'_>) {
        let Some(text) = file.text() else {
            return sites.iter().for_each(|site| self.plain(file, site, draft));
        };
        for site in sites {
            let name = name(text, file, site, &draft.slugs);
            let id = draft.shared(file, &[&words::of_file(file), &name], &site.value());
            let verdict = match () {
                () if is_in_link(text, site.span) => {
                    Verdict::review("the link leads nowhere until somebody puts the value in: is it meant to be public?")
                }
                () if is_in_example(text, file.line_at(site.span.start)) => {
                    Verdict::review("the text calls it an example; if the value is invented, it is a false alarm")
                }
                () => Verdict::safe(""),
            };
            let text = replacement(text, file, site.span, id, draft);
            let actions = vec![Action::Splice { file: file.path.clone(), span: site.span, text }];
            draft.step(self.id(), file, &[site], verdict, actions, vec![id]);
        }
    }
}

impl Markdown {
    /// A text in UTF-16 or the like: only the place is known.
    fn plain(&self, file: &SourceFile, site: &Site, draft: &mut Draft<'_>) {
        let id = draft.shared(file, &[&words::of_file(file), &words::by_rule(site)], &site.secret);
        let actions = vec![Action::Splice { file: file.path.clone(), span: site.span, text: draft.uri(id) }];
        draft.step(self.id(), file, &[site], Verdict::safe(""), actions, vec![id]);
    }
}

fn replacement(text: &str, file: &SourceFile, span: Span, id: EntryId, draft: &Draft<'_>) -> String {
    let command = draft.command(id);
    let line = file.line_at(span.start);
    match setting(text, line, span) {
        Setting::ShellBlock | Setting::Command if span.end <= line.end => {
            expand(&format!("$({command})"), shell_quote(&text[line.range()], span.start - line.start))
        }
        Setting::WholeCode => command,
        Setting::Word => format!("`{command}`"),
        Setting::Block if text[span.end..].chars().next().is_none_or(|c| c.is_whitespace() || "\"'`<".contains(c)) => draft.uri(id),
        Setting::ShellBlock | Setting::Command | Setting::Block | Setting::Inside => format!("{}+", draft.uri(id)),
    }
}

/// Where a span of a page stands.
pub(super) fn setting(text: &str, line: Span, span: Span) -> Setting {
    if let Some(info) = fence(&text[..line.start]) {
        // A block that does not say what it is can be one of commands, too.
        let shell = is_shell(&info) || NO_LANGUAGES.contains(&info.as_str()) && is_command(text, line);
        let output = || is_output(text, line) || is_answer(text, line, span);
        return if shell && !output() { Setting::ShellBlock } else { Setting::Block };
    }
    if span.end > line.end {
        return Setting::Block;
    }
    let ticks = text[line.start..span.start].matches('`').count();
    if ticks % 2 == 1 {
        let from = text[..span.start].rfind('`').map_or(line.start, |at| at + 1);
        let to = text[span.end..line.end].find('`').map_or(line.end, |at| span.end + at);
        let code = &text[from..to];
        return match () {
            () if from == span.start && to == span.end => Setting::WholeCode,
            () if code.contains(" -") => Setting::Command,
            () => Setting::Inside,
        };
    }
    match indented_code(text, line) {
        Some(info) => {
            let shell = is_shell(&info) || is_command(text, line);
            if shell && !is_answer(text, line, span) { Setting::Command } else { Setting::Block }
        }
        None if is_whole(text, span) => Setting::Word,
        None => Setting::Inside,
    }
}

/// Whether a block of this language is for a shell.
fn is_shell(info: &str) -> bool {
    ["bash", "sh", "shell", "zsh", "console", "shell-session", "terminal"].contains(&info)
}

/// What blocks are called whose language is not told.
const NO_LANGUAGES: [&str; 5] = ["", "text", "txt", "none", "plain"];

/// Whether a line looks like a command, or like the rest of one.
fn is_command(text: &str, line: Span) -> bool {
    let (own, above) = (text[line.range()].trim_start(), text[..line.start].trim_end_matches(['\r', '\n']));
    let assigns = || {
        own.split_once('=').is_some_and(|(name, _)| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'))
    };
    let options = || own.contains(" -") && !own.starts_with('-') && !own.contains(": ");
    options() || assigns() && own.contains(' ') || own.starts_with("export ") || own.starts_with("$ ") || above.ends_with('\\')
}

/// `AWS Secret Access Key [None]: `: what somebody types when a program asks, and no line of a file that a command writes.
fn is_answer(text: &str, line: Span, span: Span) -> bool {
    let before = &text[line.start..span.start];
    let Some(question) = before.trim_end().strip_suffix(':') else { return false };
    let asks = question.ends_with(']') || before.ends_with(": ") && question.starts_with(|c: char| c.is_uppercase());
    let block = text[..line.start].rfind("```").map_or("", |at| &text[at..line.start]);
    asks && !question.contains(['"', '\'', '=']) && !question.contains(" -") && !block.contains("<<")
}

/// Whether a text calls what it shows on a line an example: on the line, or on the last one before its block.
fn is_in_example(text: &str, line: Span) -> bool {
    let says = |line: &str| {
        let line = line.to_lowercase();
        EXAMPLE_PHRASES.iter().any(|phrase| line.contains(phrase))
    };
    let is_text = |line: &&str| !line.trim().is_empty();
    let above = || text[..line.start].lines().rev();
    let before = if fence(&text[..line.start]).is_some() {
        let is_mark = |line: &&str| ["```", "~~~"].iter().any(|mark| line.trim_start().starts_with(mark));
        above().skip_while(|line| !is_mark(line)).skip(1).find(is_text)
    } else if indented_code(text, line).is_some() {
        let own = indent(&text[line.range()]);
        above().filter(is_text).find(|line| indent(line) < own)
    } else {
        None
    };
    says(&text[line.range()]) || before.is_some_and(says)
}

/// How far a line is indented; a tab counts as four columns.
fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t']).len() + 3 * line.matches('\t').count()
}

/// The language of the block of code that a line is in, if its indentation tells: behind `::` in reStructuredText, behind an
/// empty line that follows no list in Markdown. It is empty where it is not named.
fn indented_code(text: &str, line: Span) -> Option<String> {
    let announced = |line: &str| {
        let directive = [".. code-block::", ".. code::", ".. sourcecode::", ".. prompt::"].iter().find_map(|mark| line.strip_prefix(mark));
        directive.map(|language| language.trim().to_ascii_lowercase()).or_else(|| line.ends_with("::").then(String::new))
    };
    let own = indent(&text[line.range()]);
    let (mut least, mut empty, mut behind_empty, mut in_list) = (own, false, false, false);
    for above in text[..line.start].lines().rev() {
        if least == 0 {
            break;
        }
        let words = above.trim();
        if !words.is_empty() && indent(above) < least {
            if let Some(language) = announced(words) {
                return Some(language);
            }
            behind_empty |= empty && least >= 4 && indent(above) < 4;
            in_list |= is_list_item(words);
            least = indent(above);
        }
        empty = words.is_empty();
    }
    (behind_empty && !in_list).then(String::new)
}

/// Whether a line begins an entry of a list.
fn is_list_item(line: &str) -> bool {
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    ["- ", "* ", "+ "].iter().any(|mark| line.starts_with(mark)) || number.len() < line.len() && number.starts_with(['.', ')'])
}

/// Whether a line of a shell block is what a command printed: the block has prompts, and this is no line that one begins or
/// that the last one is continued on.
fn is_output(text: &str, line: Span) -> bool {
    let is_prompt = |line: &str| ["$ ", "# ", "% ", "> "].iter().any(|prompt| line.trim_start().starts_with(prompt));
    let mut above = text[..line.start].lines().rev();
    let continued = above.next().is_some_and(|line| line.trim_end().ends_with('\\'));
    let start = text[..line.start].rfind("```").unwrap_or(0);
    let prompted = text[start..line.start].lines().any(|line| line.trim_start().starts_with("$ "));
    prompted && !continued && !is_prompt(&text[line.range()])
}

/// What of the word that a span ends stands before it.
fn word_before(text: &str, span: Span) -> &str {
    let start = words::start_behind(&text[..span.start], |c| c.is_whitespace() || "\"'`(<|".contains(c));
    &text[start..span.start]
}

/// Whether a span is in what readers click at.
fn is_in_link(text: &str, span: Span) -> bool {
    let before = word_before(text, span);
    let clickable = before.starts_with("https://") || before.starts_with("http://");
    clickable && text[..span.start - before.len()].ends_with("](")
}

/// Whether nothing but punctuation touches a span.
fn is_whole(text: &str, span: Span) -> bool {
    let before = text[..span.start].chars().next_back();
    let after = text[span.end..].chars().next();
    if word_before(text, span).contains("://") {
        return false;
    }
    let opens = before.is_none_or(|c| c.is_whitespace() || "\"'*_(|>=:[".contains(c));
    let closes = after.is_none_or(|c| c.is_whitespace() || "\"'*_)|<.,;:!?]".contains(c));
    opens && closes
}

/// The language of the fenced block that is open at the end of a text.
fn fence(before: &str) -> Option<String> {
    let mut open: Option<(&str, String)> = None;
    let mut above = "";
    for line in before.lines() {
        let line = line.trim_start_matches([' ', '\t', '>']);
        let style = std::mem::replace(&mut above, line.trim());
        // `[source,bash]`, `----`: a listing of AsciiDoc.
        if line.trim_end() == "----" && (open.as_ref().is_some_and(|(marker, _)| *marker == "----") || style.starts_with("[source")) {
            let language = style.trim_end_matches(']').split(',').nth(1).unwrap_or_default().trim().to_ascii_lowercase();
            open = if open.is_some() { None } else { Some(("----", language)) };
            continue;
        }
        let marker = if line.starts_with("```") {
            "```"
        } else if line.starts_with("~~~") {
            "~~~"
        } else {
            continue;
        };
        open = match open {
            // What closes a block has no language.
            Some((known, _)) if known == marker && line.trim_end().chars().all(|c| marker.starts_with(c)) => None,
            None => Some((marker, line[3..].trim_start_matches(['`', '~']).split_whitespace().next().unwrap_or("").to_ascii_lowercase())),
            other => other,
        };
    }
    open.map(|(_, info)| info)
}

/// What a secret in a page is called: the words before it on its line, the row and column of its table, its heading.
fn name(text: &str, file: &SourceFile, site: &Site, slugs: &Slugs) -> String {
    let line = file.line_at(site.span.start);
    let heading = heading(&text[..line.start], slugs);
    let row = slugs.blank(&text[line.range()]);
    let generic = words::name(text, site);
    if row.trim_start().starts_with('|') {
        let first = row.trim_start().trim_start_matches('|').split('|').next().map(naming::slug).unwrap_or_default();
        return joined(&first, words::kind(site));
    }
    if let Some(label) = label(&slugs.blank(&text[line.start..site.span.start])) {
        return joined(&label, words::kind(site));
    }
    if words::assigned(text, site.span).is_some() && fence(&text[..line.start]).is_some() {
        return generic;
    }
    joined(&heading, if generic.is_empty() { words::kind(site) } else { &generic })
}

fn joined(before: &str, kind: &str) -> String {
    match before {
        "" => kind.to_owned(),
        _ if before.split('_').any(|word| kind.split('_').any(|other| word == other)) || before.ends_with("cookie") => before.to_owned(),
        _ => format!("{before}_{kind}"),
    }
}

/// `- RabbitMQ erlang cookie: ` is a label of at most four words.
fn label(before: &str) -> Option<String> {
    // `user:value` is no label.
    if before.ends_with(':') {
        return None;
    }
    let before = before.trim_end_matches(['`', '*', '_', '"', '\'', ' ']).strip_suffix(':')?;
    let words: Vec<&str> = before.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let slug = naming::slug(before);
    ((1..=4).contains(&words.len()) && !slug.is_empty()).then_some(slug)
}

/// The words of the last heading. Lines of blocks are none: what starts with `#` there is a comment or a prompt.
fn heading(before: &str, slugs: &Slugs) -> String {
    let (mut open, mut found) = (None, "");
    for line in before.lines() {
        let start = line.trim_start_matches([' ', '\t', '>']);
        match (["```", "~~~"].into_iter().find(|mark| start.starts_with(mark)), open) {
            (Some(mark), None) => open = Some(mark),
            (Some(mark), Some(known)) if mark == known => open = None,
            (None, None) => found = line.trim_start().strip_prefix('#').unwrap_or(found),
            _ => {}
        }
    }
    let words = naming::slug(&slugs.blank(found.trim_start_matches('#')));
    words.split('_').filter(|word| !word.bytes().all(|byte| byte.is_ascii_digit())).take(3).collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting_in(page: &str) -> Setting {
        let at = page.find("SECRET").expect("is there");
        let start = page[..at].rfind('\n').map_or(0, |at| at + 1);
        let end = page[at..].find('\n').map_or(page.len(), |end| at + end);
        setting(page, Span::new(start, end), Span::new(at, at + 6))
    }

    #[test]
    fn settings_are_told_apart() {
        assert_eq!(setting_in("The password is `SECRET`."), Setting::WholeCode);
        assert_eq!(setting_in("The password is SECRET."), Setting::Word);
        assert_eq!(setting_in("| db | SECRET |"), Setting::Word);
        assert_eq!(setting_in("see postgres://u:SECRET@h/d"), Setting::Inside);
        assert_eq!(setting_in("[here](https://x.y/z?password=SECRET)."), Setting::Inside);
        assert_eq!(setting_in("run `mysql -pSECRET`"), Setting::Command);
        assert_eq!(setting_in("```bash\nexport X=SECRET\n```"), Setting::ShellBlock);
        assert_eq!(setting_in("```\ndocker run -e X=SECRET shop\n```"), Setting::ShellBlock);
        assert_eq!(setting_in("```\ntoken: SECRET\n```"), Setting::Block);
        assert_eq!(setting_in("```sh\nAWS Secret Access Key [None]: SECRET\n```"), Setting::Block);
        assert_eq!(setting_in("```sh\ncat <<END > a.yaml\npassword: SECRET\nEND\n```"), Setting::ShellBlock);
        assert_eq!(setting_in("[source,bash]\n----\nlogin SECRET\n----"), Setting::ShellBlock);
        assert_eq!(setting_in("[source,yaml]\n----\npassword: SECRET\n----"), Setting::Block);
        assert_eq!(setting_in("1. Do\n\n   .. code-block:: shell\n\n      mc alias set x SECRET\n"), Setting::Command);
        assert_eq!(setting_in("```console\n$ login\ntoken: SECRET\n```"), Setting::Block);
        assert_eq!(setting_in("```console\n$ login \\\n  --token SECRET\n```"), Setting::ShellBlock);
        assert_eq!(setting_in("Log in::\n\n  curl \\\n    -u \"a:SECRET\" \\\n"), Setting::Command);
        assert_eq!(setting_in("Log in::\n\n  export TOKEN=SECRET\n"), Setting::Command);
        assert_eq!(setting_in(".. code-block:: ini\n\n  token = SECRET\n"), Setting::Block);
        assert_eq!(setting_in("Settings:\n\n    token = SECRET\n"), Setting::Block);
        assert_eq!(setting_in("Settings:\n\n    db:\n      token: SECRET\n"), Setting::Block);
        assert_eq!(setting_in("1. Log in:\n\n    The password is SECRET.\n"), Setting::Word);
        assert_eq!(setting_in("```yaml\na: b\n```\ntext\n~~~\nx: SECRET\n~~~"), Setting::Block);
    }

    #[test]
    fn examples_are_announced_on_the_line_or_before_its_block() {
        let shown = |page: &str| {
            let at = page.find("SECRET").expect("is there");
            let start = page[..at].rfind('\n').map_or(0, |at| at + 1);
            is_in_example(page, Span::new(start, page[at..].find('\n').map_or(page.len(), |end| at + end)))
        };
        assert!(shown("The token looks like this: SECRET"));
        assert!(shown("For example:\n\n```\na: b\nx: SECRET\n```\n"));
        assert!(shown("Such as::\n\n    a: b\n\n    x: SECRET\n"));
        assert!(!shown("For example:\n```\na\n```\nRun it:\n\n    x: SECRET\n"));
        assert!(!shown("For example, this.\n\nThe password is SECRET.\n"));
    }

    #[test]
    fn headings_stand_outside_of_blocks_and_hold_no_values() {
        let secret = crate::secret::Secret::new(b"Zq93wLm2xTr7".to_vec());
        let slugs = Slugs::new(std::iter::once(&secret));
        assert_eq!(heading("# Data base\n```sh\n# mysql -p\n", &slugs), "data_base");
        assert_eq!(heading("# Old\n~~~\n# no\n```\n~~~\n## New 2\n", &slugs), "new");
        assert_eq!(heading("# login Zq93wLm2xTr7 here\n", &slugs), "login_here");
    }

    #[test]
    fn labels_are_short() {
        assert_eq!(label("- **RabbitMQ erlang cookie:** "), Some("rabbitmq_erlang_cookie".to_owned()));
        assert_eq!(label("to log in to the dashboard you have to use this: "), None);
    }
}
