//! Documentation: the value gives way to the command that prints it, in a form that fits where it stood: a code span in
//! prose and tables, a command substitution in shell blocks, a `ref+sops://` reference inside URLs and other blocks.

use super::page::{Block, Page};
use super::page_commands::{NO_LANGUAGES, command_start, is_command, is_listed_command, is_of_windows, is_output, is_shell, without_marks};
use super::quote::{expand, literal};
use super::shell::{heredoc, quote_in};
use super::{Rewriter, words};
use crate::finding::Fingerprint;
use crate::migrate::draft::{Draft, Verdict};
use crate::migrate::file::{Site, SourceFile};
use crate::migrate::naming;
use crate::migrate::plan::{Action, Applicability, EntryId, Step};
use crate::migrate::slugs::Slugs;
use crate::rule::lexicon::{ASSUMING_PHRASES, BUILT_IN_PHRASES, EXAMPLE_HEADINGS, EXAMPLE_PHRASES};
use crate::text::Span;

/// Markdown and other prose.
pub(super) struct Markdown;

const SUFFIXES: [&str; 8] = [".md", ".mdx", ".markdown", ".rst", ".adoc", ".asciidoc", ".txt", ".org"];
const NAMES: [&str; 6] = ["README", "NOTES", "TODO", "CHANGELOG", "HOWTO", "RUNBOOK"];

/// Why a text that may be no page is not changed unasked.
const AS_IT_STANDS: &str = "a text that a program may read as it stands";

const EXAMPLE: &str = "the text calls it an example; if the value is invented, it is a false alarm";
const DEFAULT: &str = "the text tells what a program has by default, which its readers need and nobody here can replace";

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
    // `NAME=value` on every line is read by a program.
    let assigns =
        |line: &str| line.split_once('=').is_some_and(|(name, _)| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'));
    let variables = || name.ends_with(".txt") && file.text().is_some_and(|text| text.lines().filter(|line| !line.is_empty()).all(assigns));
    (SUFFIXES.iter().any(|suffix| name.to_ascii_lowercase().ends_with(suffix)) || NAMES.contains(&name)) && !one_word() && !variables()
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
        let page = Page::new(text);
        let before = draft.plan.steps.len();
        for site in sites {
            let place = Place::of(&page, file.line_at(site.span.start), site.span);
            let name = place.name(site, &draft.slugs);
            let id = draft.shared(file, &[&words::of_file(file), &name], &site.value());
            let verdict = match () {
                () if is_in_link(text, site.span) => {
                    Verdict::review("the link leads nowhere until somebody puts the value in: is it meant to be public?")
                }
                () if place.is_in_example() => Verdict::review(EXAMPLE),
                () if place.tells_default() || is_of_chart(text, file.line_at(site.span.start), file, draft) => Verdict::review(DEFAULT),
                () if is_text_file(file) => Verdict::review(AS_IT_STANDS),
                () => place.verdict(),
            };
            let text = place.replacement(id, draft);
            let actions = vec![Action::Splice { file: file.path.clone(), span: site.span, text }];
            draft.step(self.id(), file, &[site], verdict, actions, vec![id]);
        }
        agree(&mut draft.plan.steps[before..]);
    }
}

/// Where a page calls a value an example, or a default, it is one everywhere on it.
fn agree(steps: &mut [Step]) {
    let told = |step: &&Step| step.reason == EXAMPLE || step.reason == DEFAULT;
    let told: Vec<(Fingerprint, usize)> =
        steps.iter().filter(told).flat_map(|step| step.places.iter().map(|place| (place.fingerprint.clone(), place.line))).collect();
    for step in steps.iter_mut().filter(|step| step.applicability == Applicability::Safe) {
        let other = told.iter().find(|(value, _)| step.places.iter().any(|place| place.fingerprint == *value));
        if let Some((_, line)) = other {
            step.doubt(&format!("line {line} has the value, too, and the text there calls it an example or a default"));
        }
    }
}

impl Markdown {
    /// A text in UTF-16 or the like: only the place is known.
    fn plain(&self, file: &SourceFile, site: &Site, draft: &mut Draft<'_>) {
        let id = draft.shared(file, &[&words::of_file(file), &words::by_rule(site)], &site.secret);
        let actions = vec![Action::Splice { file: file.path.clone(), span: site.span, text: draft.uri(id) }];
        draft.step(self.id(), file, &[site], Verdict::review(AS_IT_STANDS), actions, vec![id]);
    }
}

/// Whether a row of a table tells a value of the chart that the page lies beside.
fn is_of_chart(text: &str, line: Span, file: &SourceFile, draft: &Draft<'_>) -> bool {
    text[line.range()].trim_start().starts_with('|') && draft.repo.exists(&format!("{}Chart.yaml", file.folder()))
}

/// Where a value stands in a page.
struct Place<'p> {
    page: &'p Page<'p>,
    line: Span,
    span: Span,
    /// The block between marks that it is in.
    fenced: Option<&'p Block>,
    /// The block that its indentation puts it in, if it is in none between marks.
    indented: Option<Block>,
}

/// Where a span of a page stands.
pub(super) fn setting(page: &Page<'_>, line: Span, span: Span) -> Setting {
    Place::of(page, line, span).setting()
}

impl<'p> Place<'p> {
    fn of(page: &'p Page<'p>, line: Span, span: Span) -> Self {
        let fenced = page.fenced(line);
        Self { page, line, span, fenced, indented: if fenced.is_some() { None } else { page.indented(line) } }
    }

    fn block(&self) -> Option<&Block> {
        self.fenced.or(self.indented.as_ref())
    }

    fn replacement(&self, id: EntryId, draft: &Draft<'_>) -> String {
        let (text, line, span) = (self.page.text, self.line, self.span);
        let command = draft.command(id);
        match self.setting() {
            Setting::ShellBlock | Setting::Command if span.end <= line.end => {
                let start = self
                    .block()
                    .map_or_else(|| line.end - without_marks(&text[line.range()]).len(), |block| command_start(text, line, block));
                let above = self.block().map_or("", |block| block.above(text, line));
                match quote_in(heredoc(above), &text[start..line.end], span.start - start) {
                    Some(quote) => expand(&format!("$({command})"), quote),
                    None => draft.uri(id),
                }
            }
            Setting::WholeCode => command,
            Setting::Word => format!("`{command}`"),
            Setting::Block if text[span.end..].chars().next().is_none_or(|c| c.is_whitespace() || "\"'`<".contains(c)) => draft.uri(id),
            Setting::ShellBlock | Setting::Command | Setting::Block | Setting::Inside => format!("{}+", draft.uri(id)),
        }
    }

    fn setting(&self) -> Setting {
        let (text, line, span) = (self.page.text, self.line, self.span);
        if is_of_windows(&text[line.range()]) {
            return Setting::Block;
        }
        if let Some(block) = self.fenced {
            // A block that does not say what it is can be one of commands, too.
            let shell = is_shell(&block.language) || NO_LANGUAGES.contains(&block.language.as_str()) && is_command(text, line);
            let output = || is_output(block.above(text, line), &text[line.range()]) || self.is_answer(block);
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
        match &self.indented {
            Some(block) => {
                let shell = is_shell(&block.language) || is_command(text, line);
                if shell && !self.is_answer(block) { Setting::Command } else { Setting::Block }
            }
            None if is_listed_command(text, line) => Setting::Command,
            None if is_argument(text, span) => Setting::Block,
            None if is_whole(text, span) => Setting::Word,
            None => Setting::Inside,
        }
    }

    /// Whether whoever uses the page after that cannot help but see that a reference stands there.
    fn verdict(&self) -> Verdict {
        match self.setting() {
            Setting::WholeCode => Verdict::safe(""),
            Setting::Word if !self.is_in_code() => Verdict::safe(""),
            Setting::ShellBlock | Setting::Command => {
                Verdict::review("whoever pastes the command without the key at hand, or in another folder, runs it without the value")
            }
            Setting::Word | Setting::Block | Setting::Inside => {
                Verdict::review("whoever pastes it has the reference in the place of the value")
            }
        }
    }

    /// `--env=NAME=value \`, `token      value`, what is set in far: a line of code or of an output that no mark tells.
    fn is_in_code(&self) -> bool {
        const FAR: usize = 8;
        let line = &self.page.text[self.line.range()];
        let before = &self.page.text[self.line.start..self.span.start];
        let column = before.ends_with("   ") && !before.trim().is_empty() && !before.trim().contains(' ');
        let far = line.len() - line.trim_start_matches([' ', '\t']).len() >= FAR;
        self.page.text[..self.span.start].ends_with('=') || line.trim_end().ends_with('\\') || column || far
    }

    /// `AWS Secret Access Key [None]: `: what somebody types when a program asks, and no line of a file that a command writes.
    fn is_answer(&self, block: &Block) -> bool {
        let before = &self.page.text[self.line.start..self.span.start];
        let Some(question) = before.trim_end().strip_suffix(':') else { return false };
        let asks = question.ends_with(']') || before.ends_with(": ") && question.starts_with(|c: char| c.is_uppercase());
        let written = || block.above(self.page.text, self.line).contains("<<");
        asks && !question.contains(['"', '\'', '=']) && !question.contains(" -") && !written()
    }

    /// Whether the text calls what it shows an example: on the line, or on the last one before its block.
    fn is_in_example(&self) -> bool {
        let text = self.page.text;
        let says = |line: &str| {
            let line = line.to_lowercase();
            EXAMPLE_PHRASES.iter().any(|phrase| line.contains(phrase))
        };
        let before = self.block().and_then(|block| text[..block.opened].lines().rev().find(|line| !line.trim().is_empty()));
        let headed = || EXAMPLE_HEADINGS.within(self.page.heading(self.line.start).to_lowercase().as_bytes());
        says(&text[self.line.range()])
            || before.is_some_and(says)
            || headed()
            || self.is_assumed()
            || EXAMPLE_HEADINGS.within(self.column().to_lowercase().as_bytes())
    }

    /// `Let's assume the following user`, a few lines above in the same section.
    fn is_assumed(&self) -> bool {
        const LINES: usize = 8;
        let above = self.page.text[..self.line.start].lines().rev().take(LINES).take_while(|line| !line.starts_with('#'));
        above.map(str::to_lowercase).any(|line| ASSUMING_PHRASES.iter().any(|phrase| line.contains(phrase)))
    }

    /// What the table that the value stands in has over its column.
    fn column(&self) -> &'p str {
        let text = self.page.text;
        let is_row = |line: &&str| line.trim_start().starts_with('|');
        if !is_row(&&text[self.line.range()]) {
            return "";
        }
        let at = text[self.line.start..self.span.start].matches('|').count();
        let first = text[..self.line.start].lines().rev().take_while(is_row).last();
        first.and_then(|row| row.split('|').nth(at)).unwrap_or_default()
    }

    /// Whether the sentence before the value, or one a few lines above, says that a program comes with it.
    fn tells_default(&self) -> bool {
        const LINES: usize = 4;
        let start = self.page.text[..self.line.start].rmatch_indices('\n').nth(LINES).map_or(0, |(at, _)| at + 1);
        let above = &self.page.text[start..self.line.start];
        let above = above.rfind("\n#").map_or(start, |at| start + at);
        let before = &self.page.text[above..self.span.start];
        BUILT_IN_PHRASES.within(before.to_lowercase().as_bytes())
    }

    /// What the secret is called: the words before it on its line, the row and column of its table, its heading.
    fn name(&self, site: &Site, slugs: &Slugs) -> String {
        let (text, line) = (self.page.text, self.line);
        let row = slugs.blank(&text[line.range()]);
        let generic = words::name(text, site);
        if row.trim_start().starts_with('|') {
            let first = row.trim_start().trim_start_matches('|').split('|').next().map(naming::slug).unwrap_or_default();
            return joined(&first, words::kind(site));
        }
        if let Some(label) = label(&slugs.blank(&text[line.start..site.span.start])) {
            return joined(&label, words::kind(site));
        }
        if words::assigned(text, site.span).is_some() && self.fenced.is_some() {
            return generic;
        }
        let heading = short(&slugs.blank(self.page.heading(line.start)));
        joined(&heading, if generic.is_empty() { words::kind(site) } else { &generic })
    }
}

/// What of the word that a span ends stands before it.
fn word_before(text: &str, span: Span) -> &str {
    let start = words::start_behind(&text[..span.start], |c| c.is_whitespace() || "\"'`(<|".contains(c));
    &text[start..span.start]
}

/// Whether a span is in what readers click at: `[text](https://…`, `<https://…>`, `href="https://…"`.
fn is_in_link(text: &str, span: Span) -> bool {
    let before = word_before(text, span);
    let clickable = before.starts_with("https://") || before.starts_with("http://");
    let open = &text[..span.start - before.len()];
    clickable && ["](", "<", "href=\"", "href='"].iter().any(|mark| open.ends_with(mark))
}

/// `setup.txt`: it may be a page, and a program's input or output as well.
fn is_text_file(file: &SourceFile) -> bool {
    let name = file.name();
    name.ends_with(".txt") && !NAMES.iter().any(|known| name.starts_with(known))
}

/// `IDENTIFIED BY 'VALUE'`, `login("VALUE")`, `"token": "VALUE"`: whether a span is a string in a line of code that no mark tells.
fn is_argument(text: &str, span: Span) -> bool {
    let Some((quoted, _)) = literal(text, span) else { return false };
    let before = text[..quoted.start].trim_end_matches(' ');
    before.ends_with(['=', '(']) || before.ends_with("\":") || [" BY", " PASSWORD", " AS"].iter().any(|word| before.ends_with(word))
}

/// Whether nothing but punctuation touches a span.
fn is_whole(text: &str, span: Span) -> bool {
    let before = text[..span.start].chars().next_back();
    let after = text[span.end..].chars().next();
    if word_before(text, span).contains("://") {
        return false;
    }
    let opens = before.is_none_or(|c| c.is_whitespace() || "\"'*_(|>=[".contains(c));
    let closes = after.is_none_or(|c| c.is_whitespace() || "\"'*_)|<.,;:!?]".contains(c));
    opens && closes
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

/// The first words of a heading.
fn short(heading: &str) -> String {
    let words = naming::slug(heading);
    words.split('_').filter(|word| !word.bytes().all(|byte| byte.is_ascii_digit())).take(3).collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_secret<T>(text: &str, look: impl FnOnce(Place<'_>) -> T) -> T {
        let at = text.find("SECRET").expect("is there");
        let start = text[..at].rfind('\n').map_or(0, |at| at + 1);
        let end = text[at..].find('\n').map_or(text.len(), |end| at + end);
        look(Place::of(&Page::new(text), Span::new(start, end), Span::new(at, at + 6)))
    }

    fn setting_in(text: &str) -> Setting {
        at_secret(text, |place| place.setting())
    }

    #[test]
    fn settings_are_told_apart() {
        assert_eq!(setting_in("The password is `SECRET`."), Setting::WholeCode);
        assert_eq!(setting_in("The password is SECRET."), Setting::Word);
        assert_eq!(setting_in("| db | SECRET |"), Setting::Word);
        assert_eq!(setting_in("The password is 'SECRET'."), Setting::Word);
        assert_eq!(setting_in("CREATE USER a IDENTIFIED BY 'SECRET';"), Setting::Block);
        assert_eq!(setting_in("db.login(\"SECRET\")"), Setting::Block);
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
        let shown = |text| at_secret(text, |place| place.is_in_example());
        assert!(shown("The token looks like this: SECRET"));
        assert!(shown("For example:\n\n```\na: b\nx: SECRET\n```\n"));
        assert!(shown("Such as::\n\n    a: b\n\n    x: SECRET\n"));
        assert!(shown("For example:\n\n[source,yaml]\n----\na: b\nx: SECRET\n----\n"));
        assert!(shown("For example:\n\n.. code-block:: yaml\n\n   a:\n     x: SECRET\n"));
        assert!(!shown("For example:\n```\na\n```\nRun it:\n\n    x: SECRET\n"));
        assert!(!shown("For example, this.\n\nThe password is SECRET.\n"));
    }

    #[test]
    fn headings_give_words_and_no_values() {
        let secret = crate::secret::Secret::new(b"Zq93wLm2xTr7".to_vec());
        let slugs = Slugs::new(std::iter::once(&secret));
        assert_eq!(short(&slugs.blank(" New 2")), "new");
        assert_eq!(short(&slugs.blank("login Zq93wLm2xTr7 here")), "login_here");
    }

    #[test]
    fn labels_are_short() {
        assert_eq!(label("- **RabbitMQ erlang cookie:** "), Some("rabbitmq_erlang_cookie".to_owned()));
        assert_eq!(label("to log in to the dashboard you have to use this: "), None);
    }
}
